import type { SimTime } from "../sim/time.ts";
import type { RequestHead } from "./request.ts";

/** Where a request was sent, what spoke for it, and what was true at that moment. One per profile that was run. */
export interface Decision {
  readonly at: SimTime;
  readonly request: RequestHead;
  /** Whose decision it was; undefined: the gateway's own, which has no pickers. */
  readonly picker: string | undefined;
  /** `default`, or of a disaggregated pool `decode`, `encode`, `prefill`. */
  readonly profile: string;
  /** In the order that the gateway knows them. */
  readonly endpoints: readonly ConsideredEndpoint[];
  /** Name of the endpoint picked; undefined: none was left. */
  readonly chosen: string | undefined;
}

export interface ConsideredEndpoint {
  readonly name: string;
  /** The filter that dropped it; left out: it was scored. */
  readonly droppedBy?: string;
  /** By scorer, before weights; and what the picker compared. Empty, and 0, if it was dropped. */
  readonly scores: Readonly<Record<string, number>>;
  readonly total: number;
  readonly believed: BelievedState;
  readonly truth: TrueState;
}

/** What the gateway went by. */
export interface BelievedState {
  /** When the scraped signals were read; undefined before the first scrape. */
  readonly scrapedAt: SimTime | undefined;
  readonly waiting: number;
  readonly running: number;
  readonly kvUsage: number;
  readonly inFlight: number;
  /** Prompt tokens of this request that it took to be cached there; left out: it had no opinion. */
  readonly cachedTokens?: number;
}

/** What was the case inside the replica, as the gateway can't know it. */
export interface TrueState {
  readonly waiting: number;
  readonly running: number;
  readonly kvUsage: number;
  /** Prompt tokens of requests that it holds, waiting or running, that it has yet to compute. */
  readonly promptTokensAhead: number;
  /** Prompt tokens of this request that its cache held. */
  readonly cachedTokens: number;
  /** Until the step that was under way is over. */
  readonly stepLeftSeconds: number;
  /** Prompt tokens that a step takes beside the requests that generate, and how long such a step takes. */
  readonly tokensPerStep: number;
  readonly stepSeconds: number;
}

/** Whoever wants to see decisions. A world asks first: a decision is costly to put together. */
export interface DecisionTap {
  wants(request: RequestHead): boolean;
  tell(decision: Decision): void;
}
