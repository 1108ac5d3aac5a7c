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
  readonly #of: Standing["of"];
  readonly #valueOf: (endpoint: Endpoint) => number;
  readonly #scoreOf: ((value: number, least: number, most: number) => number) | undefined;
  /** By position, of the ask for which they were brought up to date last. */
  scores = new Float64Array(8);
  /** What the scores follow from; themselves, if nothing else is said. */
  #values: Float64Array<ArrayBuffer>;
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
  /** In the first places, positions of values that were found to be new by the last update; only where these aren't the scores. */
  readonly #changed: Int32Array;
  #changes = 0;

  constructor({ of, valueOf, scoreOf }: Standing) {
    this.#of = of;
    this.#valueOf = valueOf;
    this.#scoreOf = scoreOf;
    this.#values = scoreOf === undefined ? this.scores : new Float64Array(8);
    this.#read = of.map(() => 0);
    this.#changed = new Int32Array(scoreOf === undefined ? 0 : of.length * KEPT);
  }

  /**
   * @param changes of the ask's endpoints @param sum hears of each score that is another than before
   * @returns whether any of the scores may be another, and not all of those were told
   */
  update(ask: Ask, changes: Changes, sum?: StandingSum, column = 0): boolean {
    const logs = this.#whose === changes ? this.#logs : this.#hear(changes);
    const read = this.#read;
    let isBehind = false;
    this.#changes = 0;
    for (let signal = 0; signal < logs.length; signal += 1) {
      const log = logs[signal] as ChangeLog;
      const from = read[signal] as number;
      if (log.count === from) continue;
      read[signal] = log.count;
      if (log.count - from > KEPT) isBehind = true;
      else this.#look(ask.endpoints, log, from, sum, column);
    }
    if (isBehind) this.#lookAtAll(ask.endpoints);
    return this.#scoreOf === undefined ? isBehind : this.#scale(ask, isBehind, sum, column);
  }

  /** From now on it reads these changes, of which it has missed all so far. */
  #hear(changes: Changes): readonly ChangeLog[] {
    this.#whose = changes;
    this.#logs = this.#of.map((signal) => changes[signal]);
    this.#read.fill(-KEPT - 1);
    return this.#logs;
  }

  #lookAtAll(endpoints: readonly Endpoint[]): void {
    this.#values = numbersFor(this.#values, endpoints.length);
    if (this.#scoreOf === undefined) this.scores = this.#values;
    for (let at = 0; at < endpoints.length; at += 1) this.#values[at] = this.#valueOf(endpoints[at] as Endpoint);
  }

  /** Values that are scores are told at once; what others make of scores is known when all have been looked at. */
  #look(
    endpoints: readonly Endpoint[],
    log: ChangeLog,
    from: number,
    sum: StandingSum | undefined,
    column: number,
  ): void {
    const values = this.#values;
    const areScores = this.#scoreOf === undefined;
    const { count } = log;
    for (let change = from; change < count; change += 1) {
      const at = log.at(change);
      const value = this.#valueOf(endpoints[at] as Endpoint);
      if (value === values[at]) continue;
      values[at] = value;
      if (areScores) sum?.renew(at, column, value);
      else {
        this.#changed[this.#changes] = at;
        this.#changes += 1;
      }
    }
  }

  /** @param isBehind whether all values may be new @returns whether all scores may be */
  #scale(ask: Ask, isBehind: boolean, sum: StandingSum | undefined, column: number): boolean {
    const isSame = !isBehind && this.#isFor(ask);
    if (isSame && this.#changes === 0) return false;
    const [least, most] = [minOf(ask, this.#values), maxOf(ask, this.#values)];
    const isAll = !isSame || least !== this.#least || most !== this.#most;
    this.#least = least;
    this.#most = most;
    if (isAll) {
      this.#scaleAll(ask);
      return true;
    }
    for (let change = 0; change < this.#changes; change += 1) {
      const at = this.#changed[change] as number;
      const score = this.#scaleOne(at);
      sum?.renew(at, column, score);
    }
    return false;
  }

  /** Whether the candidates are those of the update before, the endpoints being the same. */
  #isFor({ kept, count, endpoints }: Ask): boolean {
    if (count !== this.#count) return false;
    if (count === endpoints.length) return true;
    for (let k = 0; k < count; k += 1) if (kept[k] !== this.#kept[k]) return false;
    return true;
  }

  #scaleAll({ kept, count, endpoints }: Ask): void {
    this.scores = numbersFor(this.scores, endpoints.length);
    this.#kept = integersFor(this.#kept, count);
    this.#count = count;
    for (let k = 0; k < count; k += 1) {
      this.#kept[k] = kept[k] as number;
      this.#scaleOne(kept[k] as number);
    }
  }

  #scaleOne(at: number): number {
    const score = this.#scoreOf?.(this.#values[at] as number, this.#least, this.#most) as number;
    this.scores[at] = score;
    return score;
  }
}

