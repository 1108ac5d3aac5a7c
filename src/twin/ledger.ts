import { durationSeconds } from "../model/duration.ts";
import { describeSource, type Known, known, type Source } from "../model/known.ts";
import { objectText } from "../model/object-text.ts";
import type { Problem } from "../model/problem.ts";
import { type Manifest, type ManifestRef, refOf } from "./manifest.ts";

/** A value that the simulation uses, and where it came from. */
export interface MirroredValue {
  /** `workloads[vllm-llama-8b].engine.maxNumSeqs`. */
  readonly path: string;
  readonly value: string | number | boolean | null;
  readonly from: Source;
}

const LONGEST_SECONDS = 365 * 86_400;

/** Collects what a mirroring finds: values with their sources, objects that were read, and problems. */
export class Ledger {
  readonly values: MirroredValue[] = [];
  readonly problems: Problem[] = [];
  readonly #reads = new Map<string, ManifestRef>();

  get reads(): readonly ManifestRef[] {
    return [...this.#reads.values()];
  }

  get failed(): boolean {
    return this.problems.some(({ severity }) => severity === "error");
  }

  read(manifest: Manifest): void {
    const ref = refOf(manifest);
    this.#reads.set(objectText(ref), ref);
  }

  /** Notes a value that goes into the scenario, and hands it on. */
  use<T extends MirroredValue["value"]>(path: string, { value, from }: Known<T>): T {
    this.values.push({ path, value, from });
    return value;
  }

  error(problem: Omit<Problem, "severity">): undefined {
    this.problems.push({ severity: "error", ...problem });
  }

  warn(problem: Omit<Problem, "severity">): void {
    this.problems.push({ severity: "warning", ...problem });
  }

  /** As `use`, of a length of time in seconds: one beyond a year is told as an error, since no clock here takes it. */
  useSeconds(path: string, value: Known<number>, object: string): number {
    if (value.value > LONGEST_SECONDS) {
      const message = `${value.value} s is longer than a year`;
      this.error({ reason: "TooLong", ...placeOf(value.from, object), message, fix: `set at most ${LONGEST_SECONDS}` });
    }
    return this.use(path, value);
  }

  /** Problems told by others, placed where they have no object of their own. */
  add(problems: readonly Problem[], place: Pick<Problem, "object" | "field">): void {
    for (const problem of problems) {
      this.problems.push(problem.object === undefined ? { ...place, ...problem } : problem);
    }
  }
}

/** A field of the InferenceSimulation; undefined where it is left out. @param field without `spec.` */
export const overridden = <T>(value: T | undefined, field: string): Known<T> | undefined =>
  value === undefined ? undefined : known(value, { kind: "override", field: `spec.${field}` });

/** A field that the InferenceSimulation always has, be it by the CRD's default. @param field without `spec.` */
export const ownField = <T>(value: T, simulation: string, field: string): Known<T> =>
  known(value, { kind: "field", object: `InferenceSimulation/${simulation}`, field: `spec.${field}` });

export const defaulted = <T>(value: T, why: string): Known<T> => known(value, { kind: "default", why });
export const derived = <T>(value: T, how: string): Known<T> => known(value, { kind: "derived", how });

/** A length of time of the InferenceSimulation in seconds; 0, which would stop the clock, is told as an error. */
export const overriddenPeriod = (
  text: string | undefined,
  field: string,
  ledger: Ledger,
): Known<number> | undefined => {
  const said = overridden(text === undefined ? undefined : durationSeconds(text), field);
  if (said === undefined || Math.round(said.value * 1e6) > 0) return said;
  const message = "must be longer than 0s";
  return ledger.error({ reason: "BadPeriod", field: `spec.${field}`, message, fix: "set 1s or more, or leave it out" });
};

/** Where a problem about a value is best placed. */
export const placeOf = (from: Source, object: string): Pick<Problem, "object" | "field"> => {
  if (from.kind === "field") return { object: from.object, field: from.field };
  return from.kind === "override" ? { field: from.field } : { object };
};

/** The value and where it is from, for messages: `4 (Deployment/ns/a spec...args[1])`. */
export const withSource = ({ value, from }: Known<unknown>): string => `${String(value)} (${describeSource(from)})`;
