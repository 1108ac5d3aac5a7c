import type { Endpoint } from "../model/endpoint.ts";
import type { Ask } from "./ask.ts";
import { type ChangeLog, type Changes, KEPT } from "./changes.ts";
import { integersFor, maxOf, minOf, numbersFor } from "./columns.ts";
import { Lead } from "./lead.ts";
import type { Scorer, Sparse, Standing } from "./scorer.ts";

/** A scorer by what is believed of the endpoints alone. @param of the signals that `valueOf` looks at */
export const standingScorer = (
  of: Standing["of"],
  valueOf: Standing["valueOf"],
  scoreOf?: Standing["scoreOf"],
): Scorer => ({
  standing: scoreOf === undefined ? { of, valueOf } : { of, valueOf, scoreOf },
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

/** Such scores from one decision to the next: only endpoints of which something else is believed are looked at again. */
export class StandingColumn {
  readonly #standing: Standing;
  #values = new Float64Array(8);
  #scores = new Float64Array(8);
  /** Between which values the candidates' are. */
  #least = 0;
  #most = 0;
  /** Whose changes were read, and how many of each signal's. */
  #whose: Changes | undefined;
  #logs: readonly ChangeLog[] = [];
  readonly #read: number[];
  /** Whose scores these are; none at first. */
  #kept = new Int32Array(8);
  #count = 0;
  /** Positions of values that were found to be new by the last update, if it didn't look at all; in the first `changes` places. */
  readonly changed: Int32Array;
  changes = 0;

  constructor(standing: Standing) {
    this.#standing = standing;
    this.#read = standing.of.map(() => 0);
    this.changed = new Int32Array(standing.of.length * KEPT);
  }

  /** Of the ask for which it was brought up to date last, by position. */
  get scores(): Float64Array {
    return this.#standing.scoreOf === undefined ? this.#values : this.#scores;
  }

  /** @param changes of the ask's endpoints @returns whether scores of others than those that have changed may be new too */
  update(ask: Ask, changes: Changes): boolean {
    const isBehind = this.#catchUp(ask.endpoints, changes);
    if (this.#standing.scoreOf === undefined) return isBehind;
    const isSame = !isBehind && this.#isFor(ask);
    if (isSame && this.changes === 0) return false;
    const [least, most] = [minOf(ask, this.#values), maxOf(ask, this.#values)];
    const isAll = !isSame || least !== this.#least || most !== this.#most;
    this.#least = least;
    this.#most = most;
    if (isAll) this.#scoreAll(ask);
    else for (let change = 0; change < this.changes; change += 1) this.#score(this.changed[change] as number);
    return isAll;
  }

  /** @returns whether it had to look at all endpoints */
  #catchUp(endpoints: readonly Endpoint[], changes: Changes): boolean {
    let isBehind = this.#whose !== changes;
    if (isBehind) {
      this.#whose = changes;
      this.#logs = this.#standing.of.map((signal) => changes[signal]);
    }
    this.changes = 0;
    for (let signal = 0; signal < this.#logs.length; signal += 1) {
      const log = this.#logs[signal] as ChangeLog;
      const from = this.#read[signal] as number;
      this.#read[signal] = log.count;
      if (log.count - from > KEPT) isBehind = true;
      if (!isBehind) this.#look(endpoints, log, from);
    }
    if (isBehind) this.#lookAtAll(endpoints);
    return isBehind;
  }

  #lookAtAll(endpoints: readonly Endpoint[]): void {
    this.#values = numbersFor(this.#values, endpoints.length);
    for (let at = 0; at < endpoints.length; at += 1) {
      this.#values[at] = this.#standing.valueOf(endpoints[at] as Endpoint);
    }
  }

  #look(endpoints: readonly Endpoint[], log: ChangeLog, from: number): void {
    const values = this.#values;
    const { count } = log;
    for (let change = from; change < count; change += 1) {
      const at = log.at(change);
      const value = this.#standing.valueOf(endpoints[at] as Endpoint);
      if (value === values[at]) continue;
      values[at] = value;
      this.changed[this.changes] = at;
      this.changes += 1;
    }
  }

  /** Whether the candidates are those of the update before, the endpoints being the same. */
  #isFor({ kept, count, endpoints }: Ask): boolean {
    if (count !== this.#count) return false;
    if (count === endpoints.length) return true;
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
  readonly #weights: Float64Array;
  /** What is added up: of one endpoint next to each other, in order of the columns. */
  #terms = new Float64Array(8);
  #sums = new Float64Array(8);
  /** Positions of the sums that something was added to, in the first places. */
  #lifted = new Int32Array(8);
  #lifts = 0;
  /** Among all sums with nothing added; nobody met: it is to be sought. Among those that something was added to. */
  readonly #lead = new Lead();
  readonly #liftedLead = new Lead();
  /** Something else than a number above 0 was added. */
  #isSunk = false;

  constructor(columns: readonly StandingColumn[], weights: readonly number[]) {
    this.#columns = columns;
    this.#weights = Float64Array.from(weights);
  }

  /** @returns the sums by position, which stay its own */
  update(ask: Ask, changes: Changes): Float64Array {
    const columns = this.#columns;
    this.#takeBack();
    let isAll = false;
    for (let i = 0; i < columns.length; i += 1) if ((columns[i] as StandingColumn).update(ask, changes)) isAll = true;
    if (isAll) this.#addAll(ask.endpoints.length);
    else for (let i = 0; i < columns.length; i += 1) this.#addChanged(columns[i] as StandingColumn, i);
    if (this.#lead.ties === 0) this.#seekLead(ask.endpoints.length);
    return this.#sums;
  }

  /** Adds the scores of a few to their sums, until the next update. */
  lift({ of, scoreOf }: Sparse, weight: number): void {
    const { list, count } = of;
    const sums = this.#sums;
    this.#lifted = longer(this.#lifted, this.#lifts + count);
    for (let i = 0; i < count; i += 1) {
      const at = list[i] as number;
      const sum = sums[at] as number;
      const total = sum + clamped(scoreOf(at)) * weight;
      if (total === sum) continue;
      if (!(total > sum)) this.#isSunk = true;
      sums[at] = total;
      this.#lifted[this.#lifts] = at;
      this.#lifts += 1;
      this.#liftedLead.meet(at, total);
    }
  }

  /** Who leads among all endpoints, with what was added; undefined: only a look at all would tell. */
  get lead(): Lead | undefined {
    const lead = this.#lead;
    const lifted = this.#liftedLead;
    // Whoever led and was lifted is above his own sum.
    if (this.#isSunk || lifted.total === lead.total) return undefined;
    return lifted.total > lead.total ? lifted : lead;
  }

  #takeBack(): void {
    if (this.#lifts === 0) return;
    for (let i = 0; i < this.#lifts; i += 1) {
      const at = this.#lifted[i] as number;
      this.#sums[at] = this.#sumOf(at);
    }
    this.#lifts = 0;
    this.#liftedLead.forget();
    this.#isSunk = false;
  }

  #addAll(length: number): void {
    this.#sums = numbersFor(this.#sums, length);
    this.#terms = numbersFor(this.#terms, length * this.#columns.length);
    for (const [i, { scores }] of this.#columns.entries()) {
      for (let at = 0; at < length; at += 1) this.#terms[at * this.#columns.length + i] = this.#termOf(i, scores, at);
    }
    for (let at = 0; at < length; at += 1) this.#sums[at] = this.#sumOf(at);
    this.#lead.forget();
  }

  #addChanged(column: StandingColumn, i: number): void {
    const { changes } = column;
    if (changes === 0) return;
    const { changed, scores } = column;
    const sums = this.#sums;
    const terms = this.#terms;
    const lead = this.#lead;
    const width = this.#columns.length;
    for (let change = 0; change < changes; change += 1) {
      const at = changed[change] as number;
      terms[at * width + i] = this.#termOf(i, scores, at);
      const before = sums[at] as number;
      const sum = this.#sumOf(at);
      sums[at] = sum;
      if (sum === before || lead.ties === 0) continue;
      if (before === lead.total && !(sum > before)) lead.forget();
      else lead.meet(at, sum);
    }
  }

  #seekLead(length: number): void {
    const sums = this.#sums;
    for (let at = 0; at < length; at += 1) this.#lead.meet(at, sums[at] as number);
  }

  #termOf(i: number, scores: Float64Array, at: number): number {
    return clamped(scores[at] as number) * (this.#weights[i] as number);
  }

  #sumOf(at: number): number {
    const terms = this.#terms;
    const width = this.#columns.length;
    const first = at * width;
    let sum = 0;
    for (let i = 0; i < width; i += 1) sum += terms[first + i] as number;
    return sum;
  }
}

const longer = (positions: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> => {
  if (positions.length >= length) return positions;
  const more = new Int32Array(2 * length);
  more.set(positions);
  return more;
};

/** @returns the score in [0, 1] */
export const clamped = (score: number): number => (score < 0 ? 0 : score > 1 ? 1 : score);
