import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { describeProblem, type Problem } from "../../model/problem.ts";
import { unfitted } from "../../operator/calibration/fitted-spec.ts";
import type { UrlToken } from "../../operator/production-traffic.ts";
import { clusterOf, type Read, read } from "../../operator/read.ts";
import type { Limits } from "../../schema/limits.ts";
import { KIND } from "../../schema/resource.ts";
import { type Beyond, objectStore } from "../../store/manifests.ts";
import type { StoredObject } from "../../store/store.ts";
import { digestOf, scenarioDigest } from "../../twin/digest.ts";
import type { ManifestRef } from "../../twin/manifest.ts";
import { platformsIn } from "../../twin/platforms.ts";
import type { Scenario } from "../../twin/scenario.ts";
import { type ChangedValue, changedValues } from "./changed-values.ts";
import { identityOf, nameOf } from "./objects.ts";

/** Objects, and where else to look. */
export interface Side {
  readonly objects: readonly StoredObject[];
  readonly beyond: Beyond;
}

export interface ComparedParts {
  readonly before: Side;
  readonly after: Side;
  readonly limits: Limits;
  readonly allowedUrls: readonly string[];
  readonly tokens: readonly UrlToken[];
}

/** One simulation that the change means something to. */
export interface ComparedSimulation {
  /** `namespace/name`. */
  readonly name: string;
  readonly baseline: Read;
  readonly change: Read;
  readonly values: readonly ChangedValue[];
  readonly warnings: readonly Problem[];
  /** Its manifest; left out: nobody has written one. */
  readonly stored: StoredObject;
}

/** A simulation that is not run, and why. */
export interface LeftOut {
  readonly simulation: string;
  readonly why: string;
}

export type Looked =
  /** `touches`: objects that it was read from, before or after. */
  | { readonly kind: "changed"; readonly compared: ComparedSimulation; readonly touches: readonly ManifestRef[] }
  | { readonly kind: "unchanged"; readonly left: LeftOut; readonly touches: readonly ManifestRef[] }
  /** With the change it can't be simulated any more. */
  | { readonly kind: "broken"; readonly problems: readonly Problem[] }
  /** It could not be before either. */
  | { readonly kind: "unreadable"; readonly problems: readonly Problem[]; readonly left: LeftOut }
  | { readonly kind: "left out"; readonly left: LeftOut };

/**
 * Reads one simulation on both sides, under the traffic that it says now.
 * @param said as it is after the change
 * @param before as it was, whose overrides then counted; left out: it was not there, or nobody has written it
 */
export const look = async (
  said: StoredObject,
  before: StoredObject | undefined,
  parts: ComparedParts,
): Promise<Looked> => {
  const { limits, allowedUrls, tokens } = parts;
  // Of production's traffic both sides have the same window.
  const lastTraffic = new Map();
  const name = `${said.object.metadata.namespace ?? "default"}/${said.object.metadata.name}`;
  const left = (why: string) => ({ simulation: name, why });
  const { mode = "Preview" } = (said.object.spec ?? {}) as { mode?: string };
  if (mode === "Shadow") return { kind: "left out", left: left("is a Shadow, which has no end") };
  const readAt = (stored: StoredObject, { objects, beyond }: Side) =>
    read(stored, { store: objectStore(objects, beyond), limits, allowedUrls, tokens, lastTraffic });
  const change = await readAt(said, parts.after);
  const baseline = await readAt(withOverrides(said, before), parts.before);
  if (!baseline.ok) {
    const problems = baseline.problems.filter(isError);
    const why = (when: string) => left(`can't be simulated ${when}: ${problems.map(describeProblem)[0] ?? ""}`);
    return change.ok
      ? { kind: "left out", left: why("without the change") }
      : { kind: "unreadable", problems, left: why("with or without the change") };
  }
  if (!change.ok) return { kind: "broken", problems: change.problems.filter(isError) };
  const touches = [...baseline.value.reads, ...change.value.reads];
  const [was, is] = await Promise.all([baseline.value, change.value].map(({ scenario }) => portableDigest(scenario)));
  if (was === is) return { kind: "unchanged", left: left("the change makes no difference to it"), touches };
  const values = changedValues(baseline.value.values, change.value.values);
  const compared = {
    name,
    baseline: baseline.value,
    change: { ...change.value, scenario: { ...change.value.scenario, name: "change" } },
    values,
    warnings: [...change.warnings, ...unfitted(said.object)],
    stored: said,
  };
  return { kind: "changed", compared, touches };
};

const isError = ({ severity }: Problem): boolean => severity === "error";

/** Traffic and run as they are now, so that both sides answer one question; what was overridden before, before. */
const withOverrides = (said: StoredObject, before: StoredObject | undefined): StoredObject => {
  if (before === undefined) return said;
  const [now, then] = [said, before].map(({ object }) => (object.spec ?? {}) as Record<string, unknown>);
  const { overrides: _, ...rest } = now ?? {};
  const overrides = then?.overrides;
  return { ...said, object: { ...said.object, spec: { ...rest, ...(overrides === undefined ? {} : { overrides }) } } };
};

/** With the trace known by what it holds, not by where and since when it lies there: equal inputs have equal digests anywhere. */
export const portableDigest = async (scenario: Scenario): Promise<string> => {
  const { traffic } = scenario;
  if (traffic.kind !== "trace" || traffic.input.kind !== "file") return scenarioDigest(scenario);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(traffic.input.path)) hash.update(chunk as Buffer);
  return digestOf({ ...scenario, traffic: { ...traffic, input: hash.digest("hex") } });
};

/** The simulations that somebody has written, of one name if it is said, each with what it was before. */
export const writtenSimulations = (
  { before, after }: Pick<ComparedParts, "before" | "after">,
  name: string | undefined,
): readonly { readonly said: StoredObject; readonly before?: StoredObject }[] => {
  const was = new Map(before.objects.map((one) => [identityOf(one.object), one]));
  return after.objects
    .filter(({ object }) => object.kind === KIND)
    .filter(
      ({ object }) =>
        name === undefined || [object.metadata.name, nameOf(object).slice(KIND.length + 1)].includes(name),
    )
    .map((said) => {
      const old = was.get(identityOf(said.object));
      return old === undefined || isDeepStrictEqual(old.object.spec, said.object.spec)
        ? { said }
        : { said, before: old };
    });
};

/** The workloads of these namespaces that belong together, as they are with the change. */
export const platformsAfter = (
  { objects, beyond }: Side,
  namespaces: readonly string[],
): readonly (readonly ManifestRef[])[] => {
  const store = objectStore(objects, beyond);
  return namespaces.flatMap((namespace) => platformsIn(clusterOf(store, namespace), namespace));
};
