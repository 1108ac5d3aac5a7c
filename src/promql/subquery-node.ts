import type { Annotation } from "./annotations.ts";
import type { Labels } from "./labels.ts";
import type { RangeNode, VectorNode } from "./node.ts";
import { QueryError } from "./query-error.ts";
import type { Run } from "./run.ts";
import type { Store } from "./store.ts";
import { InstantVector, LabelCache } from "./vector.ts";
import type { Window } from "./window.ts";

/** The inner query's result at one instant. */
interface Snapshot {
  readonly run: number;
  /** Nothing that came since can have changed it, unless a sample came late. */
  readonly settled: boolean;
  readonly slots: Int32Array;
  readonly values: Float64Array;
  readonly notes: ReadonlyMap<string, Annotation> | undefined;
}

/** Points of one series of the inner query. */
class Slot {
  readonly labels: Labels;
  readonly drop: number;
  times = new Float64Array(8);
  values = new Float64Array(8);
  length = 0;

  constructor(labels: Labels, drop: number) {
    this.labels = labels;
    this.drop = drop;
  }

  push(timeMs: number, value: number): void {
    if (this.length > 0 && this.times[this.length - 1] === timeMs) {
      throw new QueryError("vector cannot contain metrics with the same labelset");
    }
    if (this.length === this.times.length) this.#grow();
    this.times[this.length] = timeMs;
    this.values[this.length] = value;
    this.length += 1;
  }

  #grow(): void {
    const times = new Float64Array(this.length * 2);
    const values = new Float64Array(this.length * 2);
    times.set(this.times);
    values.set(this.values);
    this.times = times;
    this.values = values;
  }
}

const MOST_SLOTS = 20_000;
const NOTHING = new InstantVector();

/**
 * A query evaluated over a range, at multiples of its step since 1970, whenever the outer query is evaluated. Results of
 * the inner query are kept while the range covers them: asked every period, it costs one new result or so.
 * Source: subqueryTimeRange, Prometheus 3.14.
 */
export class SubqueryNode implements RangeNode {
  readonly kind = "range";
  readonly rangeMs: number;
  readonly #run: Run;
  readonly #store: Store;
  readonly #inner: VectorNode;
  readonly #stepMs: number;
  readonly #shift: (atMs: number) => number;
  /** The inner query sees nothing after its instant. */
  readonly #causal: boolean;
  readonly #kept = new Map<number, Snapshot>();
  #lateAppends = 0;
  #slots: Slot[] = [];
  #slotIndex = new Map<string, number>();
  readonly #slotOf = [0, 1].map((drop) => new LabelCache((labels) => this.#slotFor(labels, drop)));
  #open: number[] = [];
  #atMs = 0;
  #endMs = 0;

  constructor(
    run: Run,
    store: Store,
    inner: VectorNode,
    times: { readonly rangeMs: number; readonly stepMs: number; readonly shift: (atMs: number) => number },
    causal: boolean,
  ) {
    this.#run = run;
    this.#store = store;
    this.#inner = inner;
    this.rangeMs = times.rangeMs;
    this.#stepMs = times.stepMs;
    this.#shift = times.shift;
    this.#causal = causal;
  }

  open(atMs: number): number {
    this.#atMs = atMs;
    this.#endMs = this.#shift(atMs);
    const startMs = this.#endMs - this.rangeMs;
    this.#forget(startMs);
    for (const index of this.#open) (this.#slots[index] as Slot).length = 0;
    this.#open = [];
    const first = (Math.floor(startMs / this.#stepMs) + 1) * this.#stepMs;
    const steps = Math.floor((this.#endMs - first) / this.#stepMs) + 1;
    for (let time = first; time <= this.#endMs; time += this.#stepMs) this.#gather(time, this.#at(time, steps));
    return this.#open.length;
  }

  labels(index: number): Labels {
    return this.#slot(index).labels;
  }

  drops(index: number): number {
    return this.#slot(index).drop;
  }

  window(index: number, into: Window): boolean {
    const slot = this.#slot(index);
    into.atMs = this.#atMs;
    into.endMs = this.#endMs;
    into.startMs = this.#endMs - this.rangeMs;
    into.times = slot.times;
    into.values = slot.values;
    into.from = 0;
    into.to = slot.length;
    return slot.length > 0;
  }

  #slot(index: number): Slot {
    return this.#slots[this.#open[index] as number] as Slot;
  }

  /** What is before the range or no longer true; all, when series have come and gone for long. */
  #forget(startMs: number): void {
    const late = this.#store.lateAppends !== this.#lateAppends;
    this.#lateAppends = this.#store.lateAppends;
    // Asked back and forth in time, it would keep what no range covers any more.
    const usual = this.rangeMs / this.#stepMs + 1;
    if (this.#slots.length > MOST_SLOTS || this.#kept.size > 4 * usual + 100) this.#startAnew();
    for (const [time, snapshot] of this.#kept) {
      const usable = snapshot.run === this.#run.id || (snapshot.settled && !late);
      if (time <= startMs || !usable) this.#kept.delete(time);
    }
  }

  #startAnew(): void {
    this.#kept.clear();
    this.#slots = [];
    this.#slotIndex = new Map();
    this.#open = [];
    for (const cache of this.#slotOf) cache.clear();
  }

  #at(timeMs: number, steps: number): Snapshot {
    const kept = this.#kept.get(timeMs);
    this.#run.spend(kept === undefined ? 1 : kept.values.length + 1);
    if (kept?.notes !== undefined) this.#run.annotations.repeat(kept.notes);
    return kept ?? this.#computed(timeMs, steps);
  }

  #computed(timeMs: number, steps: number): Snapshot {
    let vector = NOTHING;
    const notes = this.#run.annotations.during(() => {
      vector = this.#run.within(steps, () => this.#inner.vector(timeMs));
    });
    const slots = new Int32Array(vector.length);
    for (let i = 0; i < vector.length; i += 1) {
      slots[i] = (this.#slotOf[vector.drops[i] as number] as LabelCache<number>).get(vector.labels[i] as Labels, i);
    }
    const values = vector.values.slice(0, vector.length);
    // Samples come in order of time, so nothing before the newest can still come, but late.
    const settled = this.#causal && timeMs < this.#store.newestMs;
    const snapshot = { run: this.#run.id, settled, slots, values, notes };
    this.#kept.set(timeMs, snapshot);
    return snapshot;
  }

  #gather(timeMs: number, { slots, values }: Snapshot): void {
    for (let i = 0; i < slots.length; i += 1) {
      const index = slots[i] as number;
      const slot = this.#slots[index] as Slot;
      if (slot.length === 0) this.#open.push(index);
      slot.push(timeMs, values[i] as number);
    }
  }

  #slotFor(labels: Labels, drop: number): number {
    const key = `${drop}${labels.key}`;
    let index = this.#slotIndex.get(key);
    if (index === undefined) {
      index = this.#slots.push(new Slot(labels, drop)) - 1;
      this.#slotIndex.set(key, index);
    }
    return index;
  }
}
