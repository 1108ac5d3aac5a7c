import { kindOf } from "../../model/plugin.ts";
import type { SimTime } from "../../sim/time.ts";
import type { Waiting } from "./ordering.ts";

/** Requests of one fairness id in one band, as policies see them. */
export interface FlowView {
  readonly id: string;
  /** Who is next; undefined: nobody waits. */
  readonly head: Waiting | undefined;
  /** Where a heap of flows keeps it; of the policy that looks after its band. */
  slot: number;
}

/** Picks the flow that is next within one band. */
export interface FlowPicker {
  /** Whether a pick that finds nobody would change what the next one says. */
  readonly restless: boolean;
  /** `flow` has got a head, another one, or none any more. */
  changed(flow: FlowView): void;
  /** @returns undefined where nobody waits */
  pick(now: SimTime): FlowView | undefined;
  /** `id` has been idle for so long that it is forgotten. */
  forget(id: string): void;
}

/** Shares a band between its flows. One policy may look after several bands. */
export interface FairnessPolicy {
  /** @returns the picker of one more band */
  band(): FlowPicker;
  /** A request of flow `id` was sent to an endpoint. */
  started?(id: string, now: SimTime): void;
  /** It ended there. */
  ended?(id: string, promptTokens: number, outputTokens: number, now: SimTime): void;
}

export const fairness = kindOf<Record<never, never>, FairnessPolicy>();
