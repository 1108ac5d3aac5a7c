import type { VectorSample } from "../answer.ts";
import { Labels } from "../labels.ts";
import { labelsHash } from "../labels-hash.ts";
import { prepare, type QueryOptions } from "../query.ts";
import { QueryError } from "../query-error.ts";
import type { Series } from "../series.ts";
import type { Store } from "../store.ts";
import { AlertingRule } from "./alerting-rule.ts";
import { RecordingRule } from "./recording-rule.ts";
import type { Rule } from "./rule.ts";
import { isRecording, type RuleGroupSpec, type RuleSpec } from "./rule-spec.ts";

/** A rule that gave nothing this time: what it gave before is left as it is. */
export interface RuleFailure {
  /** Its place in the group, from 0. */
  readonly index: number;
  readonly message: string;
}

interface Running {
  readonly rule: Rule;
  /** Series that it gave last time, by key of their labels. */
  before: ReadonlyMap<string, Series>;
}

/**
 * Rules that are evaluated one after another, each seeing what those before it have given, at moments of the group's own.
 * Source: Group.Eval and Group.EvalTimestamp, rules/group.go, Prometheus 3.14, without concurrent rules.
 */
export class RuleGroup {
  readonly spec: RuleGroupSpec;
  readonly #store: Store;
  readonly #rules: readonly Running[];
  readonly #phaseMs: number;

  /** @throws QueryError for an expression that can't be read */
  constructor(spec: RuleGroupSpec, store: Store, options: QueryOptions = {}) {
    this.spec = spec;
    this.#store = store;
    this.#rules = spec.rules.map((rule) => ({ rule: running(rule, spec.limit, store, options), before: new Map() }));
    this.#phaseMs = phaseOf(spec);
  }

  /** The first evaluation after `nowMs`; from then on every `intervalMs`. Times count from an epoch of the caller's. */
  next(nowMs: number): number {
    const { intervalMs } = this.spec;
    return Math.floor((nowMs - this.#phaseMs) / intervalMs) * intervalMs + this.#phaseMs + intervalMs;
  }

  /** @returns those that failed; the others are not held up by them */
  evaluate(nowMs: number): readonly RuleFailure[] {
    return this.#rules.flatMap((running, index) => {
      const message = this.#evaluateOne(running, nowMs);
      return message === undefined ? [] : [{ index, message }];
    });
  }

  #evaluateOne(running: Running, nowMs: number): string | undefined {
    const sampleMs = nowMs - this.spec.queryOffsetMs;
    let samples: readonly VectorSample[];
    try {
      samples = running.rule.evaluate(nowMs, sampleMs);
    } catch (error) {
      if (error instanceof QueryError) return error.message;
      throw error;
    }
    const given = new Map<string, Series>();
    for (const { labels, value } of samples) {
      const series = this.#store.series(labels);
      if (this.#stored(series, sampleMs, value)) given.set(labels.key, series);
    }
    for (const [key, series] of running.before) {
      // One that another rule has given meanwhile goes on.
      if (!given.has(key) && series.newestMs < sampleMs) this.#store.end(series, sampleMs);
    }
    running.before = given;
    return undefined;
  }

  /** Out of order a sample is lost; the same one twice is none too many. */
  #stored(series: Series, atMs: number, value: number): boolean {
    if (series.newestMs < atMs) return this.#store.append(series, atMs, value);
    const last = series.end - 1;
    return series.newestMs === atMs && !series.isStale(last) && Object.is(series.values[last], value);
  }
}

const running = (spec: RuleSpec, limit: number, store: Store, options: QueryOptions): Rule => {
  const prepared = prepare(spec.expr, store, options);
  if (!prepared.ok) throw new QueryError(prepared.message);
  return isRecording(spec)
    ? new RecordingRule(spec, prepared.query, limit)
    : new AlertingRule(spec, prepared.query, limit);
};

/** By the hash of file and name, in nanoseconds, so that groups with one interval don't all come at once. */
const phaseOf = ({ name, file, intervalMs }: RuleGroupSpec): number => {
  const nanoseconds = labelsHash(Labels.of({ name, file })) % (BigInt(intervalMs) * 1_000_000n);
  return Math.floor(Number(nanoseconds) / 1e6);
};
