import type { Endpoint } from "../model/endpoint.ts";
import { kindOf } from "../model/plugin.ts";
import type { RequestHead } from "../model/request.ts";
import type { Rng } from "../sim/rng.ts";
import type { Micros } from "../sim/time.ts";
import type { Asked } from "./admission.ts";

/** How long a request would take on an endpoint, as somebody predicts it. */
export interface Prediction {
  readonly ttft: Micros;
  readonly tpot: Micros;
}

/** @returns undefined where there is no prediction for that endpoint */
export type Predict = (head: RequestHead, endpoint: Endpoint) => Prediction | undefined;

/** A last word on a request that was admitted, or let out of the queue, before it is scheduled. */
export interface Admitter {
  readonly readsSignals: boolean;
  /** What it does without something that it wants; undefined: it has all. */
  readonly note?: string;
  /** @returns why it is refused; undefined: it may go on */
  refusal(asked: Asked, endpoints: readonly Endpoint[]): string | undefined;
}

export interface AdmitterContext {
  readonly rng: Rng;
  /** Left out: there are no predictions. */
  readonly predict?: Predict | undefined;
}

export const admitter = kindOf<AdmitterContext, Admitter>();
