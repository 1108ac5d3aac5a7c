import { checkQuantile } from "./aggregate-node.ts";
import type { Call, Expr, Place } from "./ast.ts";
import { Buckets, bucketFraction, bucketQuantile, type Repair } from "./buckets.ts";
import { openMetricsText, parseFloat64 } from "./go-numbers.ts";
import { BUCKET_LABEL, compareLabels, type Labels } from "./labels.ts";
import { naturallyBefore } from "./natural-order.ts";
import type { RangeNode, ScalarNode, VectorNode } from "./node.ts";
import type { RangeFunction } from "./range-functions.ts";
import type { Run } from "./run.ts";
import { isStepInvariant } from "./step-invariant.ts";
import type { ValueFunction } from "./value-functions.ts";
import { InstantVector, LabelCache } from "./vector.ts";
import { Window } from "./window.ts";

const START: Place = { from: 0, to: 0 };

/** A function of the samples of each series within a range. */
export class RangeCallNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #expr: Call;
  readonly #source: RangeNode;
  readonly #args: readonly ScalarNode[];
  readonly #compute: RangeFunction;
  readonly #keepsName: boolean;
  readonly #isCounters: boolean;
  readonly #known = new LabelCache(knownOf);
  readonly #window = new Window();
  readonly #out = new InstantVector();
  readonly #place: Place;
  #doubted = "";
  #doubtedAt = -1;

  constructor(run: Run, expr: Call, source: RangeNode, args: readonly ScalarNode[], compute: RangeFunction) {
    this.#run = run;
    this.#expr = expr;
    this.#source = source;
    this.#args = args;
    this.#compute = compute;
    this.#keepsName = expr.name === "last_over_time" || expr.name === "first_over_time";
    this.#isCounters = expr.name === "rate" || expr.name === "increase";
    // Prometheus has forgotten where a subquery stood by the time that it tells of it.
    const [first] = expr.args as [Expr];
    this.#place = first.kind === "subquery" ? START : first;
  }

  vector(atMs: number): InstantVector {
    const out = this.#out;
    const a = this.#args[0]?.value(atMs) ?? 0;
    const b = this.#args[1]?.value(atMs) ?? 0;
    const source = this.#source;
    const window = this.#window;
    const { delayedNameRemoval } = this.#run.features;
    const isQuantile = this.#expr.name === "quantile_over_time";
    out.clear();
    const count = source.open(atMs);
    for (let i = 0; i < count; i += 1) {
      if (!source.window(i, window)) continue;
      if (isQuantile) checkQuantile(a, this.#place, this.#run.annotations);
      const value = this.#compute(window, a, b);
      if (value === undefined) continue;
      const labels = source.labels(i);
      const known = this.#known.get(labels, i);
      if (this.#isCounters && known.noCounter !== undefined) this.#doubt(known.noCounter);
      const drop = this.#keepsName ? source.drops(i) : 1;
      out.push(drop === 1 && !delayedNameRemoval ? known.bare : labels, value, drop);
    }
    if (!delayedNameRemoval || this.#run.isRange) out.refuseDoubles();
    return out;
  }

  /** A rate of what is no counter by its name is probably a mistake. */
  #doubt(name: string): void {
    const { annotations } = this.#run;
    if (name === this.#doubted && this.#doubtedAt === annotations.epoch) return;
    this.#doubted = name;
    this.#doubtedAt = annotations.epoch;
    const what = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket";
    annotations.info(`${what}: ${JSON.stringify(name)}`, this.#place);
  }
}

/** What is known of a series from its labels alone. */
interface Known {
  readonly bare: Labels;
  /** The metric's name, if it is none of a counter. */
  readonly noCounter: string | undefined;
}

const knownOf = (labels: Labels): Known => {
  const { name } = labels;
  const noCounter = name === "" || /_(total|sum|count|bucket)$/.test(name) ? undefined : name;
  return { bare: labels.withoutMetadata(), noCounter };
};

/** A function of each value. */
export class ValueCallNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #inner: VectorNode;
  readonly #args: readonly ScalarNode[];
  readonly #compute: ValueFunction;
  readonly #bare = new LabelCache((labels) => labels.withoutMetadata());
  readonly #out = new InstantVector();

  constructor(run: Run, inner: VectorNode, args: readonly ScalarNode[], compute: ValueFunction) {
    this.#run = run;
    this.#inner = inner;
    this.#args = args;
    this.#compute = compute;
  }

  vector(atMs: number): InstantVector {
    const vector = this.#inner.vector(atMs);
    const a = this.#args[0]?.value(atMs) ?? 1;
    const b = this.#args[1]?.value(atMs) ?? 1;
    const { delayedNameRemoval } = this.#run.features;
    const out = this.#out;
    out.clear();
    for (let i = 0; i < vector.length; i += 1) {
      const labels = vector.labels[i] as Labels;
      const value = this.#compute(vector.values[i] as number, a, b);
      out.push(delayedNameRemoval ? labels : this.#bare.get(labels, i), value, 1);
    }
    if (!delayedNameRemoval || this.#run.isRange) out.refuseDoubles();
    return out;
  }
}

/** clamp() with its bounds the wrong way round gives nothing. */
export class ClampNode implements VectorNode {
  readonly kind = "vector";
  readonly #inner: ValueCallNode;
  readonly #least: ScalarNode;
  readonly #most: ScalarNode;
  readonly #none = new InstantVector();

  constructor(inner: ValueCallNode, least: ScalarNode, most: ScalarNode) {
    this.#inner = inner;
    this.#least = least;
    this.#most = most;
  }

  vector(atMs: number): InstantVector {
    // Evaluated all the same, for its errors and warnings.
    const vector = this.#inner.vector(atMs);
    return this.#most.value(atMs) < this.#least.value(atMs) ? this.#none : vector;
  }
}

/** One value with the given labels, or none. */
export class SingleNode implements VectorNode {
  readonly kind = "vector";
  readonly #labels: Labels;
  readonly #value: (atMs: number) => number | undefined;
  readonly #drop: number;
  readonly #out = new InstantVector();

  constructor(labels: Labels, value: (atMs: number) => number | undefined, drop = 0) {
    this.#labels = labels;
    this.#value = value;
    this.#drop = drop;
  }

  vector(atMs: number): InstantVector {
    this.#out.clear();
    const value = this.#value(atMs);
    if (value !== undefined) this.#out.push(this.#labels, value, this.#drop);
    return this.#out;
  }
}

/** New labels for each series, by label_replace and label_join. Source: evalLabelReplace, Prometheus 3.14. */
export class RelabelNode implements VectorNode {
  readonly kind = "vector";
  readonly #inner: VectorNode;
  readonly #made: LabelCache<Labels>;
  /** The name was set: it stays. */
  readonly #named: boolean;
  readonly #out = new InstantVector();

  constructor(inner: VectorNode, relabel: (labels: Labels) => Labels, named: boolean) {
    this.#inner = inner;
    this.#made = new LabelCache(relabel);
    this.#named = named;
  }

  vector(atMs: number): InstantVector {
    const vector = this.#inner.vector(atMs);
    const out = this.#out;
    out.clear();
    for (let i = 0; i < vector.length; i += 1) {
      const labels = vector.labels[i] as Labels;
      const made = this.#made.get(labels, i);
      out.push(made, vector.values[i] as number, made !== labels && this.#named ? 0 : (vector.drops[i] as number));
    }
    out.refuseDoubles();
    return out;
  }
}

/** sort, sort_desc, sort_by_label, sort_by_label_desc: of use in instant queries only. */
export class SortNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #expr: Call;
  readonly #inner: VectorNode;
  readonly #labels: readonly string[] | undefined;
  readonly #descending: boolean;
  /** The same at all times, so it is no range that is sorted. */
  readonly #invariant: boolean;
  readonly #out = new InstantVector();

  constructor(run: Run, expr: Call, inner: VectorNode, labels: readonly string[] | undefined) {
    this.#run = run;
    this.#expr = expr;
    this.#inner = inner;
    this.#labels = labels;
    this.#descending = expr.name.endsWith("_desc");
    this.#invariant = isStepInvariant(expr);
  }

  vector(atMs: number): InstantVector {
    const vector = this.#inner.vector(atMs);
    if (this.#run.isRange && !this.#invariant) {
      const message = "sort is ineffective for range queries since results are always ordered by labels";
      this.#run.annotations.warn(message, this.#expr);
    }
    const order = Array.from({ length: vector.length }, (_, i) => i);
    order.sort((a, b) => this.#compare(vector, a, b));
    const out = this.#out;
    out.clear();
    for (const i of order) out.push(vector.labels[i] as Labels, vector.values[i] as number, vector.drops[i] as number);
    return out;
  }

  /** NaN is last in either order. */
  #compare(vector: InstantVector, a: number, b: number): number {
    if (this.#labels !== undefined) {
      const order = byLabels(vector.labels[a] as Labels, vector.labels[b] as Labels, this.#labels);
      return this.#descending ? -order : order;
    }
    const [left, right] = [vector.values[a] as number, vector.values[b] as number];
    if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
    return left === right ? 0 : left < right !== this.#descending ? -1 : 1;
  }
}

const byLabels = (a: Labels, b: Labels, names: readonly string[]): number => {
  for (const name of names) {
    const [left, right] = [a.get(name), b.get(name)];
    if (left !== right) return naturallyBefore(left, right) ? -1 : 1;
  }
  return compareLabels(a, b);
};

/** A classic histogram, gathered of its buckets. */
interface Histogram {
  readonly labels: Labels;
  /** With the name, as annotations tell it. */
  readonly name: string;
  readonly buckets: Buckets;
  round: number;
  drop: number;
}

interface Bucket {
  readonly histogram: Histogram | undefined;
  readonly bound: number;
}

/** histogram_quantile, histogram_quantiles and histogram_fraction, of classic histograms. */
export class HistogramNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #expr: Call;
  readonly #inner: VectorNode;
  readonly #place: Place;
  readonly #args: readonly ScalarNode[];
  /** The label that histogram_quantiles() says the quantile in. */
  readonly #label: string | undefined;
  readonly #byKey = new Map<string, Histogram>();
  readonly #bucketOf = new LabelCache((labels) => this.#bucket(labels));
  readonly #seen: Histogram[] = [];
  readonly #out = new InstantVector();
  readonly #named = new Map<string, Labels>();
  #round = 0;

  constructor(
    run: Run,
    expr: Call,
    inner: { readonly node: VectorNode; readonly place: Place },
    args: readonly ScalarNode[],
    label?: string,
  ) {
    this.#run = run;
    this.#expr = expr;
    this.#inner = inner.node;
    this.#place = inner.place;
    this.#args = args;
    this.#label = label;
  }

  vector(atMs: number): InstantVector {
    const args = this.#args.map((arg) => arg.value(atMs));
    const vector = this.#inner.vector(atMs);
    this.#out.clear();
    this.#gather(vector);
    if (this.#expr.name === "histogram_fraction") {
      const [lower, upper] = args as [number, number];
      for (const histogram of this.#seen) this.#push(histogram, bucketFraction(lower, upper, histogram.buckets));
    } else {
      const first = this.#label === undefined ? 0 : 2;
      args.forEach((q, i) => this.#quantile(q, this.#expr.args[first + i] as Place));
    }
    if (!this.#run.features.delayedNameRemoval || this.#run.isRange) this.#out.refuseDoubles();
    return this.#out;
  }

  #quantile(q: number, place: Place): void {
    checkQuantile(q, place, this.#run.annotations);
    for (const histogram of this.#seen) {
      const value = bucketQuantile(q, histogram.buckets, (repair) => this.#repaired(histogram, repair));
      this.#push(histogram, value, q);
    }
  }

  #push(histogram: Histogram, value: number, q = 0): void {
    let labels = this.#run.features.delayedNameRemoval ? histogram.labels : histogram.labels.withoutMetadata();
    if (this.#label !== undefined) labels = this.#withQuantile(labels, q);
    this.#out.push(labels, value, 1);
  }

  #withQuantile(labels: Labels, q: number): Labels {
    const key = `${q} ${labels.key}`;
    const made = this.#named.get(key) ?? labels.with(this.#label as string, openMetricsText(q));
    if (this.#named.size > 20_000) this.#named.clear();
    this.#named.set(key, made);
    return made;
  }

  #gather(vector: InstantVector): void {
    this.#round += 1;
    this.#seen.length = 0;
    if (this.#byKey.size > 20_000) {
      this.#byKey.clear();
      this.#bucketOf.clear();
    }
    for (let i = 0; i < vector.length; i += 1) {
      const labels = vector.labels[i] as Labels;
      const { histogram, bound } = this.#bucketOf.get(labels, i);
      if (histogram === undefined) {
        this.#malformed(labels);
        continue;
      }
      if (histogram.round !== this.#round) {
        histogram.round = this.#round;
        histogram.buckets.clear();
        this.#seen.push(histogram);
      }
      histogram.buckets.add(bound, vector.values[i] as number);
    }
  }

  #bucket(labels: Labels): Bucket {
    const bound = parseFloat64(labels.get(BUCKET_LABEL));
    if (bound === undefined) return { histogram: undefined, bound: 0 };
    const own = labels.drop([BUCKET_LABEL]);
    let histogram = this.#byKey.get(own.key);
    if (histogram === undefined) {
      histogram = { labels: own, name: labels.name, buckets: new Buckets(), round: 0, drop: 1 };
      this.#byKey.set(own.key, histogram);
    }
    return { histogram, bound };
  }

  #malformed(labels: Labels): void {
    const what = `bucket label "le" is missing or has a malformed value of ${JSON.stringify(labels.get(BUCKET_LABEL))}`;
    this.#run.annotations.warn(this.#withName(what, labels.name), this.#place);
  }

  #repaired(histogram: Histogram, _repair: Repair): void {
    const url = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile";
    const what = `input to histogram_quantile needed to be fixed for monotonicity (see ${url})`;
    this.#run.annotations.info(this.#withName(what, histogram.name), this.#place);
  }

  /** Names are known only where they are not removed at once. */
  #withName(message: string, name: string): string {
    if (name === "" || !this.#run.features.delayedNameRemoval) return message;
    return `${message} for metric name ${JSON.stringify(name)}`;
  }
}
