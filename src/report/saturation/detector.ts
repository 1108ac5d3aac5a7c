import type { Completions } from "./completions.ts";

export const LEVELS = ["STABLE", "BACKLOGGED", "OVERLOADED"] as const;
/** From the mildest to the most severe. */
export type Level = (typeof LEVELS)[number];

export interface SaturationVerdict {
  readonly level: Level;
  /** 0 to 1. */
  readonly score: number;
  /** 0 to 1: how much there was to judge by. */
  readonly confidence: number;
}

/** A run so far, as detectors see it. */
export interface RunSoFar {
  readonly arrivals: number;
  readonly completions: number;
  /** End-to-end times in order of completion. */
  readonly latencies: Completions;
  /** Least-squares slope of the requests in flight at the ends of 60 s buckets, in requests per bucket. */
  readonly backlogSlope: number;
}

export interface DetectorOptions {
  /** Of the detector `threshold`. */
  readonly e2eSeconds: number;
}

/** Says of a run whether what it was given was too much. Sources are those of BLIS, sim/saturation, inference-sim@0621505e. */
export interface Detector {
  readonly name: string;
  readonly summary: string;
  judge(run: RunSoFar, options: DetectorOptions): SaturationVerdict;
}

export const NOTHING: SaturationVerdict = { level: "STABLE", score: 0, confidence: 0 };
