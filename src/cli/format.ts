import type { Difference } from "../report/difference.ts";
import type { Judged } from "../report/objectives.ts";
import type { Report } from "../report/report.ts";

/** What came of one scenario of a simulation: a report per replication. Candidates follow their baseline. */
export interface Outcome {
  readonly simulation: string;
  readonly scenario: string;
  readonly reports: readonly Report[];
  readonly objectives: readonly Judged[];
  /** Left out where no objective was said. */
  readonly verdict?: "Passed" | "Failed" | "Inconclusive";
  /** Of a candidate: its KPIs against the baseline's. */
  readonly differences?: Readonly<Record<string, Difference>>;
}

/** A way to print outcomes. Deterministic: the same outcomes give the same text. */
export interface Format {
  readonly name: string;
  readonly summary: string;
  print(outcomes: readonly Outcome[]): string;
}
