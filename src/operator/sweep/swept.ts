import type { CandidatePatch } from "../../schema/candidate.ts";
import type { Sweep } from "../../schema/sweep.ts";
import type { Oracle } from "../../twin/sweep/oracle.ts";
import type { Score } from "../../twin/sweep/score.ts";

/** One combination of values, and how it did. */
export interface Tried {
  /** Per parameter. */
  readonly values: readonly unknown[];
  readonly score: Score;
  /** 1 where it did too badly to go on. */
  readonly replications: number;
  /** Nothing that ran as many replications attains more for less. */
  readonly frontier: boolean;
  /** GPU-hours beyond what an all-knowing autoscaler would need; below 0 where one replica holds more than the baseline's. */
  readonly regretGpuHours?: number;
}

/** What a sweep found. */
export interface Swept {
  readonly simulation: string;
  readonly search: Sweep["search"];
  /** What the values are of, `Kind/name path`. */
  readonly parameters: readonly string[];
  /** Combinations that there are. */
  readonly combinations: number;
  /** What an all-knowing autoscaler would need for the baseline's traffic, or why that can't be said. */
  readonly oracle?: Oracle | { readonly none: string };
  /** Best first: by the round that they came to, then by their score. */
  readonly tried: readonly Tried[];
  /** Combinations that can't be simulated, such as one with minReplicas above maxReplicas, and why. */
  readonly impossible: readonly { readonly values: readonly unknown[]; readonly why: string }[];
  /** Left out: nothing that was tried meets the objectives. */
  readonly recommended?: Recommended;
}

export interface Recommended {
  readonly values: readonly unknown[];
  /** As `spec.candidates[].patches` takes them. */
  readonly patches: readonly CandidatePatch[];
  /** Where one object is concerned, and it is not the simulation: for `kubectl patch --type=merge`. */
  readonly mergePatch?: { readonly object: string; readonly patch: unknown };
}
