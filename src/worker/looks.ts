import type { SimTime } from "../sim/time.ts";
import type { World } from "../twin/world.ts";
import type { Progress } from "./protocol.ts";

/** Of a first replication that somebody watches: of 6 h with a warm-up of 10 m, one every 5.5 m. */
export const FIRST_LOOKS = 64;

/** Looks at what has come of a world so far, at instants that its horizon and its warm-up say; it goes on as if nobody had. */
export class Looks {
  readonly #world: World;
  readonly #every: number;
  #taken = 0;

  /** @param count parts of the time that counts, each with a look at its end; undefined: none is ever due */
  constructor(world: World, count: number | undefined) {
    const { horizonMicros = 0, warmUpMicros } = world.scenario;
    const counted = horizonMicros - warmUpMicros;
    this.#world = world;
    this.#every = count === undefined || counted <= 0 ? Number.POSITIVE_INFINITY : counted / count;
  }

  /** The next instant to be looked at, in whole microseconds; what happens at it belongs to it. */
  get due(): number {
    return this.#world.scenario.warmUpMicros + Math.round((this.#taken + 1) * this.#every);
  }

  /** The world has no event up to the instant that is due, or it is after that. */
  take(): Progress {
    const { scenario, arrived } = this.#world;
    const at = this.due as SimTime;
    this.#taken += 1;
    const { kpis } = this.#world.progress(at);
    return { done: at / (scenario.horizonMicros ?? at), simulatedSeconds: at / 1e6, requests: arrived, kpis };
  }
}
