import type { VectorSelector } from "./ast.ts";
import type { Extension } from "./extended-range.ts";
import type { Labels } from "./labels.ts";
import type { RangeNode, VectorNode } from "./node.ts";
import type { Run } from "./run.ts";
import type { Series } from "./series.ts";
import type { Store } from "./store.ts";
import { InstantVector } from "./vector.ts";
import type { Window } from "./window.ts";

/** When a selector looks, if the query is evaluated at `atMs`. */
export type Shift = (atMs: number) => number;

/** The series of a selector, looked for again only after some came or went. */
class Selection {
  readonly #store: Store;
  readonly #selector: VectorSelector;
  #generation = -1;
  #found: readonly Series[] = [];

  constructor(store: Store, selector: VectorSelector) {
    this.#store = store;
    this.#selector = selector;
  }

  get series(): readonly Series[] {
    if (this.#generation !== this.#store.generation) {
      this.#generation = this.#store.generation;
      this.#found = this.#store.select(this.#selector.matchers);
    }
    return this.#found;
  }
}

/**
 * The newest sample of each series, unless it is a staleness marker or as old as the look-back.
 * Source: vectorSelectorSingle, Prometheus 3.14 (left-open: a sample of exactly that age is out).
 */
export class SelectorNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #selection: Selection;
  readonly #shift: Shift;
  readonly #out = new InstantVector();
  /** Times instead of values, for timestamp(). */
  readonly #times: boolean;

  constructor(run: Run, store: Store, selector: VectorSelector, shift: Shift, times = false) {
    this.#run = run;
    this.#selection = new Selection(store, selector);
    this.#shift = shift;
    this.#times = times;
  }

  vector(atMs: number): InstantVector {
    const out = this.#out;
    const at = this.#shift(atMs);
    const oldest = at - this.#run.lookBackMs;
    const { series } = this.#selection;
    this.#run.spend(series.length);
    out.clear();
    for (const one of series) {
      const index = one.after(at) - 1;
      if (index < 0) continue;
      const time = one.times[index] as number;
      if (time <= oldest || (one.markers > 0 && one.isStale(index))) continue;
      out.push(one.labels, this.#times ? time / 1000 : (one.values[index] as number), 0);
    }
    return out;
  }
}

/** The samples of each series within a range, read where they lie. Source: matrixIterSlice, Prometheus 3.14. */
export class MatrixNode implements RangeNode {
  readonly kind = "range";
  readonly rangeMs: number;
  /** Windows then hold what is around the range, too. */
  readonly extension: Extension | undefined;
  readonly #run: Run;
  readonly #selection: Selection;
  readonly #shift: Shift;
  #atMs = 0;
  #endMs = 0;
  #series: readonly Series[] = [];
  #times = new Float64Array(64);
  #values = new Float64Array(64);

  constructor(run: Run, store: Store, selector: VectorSelector, rangeMs: number, shift: Shift) {
    this.#run = run;
    this.#selection = new Selection(store, selector);
    this.rangeMs = rangeMs;
    this.extension = selector.extension;
    this.#shift = shift;
  }

  open(atMs: number): number {
    this.#atMs = atMs;
    this.#endMs = this.#shift(atMs);
    this.#series = this.#selection.series;
    return this.#series.length;
  }

  labels(index: number): Labels {
    return (this.#series[index] as Series).labels;
  }

  drops(): number {
    return 0;
  }

  window(index: number, into: Window): boolean {
    const series = this.#series[index] as Series;
    into.atMs = this.#atMs;
    const endMs = this.#endMs;
    const startMs = endMs - this.rangeMs;
    into.endMs = endMs;
    into.startMs = startMs;
    const to = series.after(this.extension === "smoothed" ? endMs + this.#run.lookBackMs : endMs);
    const from = series.after(this.extension === undefined ? startMs : startMs - this.#run.lookBackMs, to);
    this.#run.spend(to - from + 1);
    if (from === to) return false;
    into.times = series.times;
    into.values = series.values;
    into.from = from;
    into.to = to;
    return series.markers === 0 || this.#withoutMarkers(series, into);
  }

  #withoutMarkers(series: Series, window: Window): boolean {
    const size = window.count;
    if (size > this.#times.length) {
      this.#times = new Float64Array(size * 2);
      this.#values = new Float64Array(size * 2);
    }
    let kept = 0;
    for (let i = window.from; i < window.to; i += 1) {
      if (series.isStale(i)) continue;
      this.#times[kept] = series.times[i] as number;
      this.#values[kept] = series.values[i] as number;
      kept += 1;
    }
    window.times = this.#times;
    window.values = this.#values;
    window.from = 0;
    window.to = kept;
    return kept > 0;
  }
}
