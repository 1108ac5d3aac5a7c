import type { Endpoint } from "../model/endpoint.ts";
import { hash32 } from "../sim/rng.ts";

const POINTS = 160;

interface Point {
  readonly hash: number;
  readonly index: number;
}

/** Consistent hashing: a key stays where it is while others come and go. */
export class HashRing {
  #names: readonly string[] = [];
  /** By hash. */
  #points: readonly Point[] = [];

  /** @returns index of the endpoint that the key belongs to */
  find(key: string, endpoints: readonly Endpoint[]): number {
    if (!this.#isOf(endpoints)) this.#build(endpoints);
    const hash = hash32(key);
    let [low, high] = [0, this.#points.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#points[middle] as Point).hash < hash) low = middle + 1;
      else high = middle;
    }
    return (this.#points[low % this.#points.length] as Point).index;
  }

  #isOf(endpoints: readonly Endpoint[]): boolean {
    return endpoints.length === this.#names.length && endpoints.every(({ name }, at) => name === this.#names[at]);
  }

  #build(endpoints: readonly Endpoint[]): void {
    this.#names = endpoints.map(({ name }) => name);
    this.#points = this.#names
      .flatMap((name, index) => Array.from({ length: POINTS }, (_, n) => ({ hash: hash32(`${name}-${n}`), index })))
      .sort((a, b) => a.hash - b.hash || a.index - b.index);
  }
}
