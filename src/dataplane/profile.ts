import type { Endpoint } from "../model/endpoint.ts";
import type { RequestHead } from "../model/request.ts";
import { invariant } from "../sim/invariant.ts";
import { START } from "../sim/time.ts";
import type { Ask } from "./ask.ts";
import type { Changes } from "./changes.ts";
import { integersFor, numbersFor } from "./columns.ts";
import type { Filter } from "./filter.ts";
import type { Lead } from "./lead.ts";
import type { Picker } from "./picker.ts";
import type { Scorer, Sparse } from "./scorer.ts";
import { clamped, StandingColumn, StandingSum } from "./standing.ts";

/** The decision under way; its columns are used again for the next. */
export class Question implements Ask {
  decision = 0;
  request: RequestHead = { id: 0, arrival: START, promptTokens: 0 };
  now = START;
  endpoints: readonly Endpoint[] = [];
  /** Of these endpoints; undefined: anything may have changed since the last decision. */
  changes: Changes | undefined;
  slots: Int32Array = new Int32Array(0);
  positions: Int32Array = new Int32Array(0);
  kept: Int32Array = new Int32Array(8);
  count = 0;
  peer = -1;
  /** What profiles go through is written down here, if somebody wants to see it. */
  watched: ProfileRun[] | undefined;
  /** All positions, and where filters write in turn. */
  #all = new Int32Array(0);
  #spare = new Int32Array(8);
  #other = new Int32Array(8);

  /** Everybody is a candidate again. */
  reset(peer: number): void {
    const { length } = this.endpoints;
    if (this.#all.length < length) this.#makeRoom(length);
    this.kept = this.#all;
    this.count = length;
    this.peer = peer;
  }

  #makeRoom(length: number): void {
    this.#all = integersFor(this.#all, length).map((_, at) => at);
    this.#spare = integersFor(this.#spare, length);
    this.#other = integersFor(this.#other, length);
  }

  drop(by: Filter): void {
    const into = this.#spare;
    this.count = by.keep(this, into);
    this.kept = into;
    [this.#spare, this.#other] = [this.#other, into];
  }
}

/** What a profile went through, by position of the endpoints. */
export interface ProfileRun {
  readonly profile: string;
  /** Names of the filters that dropped them. */
  readonly droppedBy: (string | undefined)[];
  readonly scores: { readonly scorer: string; readonly values: readonly number[] }[];
  totals: readonly number[];
  /** -1: nobody survived the filters. */
  picked: number;
}

interface Named<Plugin> {
  readonly name: string;
  readonly plugin: Plugin;
}

/** Filters in order, scorers with their weights, one picker (llm-d-router v0.9: weights are not normalised). */
export class Profile {
  readonly name: string;
  readonly #filters: readonly Named<Filter>[];
  readonly #scorers: readonly Named<Scorer>[];
  /** Of those whose scores are kept; and what the first scorers add up to that are of these. */
  readonly #standing: readonly (StandingColumn | undefined)[];
  readonly #first: StandingSum;
  readonly #inFirst: number;
  /** The scorers after these, where all of them score 0 but for a few endpoints. */
  readonly #sparse: readonly Sparse[] | undefined;
  readonly #weights: readonly number[];
  readonly #picker: Picker;
  #column = new Float64Array(8);
  #totals = new Float64Array(8);
  /** Whose total is the highest, if that is known. */
  #lead: Lead | undefined;

