import type { Endpoint } from "../model/endpoint.ts";
import type { Ask } from "./ask.ts";
import type { Changes } from "./changes.ts";
import { integersFor, numbersFor } from "./columns.ts";
import type { Scorer, Standing } from "./scorer.ts";

/** A scorer by what is believed of the endpoints alone. */
export const standingScorer = (valueOf: Standing["valueOf"], scale?: Standing["scale"]): Scorer => ({
  standing: scale === undefined ? { valueOf } : { valueOf, scale },
  score(ask, into) {
    const { endpoints, kept, count } = ask;
    for (let k = 0; k < count; k += 1) {
      const at = kept[k] as number;
      into[at] = valueOf(endpoints[at] as Endpoint);
    }
    scale?.(ask, into);
  },
});

/** Such scores from one decision to the next: only endpoints that have changed are looked at again. */
export class StandingColumn {
  readonly #standing: Standing;
  #values = new Float64Array(8);
  #scores = new Float64Array(8);
  /** Whose changes were read, and how many. */
  #changes: Changes | undefined;
  #read = 0;
  /** Whose scores these are; none at first. */
  #kept = new Int32Array(8);
  #count = 0;

  constructor(standing: Standing) {
    this.#standing = standing;
  }

  /** @param changes of the ask's endpoints @returns by position */
  scores(ask: Ask, changes: Changes): Float64Array {
    const changed = this.#look(ask, changes);
    const { scale } = this.#standing;
    if (scale === undefined) return this.#values;
    if (changed || !this.#isFor(ask)) {
      this.#remember(ask);
      scale(ask, this.#scores);
    }
    return this.#scores;
  }

  /** @returns whether any value is another than before */
  #look({ endpoints }: Ask, changes: Changes): boolean {
    const { count } = changes;
    const from = this.#read;
    this.#read = count;
    if (this.#changes !== changes || count - from > changes.kept) {
      this.#changes = changes;
      this.#values = numbersFor(this.#values, endpoints.length);
      for (let at = 0; at < endpoints.length; at += 1) {
        this.#values[at] = this.#standing.valueOf(endpoints[at] as Endpoint);
      }
      return true;
    }
    const values = this.#values;
    let changed = false;
    for (let change = from; change < count; change += 1) {
      const at = changes.at(change);
      const value = this.#standing.valueOf(endpoints[at] as Endpoint);
      if (value === values[at]) continue;
      values[at] = value;
      changed = true;
    }
    return changed;
  }

  #isFor({ kept, count }: Ask): boolean {
    if (count !== this.#count) return false;
    for (let k = 0; k < count; k += 1) if (kept[k] !== this.#kept[k]) return false;
    return true;
  }

  #remember({ kept, count, endpoints }: Ask): void {
    this.#scores = numbersFor(this.#scores, endpoints.length);
    this.#kept = integersFor(this.#kept, count);
    this.#count = count;
    for (let k = 0; k < count; k += 1) {
      const at = kept[k] as number;
      this.#kept[k] = at;
      this.#scores[at] = this.#values[at] as number;
    }
  }
}
