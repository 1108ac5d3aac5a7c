import type { Answer, QueryValue, SeriesPoints, VectorSample } from "./answer.ts";
import type { Expr, ValueType } from "./ast.ts";
import { typeOf } from "./check.ts";
import { extendedPoints } from "./extended-range.ts";
import { type Features, PLAIN } from "./features.ts";
import { compareLabels, Labels } from "./labels.ts";
import { metricNames } from "./metric-names.ts";
import type { Node, RangeNode } from "./node.ts";
import { parseQuery } from "./parse.ts";
import { planOf } from "./plan.ts";
import { QueryError } from "./query-error.ts";
import { Run } from "./run.ts";
import { MatrixNode } from "./selector-node.ts";
import type { Store } from "./store.ts";
import { InstantVector } from "./vector.ts";
import { Window } from "./window.ts";

export interface QueryOptions {
  /** Default: those of a plain server, none. */
  readonly features?: Features;
  /** `--query.lookback-delta`, default 5 min. */
  readonly lookBackMs?: number;
  /** Of subqueries that name none: `evaluation_interval`, default 1 min. */
  readonly defaultStepMs?: number;
  /** Samples that one answer may read; default 50 million, as `--query.max-samples`. */
  readonly mostSamples?: number;
}

const LOOK_BACK_MS = 5 * 60_000;
const DEFAULT_STEP_MS = 60_000;
const MOST_SAMPLES = 50_000_000;

export type Prepared =
  | { readonly ok: true; readonly query: PreparedQuery }
  | { readonly ok: false; readonly message: string };

/** Reads a query, to be asked of one store as often as wanted. */
export const prepare = (text: string, store: Store, options: QueryOptions = {}): Prepared => {
  const parsed = parseQuery(text, options.features ?? PLAIN);
  return parsed.ok ? { ok: true, query: new PreparedQuery(text, parsed.expr, store, options) } : parsed;
};

/**
 * A query over one store. What it finds out (which series, which groups, what matches what, results of subqueries) is kept
 * from one instant query to the next, as long as nothing has changed, so that a query that is asked every period costs
 * about what is new. Answers are the same as if it were asked for the first time.
 */
export class PreparedQuery {
  readonly text: string;
  readonly expr: Expr;
  readonly type: ValueType;
  readonly #store: Store;
  readonly #run: Run;
  #plan: Node | undefined;

