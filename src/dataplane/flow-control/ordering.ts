import { kindOf } from "../../model/plugin.ts";
import type { RequestHead } from "../../model/request.ts";
import type { Micros, SimTime } from "../../sim/time.ts";

/** A request that waits in the gateway's queue, as policies see it. */
export interface Waiting {
  readonly head: RequestHead;
  readonly enqueuedAt: SimTime;
  /** What it goes by within its flow: the smallest goes first, ties in order of arrival. */
  readonly key: number;
  /** Number of its arrival at the queue. */
  readonly order: number;
}

/** Who goes first within a flow. */
export interface OrderingPolicy {
  /** Told once, as the request joins the queue. @param ttl the time it may wait; 0: any */
  key(head: RequestHead, enqueuedAt: SimTime, ttl: Micros): number;
}

export const ordering = kindOf<Record<never, never>, OrderingPolicy>();