  constructor(
    name: string,
    filters: readonly Named<Filter>[],
    scorers: readonly (Named<Scorer> & { readonly weight: number })[],
    picker: Picker,
  ) {
    this.name = name;
    this.#filters = filters;
    this.#scorers = scorers;
    this.#standing = scorers.map(({ plugin: { standing } }) => standing && new StandingColumn(standing));
    this.#weights = scorers.map(({ weight }) => weight);
    const first = this.#standing.findIndex((column) => column === undefined);
    this.#inFirst = first < 0 ? this.#standing.length : first;
    const columns = this.#standing.slice(0, this.#inFirst) as readonly StandingColumn[];
    this.#first = new StandingSum(columns, this.#weights);
    const sparse = scorers.slice(this.#inFirst).flatMap(({ plugin }) => plugin.sparse ?? []);
    this.#sparse = this.#inFirst + sparse.length === scorers.length ? sparse : undefined;
    this.#picker = picker;
  }

  /** @returns position of the pick; -1: nobody survived the filters */
  run(question: Question, peer: number): number {
    question.reset(peer);
    const run = question.watched === undefined ? undefined : this.#watch(question);
    // By index: there is none as a rule.
    for (let i = 0; i < this.#filters.length; i += 1) {
      const { name, plugin } = this.#filters[i] as Named<Filter>;
      question.drop(plugin);
      if (run !== undefined) noteDropped(question, run, name);
      if (question.count === 0) return -1;
    }
    if (question.count === 0) return -1;
    const totals = this.#score(question, run);
    const picked = this.#picker.pick(question, totals, this.#lead);
    if (run !== undefined) {
      run.totals = [...totals.subarray(0, question.endpoints.length)];
      run.picked = picked;
    }
    invariant(picked >= 0 && picked < question.endpoints.length, "a picker picks one of the candidates");
    return picked;
  }

  #watch(question: Question): ProfileRun {
    const { length } = question.endpoints;
    const run = {
      profile: this.name,
      droppedBy: new Array<string | undefined>(length),
      scores: [],
      totals: [],
      picked: -1,
    };
    question.watched?.push(run);
    return run;
  }

  /** @returns the weighted scores added up, by position */
  #score(question: Question, run: ProfileRun | undefined): Float64Array {
    const { changes } = question;
    const { length } = question.endpoints;
    this.#lead = undefined;
    const sums = changes === undefined || this.#inFirst === 0 ? undefined : this.#first.update(question, changes);
    const added = sums === undefined ? 0 : this.#inFirst;
    if (sums !== undefined && this.#sparse !== undefined && run === undefined) {
      for (let i = 0; i < this.#sparse.length; i += 1)
        this.#first.lift(this.#sparse[i] as Sparse, this.#weights[added + i] as number);
      if (question.count === length) this.#lead = this.#first.lead;
      return sums;
    }
    this.#column = numbersFor(this.#column, length);
    this.#totals = numbersFor(this.#totals, sums?.length ?? length);
    if (sums === undefined) this.#totals.fill(0);
    else this.#totals.set(sums);
    for (let i = run === undefined ? added : 0; i < this.#scorers.length; i += 1) {
      const column = this.#columnOf(question, i);
      run?.scores.push({ scorer: (this.#scorers[i] as Named<Scorer>).name, values: [...column.subarray(0, length)] });
      if (i >= added) addClamped(question, column, this.#weights[i] as number, this.#totals);
    }
    return this.#totals;
  }

  #columnOf(question: Question, scorer: number): Float64Array {
    const standing = this.#standing[scorer];
    if (standing === undefined || question.changes === undefined) {
      (this.#scorers[scorer] as Named<Scorer>).plugin.score(question, this.#column);
      return this.#column;
    }
    if (scorer >= this.#inFirst) standing.update(question, question.changes);
    return standing.scores;
  }
}

/** Those that were candidates and are none any more were dropped by this filter. */
const noteDropped = ({ kept, count, endpoints }: Question, { droppedBy }: ProfileRun, filter: string): void => {
  const left = new Set(kept.subarray(0, count));
  for (let at = 0; at < endpoints.length; at += 1) if (!left.has(at)) droppedBy[at] ??= filter;
};

const addClamped = ({ kept, count }: Ask, column: Float64Array, weight: number, totals: Float64Array): void => {
  for (let k = 0; k < count; k += 1) {
    const at = kept[k] as number;
    const score = column[at] as number;
    if (score !== 0) totals[at] = (totals[at] as number) + clamped(score) * weight;
  }
};