  constructor(text: string, expr: Expr, store: Store, options: QueryOptions) {
    this.text = text;
    this.expr = expr;
    this.type = typeOf(expr);
    this.#store = store;
    this.#run = new Run({
      features: options.features ?? PLAIN,
      lookBackMs: options.lookBackMs ?? LOOK_BACK_MS,
      defaultStepMs: options.defaultStepMs ?? DEFAULT_STEP_MS,
      mostSamples: options.mostSamples ?? MOST_SAMPLES,
    });
  }

  /** Names of the metrics that it reads, and the patterns of those that it names by pattern. */
  metricNames(): ReturnType<typeof metricNames> {
    return metricNames(this.expr);
  }

  instant(atMs: number): Answer {
    return this.#answer(() => {
      this.#run.begin(this.text, atMs, atMs, 0);
      this.#plan ??= planOf(this.expr, this.#store, this.#run, { stepMs: 0, rangeMs: 0 });
      return this.#instantValue(this.#plan, atMs);
    });
  }

  /** From `startMs` to at most `endMs`, both included. */
  range(startMs: number, endMs: number, stepMs: number): Answer {
    if (!(stepMs > 0)) return { ok: false, message: "zero or negative query resolution step widths are not accepted" };
    if (this.type !== "scalar" && this.type !== "instant vector") {
      const message = `invalid expression type "${this.type}" for range query, must be Scalar or instant Vector`;
      return { ok: false, message };
    }
    return this.#answer(() => {
      this.#run.begin(this.text, startMs, endMs, stepMs);
      const plan = planOf(this.expr, this.#store, this.#run, { stepMs, rangeMs: endMs - startMs });
      return this.#rangeValue(plan, startMs, endMs, stepMs);
    });
  }

  #answer(value: () => QueryValue): Answer {
    try {
      return { ok: true, value: value(), annotations: this.#run.annotations.list() };
    } catch (error) {
      if (error instanceof QueryError) return { ok: false, message: error.message };
      throw error;
    }
  }

  #instantValue(plan: Node, atMs: number): QueryValue {
    switch (plan.kind) {
      case "scalar":
        return { kind: "scalar", value: plan.value(atMs) };
      case "string":
        return { kind: "string", text: plan.text };
      case "range":
        return { kind: "matrix", series: matrixOf(plan, atMs) };
      case "vector": {
        const vector = plan.vector(atMs);
        const samples: VectorSample[] = [];
        for (let i = 0; i < vector.length; i += 1) {
          samples.push({ labels: finalLabels(vector, i), value: vector.values[i] as number });
        }
        refuseDoubles(samples);
        return { kind: "vector", samples };
      }
    }
  }

  #rangeValue(plan: Node, startMs: number, endMs: number, stepMs: number): QueryValue {
    const series = new Map<string, { labels: Labels; points: { atMs: number; value: number }[] }>();
    const single = new InstantVector();
    for (let atMs = startMs; atMs <= endMs; atMs += stepMs) {
      const vector =
        plan.kind === "scalar" ? ofScalar(single, plan.value(atMs)) : (plan as Node & { kind: "vector" }).vector(atMs);
      this.#run.spend(vector.length + 1);
      for (let i = 0; i < vector.length; i += 1)
        addPoint(series, finalLabels(vector, i), atMs, vector.values[i] as number);
    }
    return { kind: "matrix", series: sorted([...series.values()]) };
  }
}

const ofScalar = (vector: InstantVector, value: number): InstantVector => {
  vector.clear();
  vector.push(Labels.none, value, 0);
  return vector;
};

const finalLabels = (vector: InstantVector, i: number): Labels => {
  const labels = vector.labels[i] as Labels;
  return vector.drops[i] === 1 ? labels.withoutMetadata() : labels;
};

const refuseDoubles = (samples: readonly VectorSample[]): void => {
  if (samples.length < 2) return;
  if (new Set(samples.map(({ labels }) => labels.key)).size === samples.length) return;
  throw new QueryError("vector cannot contain metrics with the same labelset");
};

const addPoint = (
  series: Map<string, { labels: Labels; points: { atMs: number; value: number }[] }>,
  labels: Labels,
  atMs: number,
  value: number,
): void => {
  const one = series.get(labels.key) ?? { labels, points: [] };
  if (one.points[one.points.length - 1]?.atMs === atMs) {
    throw new QueryError("vector cannot contain metrics with the same labelset");
  }
  one.points.push({ atMs, value });
  series.set(labels.key, one);
};

const matrixOf = (plan: RangeNode, atMs: number): readonly SeriesPoints[] => {
  const series: SeriesPoints[] = [];
  const window = new Window();
  const count = plan.open(atMs);
  for (let i = 0; i < count; i += 1) {
    if (!plan.window(i, window)) continue;
    if (plan instanceof MatrixNode && plan.extension !== undefined) {
      const points = extendedPoints(window, plan.extension);
      if (points.length > 0) series.push({ labels: plan.labels(i), points });
      continue;
    }
    const points: { atMs: number; value: number }[] = [];
    for (let k = window.from; k < window.to; k += 1) {
      points.push({ atMs: window.times[k] as number, value: window.values[k] as number });
    }
    series.push({ labels: plan.drops(i) === 1 ? plan.labels(i).withoutMetadata() : plan.labels(i), points });
  }
  return sorted(series);
};

const sorted = (series: readonly SeriesPoints[]): readonly SeriesPoints[] =>
  [...series].sort((a, b) => compareLabels(a.labels, b.labels));
