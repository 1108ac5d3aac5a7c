import type { MetricFamily } from "../model/metric-family.ts";
import type { Problem } from "../model/problem.ts";
import type { Report } from "../report/report.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import type { SimulationStatus } from "../schema/simulation-status.ts";
import type { StoredObject } from "../store/store.ts";
import type { ManifestRef, MirroredValue } from "../twin/mirror.ts";
import type { FoundTraffic, Scenario } from "../twin/scenario.ts";
import type { Progress, ShadowSnapshot } from "../worker/protocol.ts";
import type { Push } from "../worker/remote-write/push.ts";
import type { HeldCalibration } from "./calibration/held-calibration.ts";
import type { Doing } from "./plan.ts";
import type { JobProgress } from "./sweep/job-runs.ts";
import type { Swept } from "./sweep/swept.ts";

/** What this process holds of one simulation; all of it can be had again from the store. */
export interface Held {
  readonly key: string;
  /** As last read and found good, and the object that it was read from. */
  simulation?: InferenceSimulation;
  stored?: StoredObject;
  /** The baseline. */
  scenario?: Scenario;
  /** In the order of spec.candidates. */
  candidates: readonly Scenario[];
  mirrored: readonly MirroredValue[];
  /** Objects that the baseline or a candidate is mirrored from. */
  reads: readonly ManifestRef[];
  /** It is being read just now: what changes meanwhile may have been read before. */
  reading: boolean;
  warnings: readonly Problem[];
  /** Why it can't be simulated as it stands. */
  problems: readonly Problem[];
  /** Metrics pages of real replicas, by URL, as they were last. */
  readonly lastPages: Map<string, string>;
  /** The window of production's traffic that is simulated. */
  readonly lastTraffic: Map<string, FoundTraffic>;
  /** Where the simulation says `calibration: Auto`. */
  calibration?: HeldCalibration;
  preview?: HeldPreview;
  shadow?: HeldShadow;
  /** The report of the finished preview, where a ConfigMap is to have it. */
  report?: HeldReport;
  /** The operator is stopping, and has ended what ran. */
  interrupted?: true;
}

export interface HeldPreview {
  readonly inputDigest: string;
  /** Its status holds this result already: nothing is told again. */
  readonly restore: boolean;
  readonly abort: AbortController;
  /** By `performance.now()`. */
  readonly beganMillis: number;
  state: "running" | "finished" | "failed";
  /** 0 to 1, per run: replications of the baseline, then those of each candidate. */
  readonly progress: (Progress | undefined)[];
  reports: readonly Report[];
  /** Of spec.sweep, once it has begun; of one that its status holds already, once it is found again. */
  sweep?: HeldSweep;
  problem?: Problem;
  /** Of its series, where they are pushed; not of a result that was pushed already. */
  push?: Push;
}

export interface HeldSweep {
  /** Candidates so far, and how many replications the last of them ran. */
  tried: number;
  replications: number;
  /** Where it runs as Jobs: the ConfigMap with the results so far, and how the last Job comes on. */
  ledger?: string;
  job?: JobProgress;
  /** What was found, at its end. */
  swept?: Swept;
}

export interface HeldShadow {
  readonly inputDigest: string;
  /** By `performance.now()`. */
  readonly beganMillis: number;
  scale: number | undefined;
  state: "following" | "failed";
  snapshot?: ShadowSnapshot;
  /** Its series, as last drawn. */
  families?: readonly MetricFamily[];
  /** As last told. */
  loops?: ShadowSnapshot["loops"];
  problem?: Problem;
}

/** How the whole report of a preview stands in its ConfigMap. */
export interface HeldReport {
  readonly condition: Omit<SimulationStatus["conditions"][number], "lastTransitionTime" | "observedGeneration">;
  /** What was looked for. */
  readonly name: string;
  readonly inputDigest: string;
  /** Whether what its sweep found was at hand. */
  readonly swept: boolean;
  readonly lookedAtMillis: number;
  /** It is to be tried again, after so long if that is known. */
  readonly again?: { readonly afterSeconds?: number };
}

export const emptyHeld = (key: string): Held => ({
  key,
  candidates: [],
  mirrored: [],
  reads: [],
  reading: false,
  warnings: [],
  problems: [],
  lastPages: new Map(),
  lastTraffic: new Map(),
});

export const doingOf = (held: Held): Doing => ({
  ...(held.preview === undefined
    ? {}
    : { preview: { inputDigest: held.preview.inputDigest, state: held.preview.state } }),
  ...(held.shadow === undefined
    ? {}
    : { shadow: { inputDigest: held.shadow.inputDigest, scale: held.shadow.scale, state: held.shadow.state } }),
});
