import type { Request } from "../model/request.ts";

/**
 * Where nodes are simulated. A `unit` is a pod of the cluster: of a group, one of its pods. `attempt` tells starts of what has
 * the same name apart.
 */
export type PlacementEvent =
  /** The scheduler knows it. */
  | { readonly kind: "queued"; readonly unit: string; readonly attempt: number }
  /** Its sandbox and volumes are there: it needs its image. */
  | { readonly kind: "sandboxed"; readonly unit: string; readonly attempt: number }
  | { readonly kind: "pull-due"; readonly node: string }
  /** Overtaken if `generation` is not the storage's any more. */
  | { readonly kind: "load-due"; readonly storage: string; readonly generation: number }
  /** Its first probe succeeds. Overtaken if it has started again since. */
  | { readonly kind: "probed"; readonly pod: string; readonly attempt: number }
  | { readonly kind: "restarted"; readonly pod: string; readonly attempt: number }
  /** It joins the cluster and its GPUs are known. */
  | { readonly kind: "node-joined"; readonly node: string }
  | { readonly kind: "node-lost"; readonly node: string }
  | { readonly kind: "disruption"; readonly index: number };

/** What will happen in a world, beside its alarms. Plain data; knows nobody. */
export type TwinEvent =
  /** The next phase of a pod on its way up. Overtaken if another has its name by now. */
  | {
      readonly kind: "pod-starting";
      readonly pod: string;
      readonly incarnation: number;
      readonly phase: "pulling" | "starting" | "ready";
    }
  /** Something on a pod's way to its node, or of a node. */
  | { readonly kind: "placement-due"; readonly event: PlacementEvent }
  /** Passed over if the autoscaler of nodes is due at another time by now. */
  | { readonly kind: "node-autoscaler-due" }
  | {
      readonly kind: "pod-stopping";
      readonly pod: string;
      readonly incarnation: number;
      readonly stage: "sigterm" | "abort" | "sigkill";
    }
  /** A workload's template changes. */
  | { readonly kind: "rollout-due"; readonly workload: string }
  /** A pod has been ready for so long that its workload goes on. */
  | { readonly kind: "workload-due"; readonly workload: string }
  /** A session's next request, after the one before it ended. */
  | { readonly kind: "round-arrived"; readonly request: Request }
  /** Somebody outside wrote the scale, or an autoscaler whose write took its time. */
  | {
      readonly kind: "scale-written";
      readonly workload: string;
      readonly replicas: number;
      readonly by: string;
      readonly reason?: string;
    }
  /** The client of a request that waits in the gate hangs up. A `path` is a request path, by its place in the world. */
  | { readonly kind: "client-gone"; readonly path: number; readonly request: number }
  /** Requests that were gathered are placed. */
  | { readonly kind: "window-due"; readonly path: number }
  /** The gateway's scrape of a pod, while requests wait in its gate. */
  | { readonly kind: "gateway-scrape-due"; readonly path: number; readonly pod: string }
  /** Overtaken if `generation` is not the gate's any more; likewise with transfers. */
  | { readonly kind: "gate-due"; readonly path: number; readonly generation: number }
  /** The gateway brings the gauges of its metrics page up to date. */
  | { readonly kind: "gauges-due"; readonly path: number }
  /** The KV cache of a prompt goes to the replica that makes the tokens. */
  | { readonly kind: "transfer-started"; readonly path: number; readonly request: number; readonly bytes: number }
  | { readonly kind: "transfer-due"; readonly path: number; readonly generation: number }
  /** KV has come from a disk or a cache, or has got there. Overtaken likewise. */
  | { readonly kind: "kv-store-due"; readonly place: string; readonly generation: number }
  | { readonly kind: "scrape-due"; readonly target: string }
  /** A group of recording and alerting rules is evaluated. */
  | { readonly kind: "rules-due"; readonly group: number }
  /** A controller beside the HPAs acts. */
  | { readonly kind: "control-due"; readonly loop: number }
  /** Overtaken if `generation` is not the autoscaler's any more. */
  | { readonly kind: "sync-due"; readonly autoscaler: number; readonly generation: number }
  /** The controllers of kube-controller-manager start anew. */
  | { readonly kind: "controllers-started" }
  | { readonly kind: "sample-due" };

/** Who goes first at one instant: capacity, completions, new work, then whoever only looks, then who acts on what was seen. */
export const RANK = {
  "pod-starting": 0,
  "placement-due": 0,
  "pod-stopping": 1,
  "scale-written": 2,
  "rollout-due": 2,
  "workload-due": 2,
  "transfer-started": 3,
  "transfer-due": 3,
  "kv-store-due": 3,
  "client-gone": 5,
  "round-arrived": 7,
  "window-due": 9,
  "gateway-scrape-due": 10,
  "gate-due": 11,
  "gauges-due": 12,
  "scrape-due": 13,
  "rules-due": 14,
  "controllers-started": 15,
  "control-due": 15,
  "sync-due": 16,
  "node-autoscaler-due": 16,
  "sample-due": 17,
} as const satisfies Record<TwinEvent["kind"], number>;

/** Of what a world has an alarm for: it mostly does nothing else. */
export const ALARM_RANK = {
  engine: 4,
  /** A request that waits for no other. */
  arrival: 6,
  /** The reference simulator's engine goes after the arrivals of its instant, so that they take part in a step that starts then. */
  blisEngine: 8,
} as const;
