import type { Judged } from "../report/objectives.ts";
import type { Report } from "../report/report.ts";

/** What came of one simulation: a report per replication. */
export interface Outcome {
  readonly simulation: string;
  readonly scenario: string;
  readonly reports: readonly Report[];
  readonly objectives: readonly Judged[];
  /** Left out where no objective was said. */
  readonly verdict?: "Passed" | "Failed" | "Inconclusive";
}

/** A way to print outcomes. Deterministic: the same outcomes give the same text. */
export interface Format {
  readonly name: string;
  readonly summary: string;
  print(outcomes: readonly Outcome[]): string;
}
