import { compareText } from "../model/compare-text.ts";
import { Labels } from "./labels.ts";
import type { Matcher } from "./matcher.ts";
import { Series } from "./series.ts";

export interface StoreOptions {
  /** Samples that are older than this, measured from the newest, may be forgotten. */
  readonly retentionMs: number;
}

/**
 * Series in memory, found by their labels: what a Prometheus server has scraped. Memory is bounded by the retention and the
 * number of series that had a sample within it.
 */
export class Store {
  readonly #retentionMs: number;
  readonly #byKey = new Map<string, Series>();
  /** Name of a label → value → series, in the order in which they came. */
  readonly #index = new Map<string, Map<string, Series[]>>();
  #generation = 0;
  #lateAppends = 0;
  #newestMs = Number.NEGATIVE_INFINITY;
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(options: StoreOptions) {
    this.#retentionMs = options.retentionMs;
  }

  /** Another number whenever a series came or went: what `select` found before may have changed. */
  get generation(): number {
    return this.#generation;
  }

  /** Another number whenever a sample came that is older than the newest of all: what was computed of the past may be wrong. */
  get lateAppends(): number {
    return this.#lateAppends;
  }

  get newestMs(): number {
    return this.#newestMs;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** The series with these labels, made if there is none. Keep it to append to: finding it is the slow part. */
  series(labels: Labels): Series {
    let series = this.#byKey.get(labels.key);
    if (series === undefined) {
      series = new Series(labels);
      this.#list(series);
    }
    return series;
  }

  /** @returns false for a time that has a sample already */
  append(series: Series, timeMs: number, value: number): boolean {
    return this.#append(series, timeMs, value, false);
  }

  /** The series ends at `timeMs`, as when its target is gone: a later query does not see what came before. */
  end(series: Series, timeMs: number): boolean {
    return this.#append(series, timeMs, Number.NaN, true);
  }

  /** @returns in the order in which the series came; those of the equal matchers are looked at only */
  select(matchers: readonly Matcher[]): readonly Series[] {
    let smallest: readonly Series[] | undefined;
    for (const { name, operator, value } of matchers) {
      if (operator !== "=" || value === "") continue;
      const found = this.#index.get(name)?.get(value) ?? [];
      if (smallest === undefined || found.length < smallest.length) smallest = found;
    }
    const candidates = smallest ?? [...this.#byKey.values()];
    return candidates.filter(({ labels }) => matchers.every(({ name, matches }) => matches(labels.get(name))));
  }

  /** Values of a label over all series, sorted: names of metrics, say. */
  values(label: string): readonly string[] {
    return [...(this.#index.get(label)?.keys() ?? [])].sort(compareText);
  }

  #append(series: Series, timeMs: number, value: number, stale: boolean): boolean {
    const target = series.listed ? series : this.#return(series);
    if (timeMs < this.#newestMs) this.#lateAppends += 1;
    else if (timeMs > this.#newestMs) this.#advance(timeMs);
    return target.append(timeMs, value, stale, this.#retentionMs);
  }

  #advance(timeMs: number): void {
    this.#newestMs = timeMs;
    if (this.#sweptMs === Number.NEGATIVE_INFINITY) this.#sweptMs = timeMs;
    if (timeMs - this.#sweptMs <= this.#retentionMs / 2) return;
    this.#sweptMs = timeMs;
    for (const series of [...this.#byKey.values()]) {
      if (series.newestMs <= timeMs - this.#retentionMs) this.#forget(series);
    }
  }

  #list(series: Series): void {
    series.listed = true;
    this.#byKey.set(series.labels.key, series);
    for (const [name, value] of series.labels.pairs()) this.#postings(name, value).push(series);
    this.#generation += 1;
  }

  /** A series that was dropped and has samples again, unless another has taken its place. */
  #return(series: Series): Series {
    const other = this.#byKey.get(series.labels.key);
    if (other === undefined) this.#list(series);
    return other ?? series;
  }

  #forget(series: Series): void {
    // One that has just been made waits for its first sample.
    if (series.end === 0) return;
    series.listed = false;
    this.#byKey.delete(series.labels.key);
    for (const [name, value] of series.labels.pairs()) {
      const left = this.#postings(name, value).filter((other) => other !== series);
      if (left.length > 0) this.#index.get(name)?.set(value, left);
      else this.#index.get(name)?.delete(value);
    }
    this.#generation += 1;
  }

  #postings(name: string, value: string): Series[] {
    let values = this.#index.get(name);
    if (values === undefined) {
      values = new Map();
      this.#index.set(name, values);
    }
    let postings = values.get(value);
    if (postings === undefined) {
      postings = [];
      values.set(value, postings);
    }
    return postings;
  }
}

/** Labels of a metric, as a scraper has them: its name and the rest. */
export const metricLabels = (name: string, labels: Readonly<Record<string, string>>): Labels =>
  Labels.of({ ...labels, __name__: name });
