import type { SimTime } from "../sim/time.ts";
import type { Outcome, Request } from "./request.ts";

/** What a request went through in one replica, told once, when it ends there. Instants are the client's view. */
export interface Finished {
  readonly request: Request;
  readonly outcome: Outcome;
  /** When the engine's queue got it; first scheduled; first token; end. undefined: it never came to that. */
  readonly queued: SimTime;
  readonly scheduled: SimTime | undefined;
  readonly firstToken: SimTime | undefined;
  readonly end: SimTime;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly preemptions: number;
}

/** What did happen. Folded into a report as it is told, and never kept. */
export type Fact =
  | { readonly kind: "arrived"; readonly at: SimTime; readonly request: Request }
  /** No replica was routable, or the gateway refused. */
  | { readonly kind: "refused"; readonly at: SimTime; readonly request: Request; readonly outcome: Outcome }
  | { readonly kind: "first-token"; readonly at: SimTime; readonly request: Request; readonly pod: string }
  | { readonly kind: "finished"; readonly pod: string; readonly workload: string; readonly facts: Finished }
  | {
      readonly kind: "pod";
      readonly at: SimTime;
      readonly workload: string;
      readonly pod: string;
      readonly phase: PodPhase;
    }
  | { readonly kind: "synced"; readonly at: SimTime; readonly autoscaler: string; readonly sync: SyncFact }
  | {
      readonly kind: "scaled";
      readonly at: SimTime;
      readonly workload: string;
      readonly from: number;
      readonly to: number;
      /** `HorizontalPodAutoscaler/ns/name`, or who else wrote the scale. */
      readonly by: string;
      readonly reason: string;
    };

/** Phases of a simulated pod, in order. `ready` pods are routed to; `terminating` ones hold their GPUs. */
export type PodPhase = "pending" | "pulling" | "starting" | "ready" | "terminating" | "gone";

/** One reconcile of an autoscaler. */
export interface SyncFact {
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly metrics: readonly SyncMetric[];
  /** Why it is so: the reason of the condition that decided. */
  readonly reason: string;
  /** Set if the reconcile failed: the reason of the failure. */
  readonly error?: string;
}

export interface SyncMetric {
  readonly name: string;
  /** As the autoscaler saw it; undefined: no data. */
  readonly seen: number | undefined;
  readonly target: number;
  readonly targetType: "value" | "average" | "utilization";
  readonly proposal: number | undefined;
}
