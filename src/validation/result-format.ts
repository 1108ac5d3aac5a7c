import type { Problem } from "../model/problem.ts";
import type { Figures, MeasuredRun, Metric } from "./measured-run.ts";

/** One run that a load generator reports: what it sent, and what its clients measured, in milliseconds. */
export interface ResultRun {
  /** The file's name, and the run's place in it where there are several. */
  readonly id: string;
  /** As the load generator names it in its requests. */
  readonly model: string | undefined;
  readonly load: MeasuredRun["load"];
  readonly measured: Figures;
  readonly completed: number;
  readonly failed: number;
}

export interface Results {
  readonly runs: readonly ResultRun[];
  readonly problems: readonly Problem[];
}

/** What a result file doesn't say, but its companions do. */
export interface Companions {
  /** Configurations that were given beside the results, parsed. */
  readonly configs: readonly unknown[];
}

/** Result files of one load generator, recognised by their shape. */
export interface ResultFormat {
  readonly name: string;
  readonly summary: string;
  /** Fields by which it is recognised, for people. */
  readonly marks: string;
  recognises(json: unknown): boolean;
  read(json: unknown, file: string, companions: Companions): Results;
}

/** Load generators write 0 or nothing where nothing was measured. */
export const measuredFigures = (figures: Partial<Record<Metric, number | null | undefined>>): Figures =>
  Object.fromEntries(
    Object.entries(figures).filter(([, value]) => typeof value === "number" && Number.isFinite(value) && value > 0),
  );

export const leftOut = (file: string, object: string, message: string, fix?: string): Problem => ({
  severity: "warning",
  reason: "RunLeftOut",
  file,
  object,
  message: `left out: ${message}`,
  ...(fix === undefined ? {} : { fix }),
});

export const noted = (file: string, object: string, message: string, fix?: string): Problem => ({
  severity: "warning",
  reason: "Assumed",
  file,
  object,
  message,
  ...(fix === undefined ? {} : { fix }),
});
