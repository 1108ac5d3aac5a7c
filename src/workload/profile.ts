import type * as z from "zod";
import type { Problem, Result } from "../model/problem.ts";
import { LENGTH_MAX } from "./length.ts";
import type { LengthSaid } from "./lengths/index.ts";
import type { ClientSaid, SyntheticWorkload } from "./synthetic-workload.ts";

/** How another tool writes its workload down. */
export interface Profile<Name extends string = string> {
  readonly name: Name;
  readonly summary: string;
  /** Strict: an unknown field is an error. */
  readonly schema: z.ZodType;
  /** The same traffic as clients of the synthetic source. Fields of problems are the file's own. @param said what `schema` made of it */
  convert(said: unknown): Result<SyntheticWorkload>;
}

/** A field of the file, from its top on. */
export type Path = readonly (string | number)[];

/** Collects what is wrong with a file, and what has no effect. */
export class ProfileProblems {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];

  /** @returns undefined, for those who can't go on without */
  error(path: Path, message: string, fix?: string): undefined {
    this.errors.push({ severity: "error", reason: "BadProfile", field: textOf(path), message, ...fixOf(fix) });
  }

  warn(path: Path, message: string, fix?: string): void {
    this.warnings.push({ severity: "warning", reason: "NoEffect", field: textOf(path), message, ...fixOf(fix) });
  }

  result(workload: SyntheticWorkload | undefined): Result<SyntheticWorkload> {
    if (this.errors.length > 0 || workload === undefined) return { ok: false, problems: this.errors };
    return { ok: true, value: workload, warnings: this.warnings };
  }
}

const fixOf = (fix: string | undefined) => (fix === undefined ? {} : { fix });

const textOf = (path: Path): string =>
  path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");

/** A client with what other tools always say of one. */
export const profileClient = (
  said: Pick<ClientSaid, "name" | "prompt" | "output"> & Partial<ClientSaid>,
): ClientSaid => ({ arrival: { process: "poisson" }, ...said });

export const normalLength = (mean: number, deviation: number, min: number, max: number): LengthSaid => ({
  distribution: "normal",
  mean,
  deviation,
  min,
  max,
});

export const exponentialLength = (mean: number, min = 1, max = LENGTH_MAX): LengthSaid => ({
  distribution: "exponential",
  mean,
  min,
  max,
});

export const constantLength = (tokens: number): LengthSaid => ({
  distribution: "constant",
  tokens: Math.max(1, tokens),
});

/** Microseconds as durations are written; whole microseconds stay exact. */
export const microsText = (length: number): string => `${Math.round(length)}us`;
