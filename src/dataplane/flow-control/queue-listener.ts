import type { Endpoint } from "../../model/endpoint.ts";
import type { SimTime } from "../../sim/time.ts";
import type { Asked } from "../admission.ts";

/** What the EPP's flow control says of a request in the end (`outcome` of its metrics). */
export type QueueOutcome =
  | "Dispatched"
  | "RejectedCapacity"
  | "RejectedNoEndpoints"
  | "EvictedTTL"
  | "EvictedNoEndpoints"
  | "EvictedContextCancelled"
  | "EvictedOther";

/** A request that is gone from the queue for good, or never got in. */
export interface Drop {
  readonly asked: Asked;
  /** When it came to the queue. */
  readonly since: SimTime;
  readonly at: SimTime;
  readonly outcome: QueueOutcome;
  /** Whether there was no endpoint at that moment. */
  readonly isPoolEmpty: boolean;
}

/** Who wants to hear what becomes of requests in the queue. */
export interface QueueListener {
  /** It may go to the scheduler now. */
  dispatched(asked: Asked, since: SimTime, endpoints: readonly Endpoint[], now: SimTime): void;
  dropped(drop: Drop): void;
  /** A running request is to be cut off. */
  revoked(id: number): void;
}
