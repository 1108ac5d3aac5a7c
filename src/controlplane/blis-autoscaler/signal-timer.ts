import type { SimTime } from "../../sim/time.ts";

/**
 * Lets a wish pass once it has been there at every tick for a window, and starts anew then: a timer, unlike the HPA's minimum or
 * maximum over a history (BLIS f90a1e3, sim/cluster/autoscaler.go tick, stage 4).
 */
export class SignalTimer {
  readonly #windowMicros: number;
  /** When the wish of each model was there first. */
  readonly #since = new Map<string, SimTime>();

  constructor(windowMicros: number) {
    this.#windowMicros = windowMicros;
  }

  /** @param wished the models with such a wish at this tick @returns whether that of a model may pass */
  tick(wished: ReadonlySet<string>, now: SimTime): (model: string) => boolean {
    for (const model of [...this.#since.keys()]) if (!wished.has(model)) this.#since.delete(model);
    return (model) => {
      const since = this.#since.get(model) ?? now;
      this.#since.set(model, since);
      if (now - since < this.#windowMicros) return false;
      this.#since.delete(model);
      return true;
    };
  }
}