/** The clamped scores of some such scorers times their weights, added up in order, and kept likewise. */
export class StandingSum {
  readonly #columns: readonly StandingColumn[];
  readonly #weights: Float64Array;
  #sums = new Float64Array(8);
  /** What was added up before each of the columns, 0 before the first: of one endpoint next to each other. */
  #before = new Float64Array(8);
  /** Positions of the sums that something was added to, in the first places, and what they were. */
  #lifted = new Int32Array(8);
  #unlifted = new Float64Array(8);
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
    if (this.#lifts > 0) this.#takeBack();
    let isAll = false;
    for (let i = 0; i < columns.length; i += 1)
      if ((columns[i] as StandingColumn).update(ask, changes, this, i)) isAll = true;
    if (isAll) this.#addAll(ask.endpoints.length);
    if (this.#lead.ties === 0) this.#lead.meetAll(this.#sums, ask.endpoints.length);
    return this.#sums;
  }

  /** For columns: this score is another than before. */
  renew(at: number, column: number, score: number): void {
    const before = this.#sums[at] as number;
    const sum = this.#sumOf(at, column, score);
    this.#sums[at] = sum;
    const lead = this.#lead;
    if (sum === before || lead.ties === 0) return;
    if (before === lead.total && !(sum > before)) lead.forget();
    else lead.meet(at, sum);
  }

  /** Adds the scores of a few to their sums, until the next update. */
  lift({ of, scoreOf }: Sparse, weight: number): void {
    const { list, count } = of;
    const sums = this.#sums;
    this.#makeRoom(this.#lifts + count);
    for (let i = 0; i < count; i += 1) {
      const at = list[i] as number;
      const sum = sums[at] as number;
      const total = sum + clamped(scoreOf(at)) * weight;
      if (total === sum) continue;
      if (!(total > sum)) this.#isSunk = true;
      sums[at] = total;
      this.#lifted[this.#lifts] = at;
      this.#unlifted[this.#lifts] = sum;
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

  /** Backwards, since several scorers may have lifted one. */
  #takeBack(): void {
    for (let i = this.#lifts - 1; i >= 0; i -= 1) this.#sums[this.#lifted[i] as number] = this.#unlifted[i] as number;
    this.#lifts = 0;
    this.#liftedLead.forget();
    this.#isSunk = false;
  }

  #addAll(length: number): void {
    this.#sums = numbersFor(this.#sums, length);
    this.#before = numbersFor(this.#before, length * this.#columns.length);
    const first = this.#columns[0]?.scores;
    for (let at = 0; at < length; at += 1) this.#sums[at] = this.#sumOf(at, 0, first?.[at] as number);
    this.#lead.forget();
  }

  /** @param column the first one that has another score than before, which is `score` */
  #sumOf(at: number, column: number, score: number): number {
    const columns = this.#columns;
    const before = this.#before;
    const first = at * columns.length;
    let sum = (before[first + column] as number) + clamped(score) * (this.#weights[column] as number);
    for (let i = column + 1; i < columns.length; i += 1) {
      before[first + i] = sum;
      sum += clamped((columns[i] as StandingColumn).scores[at] as number) * (this.#weights[i] as number);
    }
    return sum;
  }

  #makeRoom(lifts: number): void {
    if (this.#lifted.length >= lifts) return;
    const [lifted, unlifted] = [this.#lifted, this.#unlifted];
    this.#lifted = new Int32Array(2 * lifts);
    this.#lifted.set(lifted);
    this.#unlifted = new Float64Array(2 * lifts);
    this.#unlifted.set(unlifted);
  }
}

/** @returns the score in [0, 1] */
export const clamped = (score: number): number => (score < 0 ? 0 : score > 1 ? 1 : score);
