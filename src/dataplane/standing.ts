import type { Endpoint } from "../model/endpoint.ts";
import type { Ask } from "./ask.ts";
import type { Changes } from "./changes.ts";
import { integersFor, maxOf, minOf, numbersFor } from "./columns.ts";
import type { Scorer, Standing } from "./scorer.ts";

/** A scorer by what is believed of the endpoints alone. */
export const standingScorer = (valueOf: Standing["valueOf"], scoreOf?: Standing["scoreOf"]): Scorer => ({
  standing: scoreOf === undefined ? { valueOf } : { valueOf, scoreOf },
  score(ask, into) {
    const { endpoints, kept, count } = ask;
    for (let k = 0; k < count; k += 1) {
      const at = kept[k] as number;
      into[at] = valueOf(endpoints[at] as Endpoint);
    }
    if (scoreOf === undefined) return;
    const [least, most] = [minOf(ask, into), maxOf(ask, into)];
    for (let k = 0; k < count; k += 1) {
      const at = kept[k] as number;
      into[at] = scoreOf(into[at] as number, least, most);
    }
  },
});

/** Such scores from one decision to the next: only endpoints that have changed are looked at again. */
export class StandingColumn {
  readonly #standing: Standing;
  #values = new Float64Array(8);
  #scores = new Float64Array(8);
  /** Between which values the candidates' are. */
  #least = 0;
  #most = 0;
  /** Whose changes were read, and how many. */
  #changes: Changes | undefined;
  #read = 0;
  /** Whose scores these are; none at first. */
  #kept = new Int32Array(8);
  #count = 0;

  constructor(standing: Standing) {
    this.#standing = standing;
  }

  /** Of the ask for which it was brought up to date last, by position. */
  get scores(): Float64Array {
    return this.#standing.scoreOf === undefined ? this.#values : this.#scores;
  }

  /** @param changes of the ask's endpoints @returns whether scores of others than those that have changed may be new too */
  update(ask: Ask, changes: Changes): boolean {
    const from = this.#read;
    this.#read = changes.count;
    const isBehind = this.#changes !== changes || changes.count - from > changes.kept;
    this.#changes = changes;
    const changed = isBehind ? this.#lookAtAll(ask) : this.#look(ask, changes, from);
    if (this.#standing.scoreOf === undefined) return isBehind;
    const isSame = !isBehind && this.#isFor(ask);
    if (!changed && isSame) return false;
    const [least, most] = [minOf(ask, this.#values), maxOf(ask, this.#values)];
    const isAll = !isSame || least !== this.#least || most !== this.#most;
    this.#least = least;
    this.#most = most;
    if (isAll) this.#scoreAll(ask);
    else for (let change = from; change < changes.count; change += 1) this.#score(changes.at(change));
    return isAll;
  }

  #lookAtAll({ endpoints }: Ask): boolean {
    this.#values = numbersFor(this.#values, endpoints.length);
    for (let at = 0; at < endpoints.length; at += 1) {
      this.#values[at] = this.#standing.valueOf(endpoints[at] as Endpoint);
    }
    return true;
  }

  /** @returns whether any value is another than before */
  #look({ endpoints }: Ask, changes: Changes, from: number): boolean {
    const values = this.#values;
    let changed = false;
    for (let change = from; change < changes.count; change += 1) {
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

  #scoreAll({ kept, count, endpoints }: Ask): void {
    this.#scores = numbersFor(this.#scores, endpoints.length);
    this.#kept = integersFor(this.#kept, count);
    this.#count = count;
    for (let k = 0; k < count; k += 1) {
      this.#kept[k] = kept[k] as number;
      this.#score(kept[k] as number);
    }
  }

  #score(at: number): void {
    this.#scores[at] = this.#standing.scoreOf?.(this.#values[at] as number, this.#least, this.#most) as number;
  }
}

/** The clamped scores of some such scorers times their weights, added up in order, and kept likewise. */
export class StandingSum {
  readonly #columns: readonly StandingColumn[];
  readonly #weights: readonly number[];
  #sums = new Float64Array(8);
  #read = 0;

  constructor(columns: readonly StandingColumn[], weights: readonly number[]) {
    this.#columns = columns;
    this.#weights = weights;
  }

  /** @param totals what they begin with, by position */
  begin(ask: Ask, changes: Changes, totals: Float64Array): void {
    let isAll = false;
    for (const column of this.#columns) if (column.update(ask, changes)) isAll = true;
    const from = this.#read;
    this.#read = changes.count;
    if (isAll) this.#addAll(ask.endpoints.length);
    else for (let change = from; change < changes.count; change += 1) this.#add(changes.at(change));
    totals.set(this.#sums);
  }

  #addAll(length: number): void {
    this.#sums = numbersFor(this.#sums, length);
    const sums = this.#sums;
    sums.fill(0);
    for (let i = 0; i < this.#columns.length; i += 1) {
      const { scores } = this.#columns[i] as StandingColumn;
      const weight = this.#weights[i] as number;
      for (let at = 0; at < length; at += 1) sums[at] = (sums[at] as number) + clamped(scores[at] as number) * weight;
    }
  }

  #add(at: number): void {
    let sum = 0;
    for (let i = 0; i < this.#columns.length; i += 1) {
      const { scores } = this.#columns[i] as StandingColumn;
      sum += clamped(scores[at] as number) * (this.#weights[i] as number);
    }
    this.#sums[at] = sum;
  }
}

/** @returns the score in [0, 1] */
export const clamped = (score: number): number => (score < 0 ? 0 : score > 1 ? 1 : score);
