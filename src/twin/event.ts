import type { Request } from "../model/request.ts";

/** What will happen in a world. Plain data; knows nobody. */
export type TwinEvent =
  /** The next phase of a pod on its way up. */
  | { readonly kind: "pod-starting"; readonly pod: string; readonly phase: "pulling" | "starting" | "ready" }
  | { readonly kind: "pod-stopping"; readonly pod: string; readonly stage: "sigterm" | "abort" | "sigkill" }
  /** Overtaken if `generation` is not the pod's any more. */
  | { readonly kind: "engine-due"; readonly pod: string; readonly generation: number }
  /** A request that waits for no other. */
  | { readonly kind: "request-arrived"; readonly request: Request }
  /** A session's next request, after the one before it ended. */
  | { readonly kind: "round-arrived"; readonly request: Request }
  /** Somebody outside wrote the scale. */
  | { readonly kind: "scale-written"; readonly workload: string; readonly replicas: number; readonly by: string }
  | { readonly kind: "scrape-due"; readonly pod: string }
  | { readonly kind: "sync-due"; readonly autoscaler: number }
  | { readonly kind: "sample-due" };

/** Who goes first at one instant: capacity, completions, new work, then whoever only looks, then who acts on what was seen. */
export const RANK = {
  "pod-starting": 0,
  "pod-stopping": 1,
  "scale-written": 2,
  "engine-due": 3,
  "request-arrived": 4,
  "round-arrived": 5,
  "scrape-due": 7,
  "sync-due": 8,
  "sample-due": 9,
} as const satisfies Record<TwinEvent["kind"], number>;

/** The reference simulator's engine goes after the arrivals of its instant, so that they take part in a step that starts then. */
export const BLIS_ENGINE_RANK = 6;
