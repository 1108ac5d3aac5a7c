import type { Swept } from "../operator/sweep/swept.ts";
import type { Difference } from "../report/difference.ts";
import type { Judged } from "../report/objectives.ts";
import type { Report } from "../report/report.ts";
import type { LeftOut } from "./preview/compared-simulations.ts";
import type { Previewed } from "./preview/previewed.ts";

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

/** What a change does to the platforms that it concerns. */
export interface Answer {
  /** Objects that change, `Kind/namespace/name`. */
  readonly objects: readonly string[];
  readonly previews: readonly Previewed[];
  readonly leftOut: readonly LeftOut[];
  /** Where an object, or a field of it, stands in a file; undefined: it came from elsewhere. */
  locate(object: string, field?: string): Located | undefined;
}

export interface Located {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

/** A way to print what came out. Deterministic: the same outcomes give the same text. */
export interface Format {
  readonly name: string;
  readonly summary: string;
  /** For `run`. Left out: it says nothing about runs by themselves. */
  print?(outcomes: readonly Outcome[]): string;
  /** For `preview` and `check`. Left out: it says nothing about changes. */
  compare?(answer: Answer): string;
  /** For `sweep`. */
  sweep?(found: readonly Swept[]): string;
}
