import type { Endpoint } from "../model/endpoint.ts";
import type { SimTime } from "../sim/time.ts";

const WINDOW_MICROS = 60e6;

/** Requests sent to each endpoint in the last 60 s, as vLLM production-stack keeps them (`--request-stats-window`). */
export class RequestRates {
  /** Instants, oldest first, from `first` on. */
  readonly #sent = new Map<string, { first: number; readonly at: SimTime[] }>();

  count(name: string, now: SimTime): void {
    const sent = this.#sent.get(name) ?? { first: 0, at: [] };
    sent.at.push(now);
    this.#sent.set(name, sent);
  }

  /** @returns index of the first endpoint that never got a request, else of the first with the lowest rate */
  lowest(endpoints: readonly Endpoint[], now: SimTime): number {
    let [least, lowest] = [Number.POSITIVE_INFINITY, 0];
    for (let index = 0; index < endpoints.length; index += 1) {
      const sent = this.#sent.get((endpoints[index] as Endpoint).name);
      if (sent === undefined) return index;
      while (sent.first < sent.at.length && now - (sent.at[sent.first] as SimTime) > WINDOW_MICROS) sent.first += 1;
      if (sent.first > 1024 && sent.first * 2 > sent.at.length) {
        sent.at.splice(0, sent.first);
        sent.first = 0;
      }
      const recent = sent.at.length - sent.first;
      if (recent < least) [least, lowest] = [recent, index];
    }
    return lowest;
  }

  forget(name: string): void {
    this.#sent.delete(name);
  }
}
