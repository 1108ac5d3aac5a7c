import type { Request } from "../model/request.ts";
import { exponential } from "../sim/draw.ts";
import type { Rng } from "../sim/rng.ts";
import { instant, type SimTime } from "../sim/time.ts";
import { type EndedRequest, NOTHING } from "./live-sessions.ts";
import type { Drawn, WorkloadSource } from "./source.ts";

/**
 * The same requests in the same order, but as a Poisson process of one rate: how much of such traffic something holds, whatever
 * its course over the day. What follows from a request follows as it did.
 */
export class SteadySource implements WorkloadSource {
  readonly #source: WorkloadSource;
  readonly #meanMicros: number;
  readonly #rng: Rng;
  #at = 0;

  /** @param perSecond requests that wait for no other */
  constructor(source: WorkloadSource, perSecond: number, rng: Rng) {
    this.#source = source;
    this.#meanMicros = 1e6 / perSecond;
    this.#rng = rng;
  }

  next(): Drawn {
    const drawn = this.#source.next();
    if (drawn.kind !== "request") return drawn;
    this.#at += exponential(this.#rng, this.#meanMicros);
    const { request } = drawn;
    const arrival = instant(Math.round(this.#at));
    const by = arrival - request.arrival;
    const { deadline, path } = request;
    return {
      kind: "request",
      request: {
        ...request,
        arrival,
        ...(deadline === undefined ? {} : { deadline: (deadline + by) as SimTime }),
        ...(path === undefined ? {} : { path: { ...path, sent: (path.sent + by) as SimTime } }),
      },
    };
  }

  ended(ended: EndedRequest, now: SimTime): readonly Request[] {
    return this.#source.ended?.(ended, now) ?? NOTHING;
  }

  feed(text: string | undefined): void {
    this.#source.feed?.(text);
  }
}
