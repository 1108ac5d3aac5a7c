import type { Endpoint } from "../model/endpoint.ts";
import { kindOf } from "../model/plugin.ts";
import type { RequestHead } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";
import type { SaturationDetector } from "./detector.ts";

/** A request that knocks, and the priority that its class has here. */
export interface Asked {
  readonly head: RequestHead;
  readonly priority: number;
}

/** Lets a request in or refuses it at once, where flow control is off. */
export interface AdmissionPolicy {
  /** Whether it looks at scraped signals. */
  readonly readsSignals: boolean;
  /** @returns why it is refused (HTTP 429); undefined: it may enter */
  refusal(asked: Asked, endpoints: readonly Endpoint[], now: SimTime): string | undefined;
}

export const admission = kindOf<{ readonly detector: SaturationDetector }, AdmissionPolicy>();
