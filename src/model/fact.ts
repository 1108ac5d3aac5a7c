import type { Micros, SimTime } from "../sim/time.ts";
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

/** What did happen. Counted soon after it is told, and kept no longer. */
export type Fact =
  | { readonly kind: "arrived"; readonly at: SimTime; readonly request: Request }
  /** No replica was routable, or the gateway refused. */
  | { readonly kind: "refused"; readonly at: SimTime; readonly request: Request; readonly outcome: Outcome }
  | ({ readonly kind: "gate"; readonly at: SimTime; readonly request: Request; readonly priority: number } & GateEvent)
  | ({ readonly kind: "routed"; readonly at: SimTime; readonly request: Request } & Routing)
  /** The prefill leg of a request whose tokens another replica makes: of its replica, never of the client. */
  | { readonly kind: "prefilled"; readonly pod: string; readonly workload: string; readonly facts: Finished }
  | ({ readonly kind: "transfer"; readonly at: SimTime; readonly request: Request } & TransferEvent)
  | { readonly kind: "first-token"; readonly at: SimTime; readonly request: Request; readonly pod: string }
  /** `priority` is the gateway's, as it was when the request was routed. */
  | {
      readonly kind: "finished";
      readonly pod: string;
      readonly workload: string;
      readonly priority: number;
      readonly facts: Finished;
    }
  | {
      readonly kind: "pod";
      readonly at: SimTime;
      readonly workload: string;
      readonly pod: string;
      readonly phase: PodPhase;
    }
  | {
      readonly kind: "node";
      readonly at: SimTime;
      readonly node: string;
      readonly pool: string;
      readonly gpus: number;
      readonly phase: NodePhase;
    }
  /** A pod, or a pod of a group, gets its GPUs on a node or lets them go. Told where nodes are simulated. */
  | ({
      readonly kind: "binding";
      readonly at: SimTime;
      readonly workload: string;
      readonly pod: string;
      readonly node: string;
      readonly pool: string;
      readonly gpus: number;
    } & ({ readonly event: "bound"; readonly waited: Micros } | { readonly event: "released" }))
  /** A pod is deleted so that one of higher priority gets its GPUs. */
  | {
      readonly kind: "preempted";
      readonly at: SimTime;
      readonly workload: string;
      readonly pod: string;
      /** The workload of the one that gets them. */
      readonly by: string;
    }
  /** The API server refused a workload's new pods: the reason FailedCreate. */
  | {
      readonly kind: "create-refused";
      readonly at: SimTime;
      readonly workload: string;
      /** Pods that are wanted and couldn't be had. */
      readonly missing: number;
      /** Name of the ResourceQuota. */
      readonly quota: string;
      /** When it is tried again, if nothing happens before. */
      readonly again: SimTime;
    }
  | { readonly kind: "synced"; readonly at: SimTime; readonly autoscaler: string; readonly sync: SyncFact }
  /** A workload's template changed, or all of its pods are of the newest one and available. */
  | {
      readonly kind: "rollout";
      readonly at: SimTime;
      readonly workload: string;
      /** Of the template: 1 at the start. */
      readonly revision: number;
      readonly phase: "begun" | "complete";
    }
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

/** What every request leaves behind that is served: nearly all facts are of these kinds. */
export type ServedFact = Extract<Fact, { readonly kind: "arrived" | "routed" | "first-token" | "finished" }>;

/**
 * What becomes of a request before it is routed. `shed` and `expired` are its end: no `refused` follows. `priority` is
 * the gateway's: bigger is more important, negative may be shed.
 */
export type GateEvent =
  /** It waits in the gateway's queue from now on. */
  | { readonly event: "held"; readonly bytes: number }
  /** Its turn came; `routed` follows. */
  | { readonly event: "dispatched"; readonly waited: Micros }
  /** Turned away as it came: `reason` for people, `outcome` where a flow controller decided. */
  | {
      readonly event: "shed";
      readonly reason: string;
      readonly status: 429 | 500 | 503;
      readonly outcome?: Extract<QueueOutcome, `Rejected${string}`>;
    }
  /** It left the queue without being routed. */
  | {
      readonly event: "expired";
      readonly waited: Micros;
      readonly status: 429 | 503;
      readonly outcome: Extract<QueueOutcome, `Evicted${string}`>;
    };

/** Source: pkg/epp/flowcontrol/types/outcomes.go, llm-d-router@ebab6879. */
export type QueueOutcome =
  | "Dispatched"
  | "RejectedCapacity"
  | "RejectedNoEndpoints"
  | "RejectedOther"
  | "EvictedTTL"
  | "EvictedNoEndpoints"
  | "EvictedContextCancelled"
  | "EvictedOther";

/** Where a request was sent. Source of the kinds: disagg profile handler, llm-d-router@ebab6879. */
export interface Routing {
  readonly priority: number;
  /** Pod and workload that make its tokens. */
  readonly endpoint: string;
  readonly workload: string;
  /** Left out: its prompt is computed there too. */
  readonly prefillEndpoint?: string | undefined;
  readonly decision: "decode-only" | "prefill-decode" | "encode-decode" | "encode-prefill-decode";
  /** What the approximate prefix index said of the endpoint: tokens matched, of those looked up. Left out: not asked. */
  readonly prefix?: { readonly matchedTokens: number; readonly totalTokens: number };
}

/** A request's KV blocks on their way from one replica to another. */
export type TransferEvent = { readonly from: string; readonly to: string; readonly bytes: number } & (
  | { readonly event: "started" }
  | { readonly event: "ended" | "failed"; readonly seconds: number }
);

/** Phases of a simulated pod, in order, but that a crashed one starts again. `ready` pods are routed to; `terminating` ones hold their GPUs. */
export type PodPhase = "pending" | "pulling" | "starting" | "ready" | "terminating" | "gone";

/** `provisioning`: asked for; `ready`: takes pods; `draining`: takes none and loses those it has; `gone`. */
export type NodePhase = "provisioning" | "ready" | "draining" | "gone";

/** One reconcile of an autoscaler. */
export interface SyncFact {
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly metrics: readonly SyncMetric[];
  /** What the metrics asked for together. Left out: the reconcile didn't come to that. */
  readonly proposal?: number;
  /** After stabilisation, before limits. */
  readonly stabilised?: number;
  /** What cut it after that, where something did: the reason of the condition ScalingLimited. */
  readonly limitedBy?: string;
  /** Why it is so: the reason of the condition that decided. */
  readonly reason: string;
  /** Set if the reconcile failed: the reason of the failure. */
  readonly error?: string;
}

export interface SyncMetric {
  readonly name: string;
  /** Of an HPA's metric: `Pods`, `External`, … */
  readonly source?: string;
  /** As the autoscaler saw it; undefined: no data. */
  readonly seen: number | undefined;
  /** What it would have seen had nothing been late: of the replicas as they truly were at that instant. Left out: not known. */
  readonly truth?: number;
  /** Of a query: how many elements its answer had. Left out: no query, or no answer. */
  readonly elements?: number;
  readonly target: number;
  readonly targetType: "value" | "average" | "utilization";
  readonly proposal: number | undefined;
}
