import type { Endpoint } from "../model/endpoint.ts";
import type { RequestHead } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";

/**
 * One scheduling decision under way. All columns (scores, matches, forecasts) are indexed by an endpoint's position in
 * `endpoints`; who is still a candidate stands in the first `count` places of `kept`.
 */
export interface Ask {
  /** Number of the decision; what was noted for another is of no use for this one. */
  readonly decision: number;
  readonly request: RequestHead;
  readonly now: SimTime;
  readonly endpoints: readonly Endpoint[];
  /** A small number per endpoint that stays its own until it leaves; by position. */
  readonly slots: Int32Array;
  /** The other way round: by slot, its endpoint's position; -1: it isn't among these. */
  readonly positions: Int32Array;
  /** Positions of the candidates, ascending. */
  readonly kept: Int32Array;
  readonly count: number;
  /** Position of the endpoint that the profile before this one picked; -1: none. */
  readonly peer: number;
}

/** What a decision came to, as positions; told to whoever keeps a record of it (EPP's PreRequest hooks). */
export interface Placed {
  /** The endpoint that gets the request: of the decode profile, or of the only one. */
  readonly primary: number;
  /** The endpoint that computes the prompt for it; -1: none. */
  readonly prefill: number;
}

/** What plugins of any kind may want to hear of. */
export interface Hooks {
  /** Looks at nothing that is scraped. */
  readonly blind?: true;
  placed?(ask: Ask, placed: Placed): void;
  /** The first token of the request with this id came back, by way of this endpoint. */
  firstToken?(id: number, endpoint: string, now: SimTime): void;
  /** @param outputTokens as the gateway counted them */
  ended?(id: number, now: SimTime, outputTokens: number): void;
  joined?(slot: number, endpoint: Endpoint): void;
  /** The endpoint of this slot is gone; the slot may be another's from now on. */
  left?(slot: number, name: string): void;
}
