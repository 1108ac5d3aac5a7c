import type { WriteBatch } from "../exporter/remote-write/write-batch.ts";
import type { MetricFamily } from "../model/metric-family.ts";
import type { Problem } from "../model/problem.ts";
import type { Drift } from "../report/drift/index.ts";
import type { KpiBands, Kpis, Report, Saturation, Timeline } from "../report/report.ts";
import type { MirroredValue } from "../twin/mirror.ts";
import type { Scenario } from "../twin/scenario.ts";

/** To a preview's thread. */
export interface PreviewTask {
  readonly scenario: Scenario;
  readonly maxTraceBytes: number;
  /** Where to write a line of JSON per request (`request-log.ts`); nothing is left there if the run fails. */
  readonly requestsFile?: string;
  /** Where to write a line of JSON per routing decision (`decision-log.ts`), likewise; of every Nth request, left out: of each. */
  readonly decisionsFile?: string;
  readonly decisionSample?: number;
  /** Where to write the simulated series over time, as OpenMetrics (`metrics-file.ts`), likewise; with `recorded`. */
  readonly metricsFile?: string;
  /** When and under which names series over time are taken, for a file or for whoever takes them from the pool. */
  readonly recorded?: RecordedSeriesSaid;
  /** So many times, evenly from the warm-up on, the run tells its KPIs so far; with `bands` at its end, too. Left out: never. */
  readonly looks?: number;
  /** Run it at both ends of its step times as well, so that the report has bands. */
  readonly bands?: boolean;
  /** Nobody waits for its result, which is known: those are let in first whose isn't. */
  readonly isRepeat?: boolean;
}

/** How series over time are written down or pushed. */
export interface RecordedSeriesSaid {
  /** Unix seconds of the world's start. */
  readonly startUnixSeconds: number;
  /** Between two samples of a series. */
  readonly everySeconds: number;
  /** Of `spec.export`. */
  readonly naming: "Prefixed" | "Production";
  readonly labels: Readonly<Record<string, string>>;
}

/** How far a run is, at most a few times a second. */
export interface Progress {
  /** 0 to 1. */
  readonly done: number;
  readonly simulatedSeconds: number;
  readonly requests: number;
  /** At the instants of the task's `looks`, which are the same for all runs of one horizon and warm-up: what has come of it. */
  readonly kpis?: Kpis;
}

/** From a preview's thread while it runs. */
export type PreviewMessage =
  | { readonly kind: "progress"; readonly progress: Progress }
  /** Series over time; the run goes on once the port has answered. */
  | { readonly kind: "series"; readonly batch: WriteBatch };

export type PreviewResult =
  | { readonly kind: "report"; readonly report: Report }
  /** The input was bad in a way only reading it could show: a broken trace line. */
  | { readonly kind: "problem"; readonly reason: string; readonly message: string; readonly fix?: string };

/** To the thread that holds the paced worlds. */
export type ShadowCommand =
  | {
      readonly kind: "start";
      readonly key: string;
      readonly scenario: Scenario;
      readonly speed: number;
      readonly maxTraceBytes: number;
      /** By which the thread says whose turn it is. */
      readonly number?: number;
      /** With the token for the Prometheus of live traffic. Left out: it wants none. */
      readonly tokenFile?: string;
    }
  | {
      readonly kind: "scale";
      readonly key: string;
      readonly workload: string;
      readonly replicas: number;
      readonly by: string;
    }
  | { readonly kind: "stop"; readonly key: string }
  /** For the series of every world as they are now. */
  | { readonly kind: "draw" };

/** From it, about once a second per world. */
export type ShadowMessage =
  | { readonly kind: "pulse"; readonly key: string; readonly pulse: ShadowPulse }
  /** In place of a pulse, every few seconds. */
  | { readonly kind: "snapshot"; readonly key: string; readonly snapshot: ShadowSnapshot }
  /** What it was asked to draw, world by world. */
  | { readonly kind: "drawn"; readonly key: string; readonly families: readonly MetricFamily[] }
  | { readonly kind: "all-drawn" }
  /** Its thread died in another's turn: it begins anew. */
  | { readonly kind: "restarted"; readonly key: string }
  | {
      readonly kind: "problem";
      readonly key: string;
      readonly reason: string;
      readonly message: string;
      readonly fix?: string;
    };

/** How live traffic stands. */
export type TrafficNews =
  | { readonly kind: "read"; readonly values: readonly MirroredValue[]; readonly warnings: readonly Problem[] }
  /** Nothing can be read: the world waits, and it is tried again. */
  | { readonly kind: "waiting"; readonly problem: Problem };

/** What others wait for. */
export interface ShadowPulse {
  readonly simulatedSeconds: number;
  /** How far the world is behind the wall clock. */
  readonly lagSeconds: number;
  readonly replicas: { readonly spec: number; readonly ready: number };
  /** Of live traffic; left out: there is none, or nothing is known yet. */
  readonly traffic?: TrafficNews;
  /** From the production that it follows; left out: nothing was compared yet. */
  readonly drift?: Drift;
}

/** What takes a look at the whole world. */
export interface ShadowFigures {
  /** Of which moment they are. */
  readonly untilSeconds: number;
  readonly kpis: Kpis;
  /** Of the key figures, a few seconds old; left out where the model knows none, or one of its ends is behind. */
  readonly bands?: KpiBands;
  /** What widens the bands. */
  readonly notes?: readonly string[];
  readonly saturation: Saturation;
  readonly timeline: Timeline;
  /** Of its control loops, every few seconds; left out in between. */
  readonly loops?: Pick<Report, "findings" | "syncs">;
}

export interface ShadowSnapshot extends ShadowPulse, ShadowFigures {}
