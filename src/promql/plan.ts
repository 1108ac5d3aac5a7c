import { AggregateNode, CountValuesNode } from "./aggregate-node.ts";
import { AGGREGATIONS } from "./aggregations.ts";
import {
  type Aggregate,
  type At,
  type Binary,
  bare,
  type Call,
  type Duration,
  type Expr,
  type VectorSelector,
} from "./ast.ts";
import { isSet, MatchNode, SetNode, scalarOperation, VectorScalarNode } from "./binary-nodes.ts";
import {
  ClampNode,
  HistogramNode,
  RangeCallNode,
  RelabelNode,
  SingleNode,
  SortNode,
  ValueCallNode,
} from "./call-nodes.ts";
import { typeOf } from "./check.ts";
import { computeDurationMs } from "./compute-duration.ts";
import { EXTENDED_FUNCTIONS, type Extension, extendedFunction, SmoothedNode } from "./extended-range.ts";
import { maxOf, minOf } from "./go-numbers.ts";
import { KAggregateNode } from "./k-aggregate-node.ts";
import { Labels as LabelSet, type Labels, METRIC_NAME } from "./labels.ts";
import type { Matcher } from "./matcher.ts";
import type { Node, RangeNode, ScalarNode, StringNode, VectorNode } from "./node.ts";
import { QueryError } from "./query-error.ts";
import { RANGE_FUNCTIONS } from "./range-functions.ts";
import { RatioNode } from "./ratio-node.ts";
import { labelJoin, labelReplace } from "./relabel.ts";
import type { Run } from "./run.ts";
import { MatrixNode, SelectorNode, type Shift } from "./selector-node.ts";
import type { Store } from "./store.ts";
import { SubqueryNode } from "./subquery-node.ts";
import { DATE_FUNCTIONS, NATIVE_FUNCTIONS, VALUE_FUNCTIONS } from "./value-functions.ts";
import { InstantVector } from "./vector.ts";
import { Window } from "./window.ts";

/** What durations such as `step()` are computed from. */
export interface PlanTimes {
  readonly stepMs: number;
  readonly rangeMs: number;
}

/**
 * The steps that answer a checked query. They keep what they learn of the store and of labels, so a plan is made once and
 * asked often.
 *
 * @throws QueryError for what can't be right at any instant
 */
export const planOf = (expr: Expr, store: Store, run: Run, times: PlanTimes): Node =>
  new Planner(store, run, times).node(expr);

class Planner {
  readonly #store: Store;
  readonly #run: Run;
  readonly #times: PlanTimes;

  constructor(store: Store, run: Run, times: PlanTimes) {
    this.#store = store;
    this.#run = run;
    this.#times = times;
  }

  node(expr: Expr): Node {
    switch (expr.kind) {
      case "number":
        return { kind: "scalar", value: () => expr.value };
      case "string":
        return { kind: "string", text: expr.value };
      case "paren":
        return this.node(expr.expr);
      case "selector":
        return expr.extension === "smoothed"
          ? this.#smoothed(expr)
          : new SelectorNode(this.#run, this.#store, expr, this.#shift(expr));
      case "matrix":
      case "subquery":
        return this.#range(expr);
      case "unary":
        return this.#unary(expr);
      case "binary":
        return this.#binary(expr);
      case "aggregate":
        return this.#aggregate(expr);
      case "call":
        return this.#call(expr);
    }
  }

  #scalar(expr: Expr): ScalarNode {
    return this.node(expr) as ScalarNode;
  }

  #vector(expr: Expr): VectorNode {
    return this.node(expr) as VectorNode;
  }

  #text(expr: Expr | undefined): string {
    return (this.node(expr as Expr) as StringNode).text;
  }

  #duration(duration: Duration, signed: boolean): number {
    return computeDurationMs(duration, this.#times, signed);
  }

  #shift({ offset, at }: { readonly offset: Duration | undefined; readonly at: At | undefined }): Shift {
    const offsetMs = offset === undefined ? 0 : this.#duration(offset, true);
    const run = this.#run;
    if (at === "start") return () => run.startMs - offsetMs;
    if (at === "end") return () => run.endMs - offsetMs;
    return at === undefined ? (atMs) => atMs - offsetMs : () => at - offsetMs;
  }

  #range(expr: Expr): RangeNode {
    if (expr.kind === "matrix") {
      const { selector } = expr;
      return new MatrixNode(this.#run, this.#store, selector, this.#duration(expr.range, false), this.#shift(selector));
    }
    if (expr.kind !== "subquery") return this.#range((expr as Expr & { kind: "paren" }).expr);
    const times = {
      rangeMs: this.#duration(expr.range, false),
      stepMs: expr.step === undefined ? this.#run.defaultStepMs : this.#duration(expr.step, false),
      shift: this.#shift(expr),
    };
    return new SubqueryNode(this.#run, this.#store, this.#vector(expr.expr), times, this.#isCausal(expr.expr));
  }

  #smoothed(expr: VectorSelector): VectorNode {
    const { lookBackMs } = this.#run;
    const shift = this.#shift(expr);
    const plain = { ...expr, extension: undefined };
    const around = new MatrixNode(this.#run, this.#store, plain, 2 * lookBackMs, (atMs) => shift(atMs) + lookBackMs);
    return new SmoothedNode(around, lookBackMs);
  }

  /** Whether a result holds for all time once the clock has passed its instant: nothing in it looks elsewhere. */
  #isCausal(expr: Expr): boolean {
    switch (expr.kind) {
      case "selector":
        return (
          expr.at === undefined &&
          expr.extension !== "smoothed" &&
          (expr.offset === undefined || this.#duration(expr.offset, true) >= 0)
        );
      case "matrix":
        return this.#isCausal(expr.selector);
      case "subquery":
        return (
          expr.at === undefined &&
          (expr.offset === undefined || this.#duration(expr.offset, true) >= 0) &&
          this.#isCausal(expr.expr)
        );
      case "call":
        return expr.name !== "start" && expr.name !== "end" && expr.args.every((arg) => this.#isCausal(arg));
      case "binary":
        return this.#isCausal(expr.left) && this.#isCausal(expr.right);
      case "aggregate":
        return this.#isCausal(expr.expr as Expr) && (expr.param === undefined || this.#isCausal(expr.param));
      case "paren":
      case "unary":
        return this.#isCausal(expr.expr);
      default:
        return true;
    }
  }

  #unary(expr: Expr & { kind: "unary" }): Node {
    const inner = this.node(expr.expr);
    if (expr.operator === "+" || inner.kind === "range" || inner.kind === "string") return inner;
    if (inner.kind === "scalar") return { kind: "scalar", value: (atMs) => -inner.value(atMs) };
    return new ValueCallNode(this.#run, inner, [], (value) => -value);
  }

  #binary(expr: Binary): Node {
    const [left, right] = [this.node(expr.left), this.node(expr.right)];
    if (left.kind === "scalar" && right.kind === "scalar") return scalarOperation(expr, left, right);
    if (right.kind === "scalar") return new VectorScalarNode(this.#run, expr, left as VectorNode, right, false);
    if (left.kind === "scalar") return new VectorScalarNode(this.#run, expr, right as VectorNode, left, true);
    const Kind = isSet(expr) ? SetNode : MatchNode;
    return new Kind(this.#run, expr, left as VectorNode, right as VectorNode);
  }

  #aggregate(expr: Aggregate): VectorNode {
    const inner = this.#vector(expr.expr as Expr);
    if (expr.operator === "count_values") {
      const label = this.#text(expr.param);
      if (label === "") throw new QueryError(`invalid label name ${JSON.stringify(label)}`);
      return new CountValuesNode(expr, inner, label);
    }
    const param = expr.param === undefined ? undefined : this.#scalar(expr.param);
    const aggregation = AGGREGATIONS[expr.operator];
    if (aggregation !== undefined) return new AggregateNode(this.#run, expr, inner, param, aggregation);
    if (expr.operator === "limit_ratio") return new RatioNode(this.#run, expr, inner, param as ScalarNode);
    return new KAggregateNode(expr, inner, param as ScalarNode);
  }

  #call(expr: Call): Node {
    const { name, args } = expr;
    const range = args.find((arg) => typeOf(arg) === "range vector");
    if (range !== undefined) return this.#rangeCall(expr, range);
    const compute = VALUE_FUNCTIONS[name];
    if (compute !== undefined) return this.#valueCall(expr);
    const date = DATE_FUNCTIONS[name];
    if (date !== undefined && args.length === 0) {
      return new SingleNode(LabelSet.none, (atMs) => date(Math.trunc(atMs / 1000), 1, 1));
    }
    if (date !== undefined) return new ValueCallNode(this.#run, this.#vector(args[0] as Expr), [], date);
    if (NATIVE_FUNCTIONS.has(name)) return this.#nothingOf(this.#vector(args[0] as Expr));
    return this.#special(expr);
  }

  #valueCall(expr: Call): VectorNode {
    const scalars = expr.args.slice(1).map((arg) => this.#scalar(arg));
    const compute = VALUE_FUNCTIONS[expr.name] as (value: number, a: number, b: number) => number;
    const node = new ValueCallNode(this.#run, this.#vector(expr.args[0] as Expr), scalars, compute);
    if (expr.name !== "clamp") return node;
    return new ClampNode(node, scalars[0] as ScalarNode, scalars[1] as ScalarNode);
  }

  /** What it is of is evaluated all the same, for its errors and warnings. */
  #nothingOf(inner: VectorNode): VectorNode {
    const none = new InstantVector();
    return {
      kind: "vector",
      vector: (atMs) => {
        inner.vector(atMs);
        return none;
      },
    };
  }

  #rangeCall(expr: Call, range: Expr): VectorNode {
    const source = this.#range(bare(range));
    if (source instanceof MatrixNode && source.extension !== undefined) return this.#extendedCall(expr, source);
    if (expr.name === "absent_over_time") return absentOverTime(expr, source);
    const scalars = expr.args.filter((arg) => arg !== range).map((arg) => this.#scalar(arg));
    const compute = RANGE_FUNCTIONS[expr.name];
    if (compute === undefined) throw new QueryError(`function ${expr.name} is not supported`);
    return new RangeCallNode(this.#run, expr, source, scalars, compute);
  }

  #extendedCall(expr: Call, source: MatrixNode): VectorNode {
    const extension = source.extension as Extension;
    const compute = extendedFunction(expr.name, extension);
    if (compute !== undefined) return new RangeCallNode(this.#run, expr, source, [], compute);
    const allowed = EXTENDED_FUNCTIONS[extension];
    throw new QueryError(`${extension} modifier can only be used with: ${allowed} - not with ${expr.name}`);
  }

  #special(expr: Call): Node {
    const { name, args } = expr;
    const run = this.#run;
    const [first, second] = args as [Expr, Expr];
    switch (name) {
      case "time":
        return { kind: "scalar", value: (atMs) => atMs / 1000 };
      case "pi":
        return { kind: "scalar", value: () => Math.PI };
      case "start":
        return { kind: "scalar", value: () => run.startMs / 1000 };
      case "end":
        return { kind: "scalar", value: () => run.endMs / 1000 };
      case "range":
        return { kind: "scalar", value: () => (run.endMs - run.startMs) / 1000 };
      case "step":
        return { kind: "scalar", value: () => (run.isRange ? run.stepMs / 1000 : 0) };
      case "max_of":
      case "min_of": {
        const [a, b] = [this.#scalar(first), this.#scalar(second)];
        const choose = name === "max_of" ? maxOf : minOf;
        return { kind: "scalar", value: (atMs) => choose(a.value(atMs), b.value(atMs)) };
      }
      case "vector": {
        const scalar = this.#scalar(first);
        return new SingleNode(LabelSet.none, (atMs) => scalar.value(atMs));
      }
      case "scalar":
        return scalarOf(this.#vector(first));
      case "timestamp":
        return this.#timestamp(bare(first));
      case "absent": {
        const inner = this.#vector(first);
        return new SingleNode(absentLabels(bare(first)), (atMs) => (inner.vector(atMs).length === 0 ? 1 : undefined));
      }
      case "histogram_quantile":
        return new HistogramNode(run, expr, { node: this.#vector(second), place: bare(second) }, [this.#scalar(first)]);
      case "histogram_fraction": {
        const vector = args[2] as Expr;
        const bounds = [this.#scalar(first), this.#scalar(second)];
        return new HistogramNode(run, expr, { node: this.#vector(vector), place: bare(vector) }, bounds);
      }
      case "histogram_quantiles": {
        const quantiles = args.slice(2).map((arg) => this.#scalar(arg));
        return new HistogramNode(
          run,
          expr,
          { node: this.#vector(first), place: bare(first) },
          quantiles,
          this.#text(second),
        );
      }
      case "label_replace": {
        const [to = "", template = "", from = "", pattern = ""] = args.slice(1).map((arg) => this.#text(arg));
        return new RelabelNode(this.#vector(first), labelReplace(to, template, from, pattern), to === METRIC_NAME);
      }
      case "label_join": {
        const [to = "", separator = "", ...from] = args.slice(1).map((arg) => this.#text(arg));
        return new RelabelNode(this.#vector(first), labelJoin(to, separator, from), to === METRIC_NAME);
      }
      case "sort":
      case "sort_desc":
        return new SortNode(run, expr, this.#vector(first), undefined);
      case "sort_by_label":
      case "sort_by_label_desc":
        return new SortNode(
          run,
          expr,
          this.#vector(first),
          args.slice(1).map((arg) => this.#text(arg)),
        );
      default:
        throw new QueryError(`function ${name} is not supported`);
    }
  }

  /** Of a selector: when its samples were taken. Of all else: the time of evaluation. */
  #timestamp(expr: Expr): VectorNode {
    const identity = (value: number) => value;
    if (expr.kind !== "selector") {
      const inner = this.#vector(expr);
      return new ValueCallNode(this.#run, timed(inner), [], identity);
    }
    const node = new SelectorNode(this.#run, this.#store, expr, this.#shift(expr), true);
    return new ValueCallNode(this.#run, node, [], identity);
  }
}

/** The time of evaluation in place of all values. */
const timed = (inner: VectorNode): VectorNode => {
  const out = new InstantVector();
  return {
    kind: "vector",
    vector: (atMs) => {
      const vector = inner.vector(atMs);
      out.clear();
      for (let i = 0; i < vector.length; i += 1)
        out.push(vector.labels[i] as Labels, atMs / 1000, vector.drops[i] as number);
      return out;
    },
  };
};

const scalarOf = (inner: VectorNode): ScalarNode => ({
  kind: "scalar",
  value: (atMs) => {
    const vector = inner.vector(atMs);
    return vector.length === 1 ? (vector.values[0] as number) : Number.NaN;
  },
});

const absentOverTime = (expr: Call, source: RangeNode): VectorNode => {
  const window = new Window();
  const isAbsent = (atMs: number): number | undefined => {
    const count = source.open(atMs);
    for (let i = 0; i < count; i += 1) if (source.window(i, window)) return undefined;
    return 1;
  };
  return new SingleNode(absentLabels(bare(expr.args[0] as Expr)), isAbsent, 1);
};

/**
 * Matchers that narrow before those that take away: a server has sorted them so by the time that it looks at them here,
 * which shows where one label is asked for twice. Source: PostingsForMatchers, Prometheus 3.15.
 */
const inOrderOfIndex = (matchers: readonly Matcher[]): readonly Matcher[] => {
  const set = new Set(matchers.filter(({ matches }) => !matches("")).map(({ name }) => name));
  const subtracts = ({ name, operator, matches }: Matcher): boolean =>
    !set.has(name) || (operator.startsWith("!") && matches(""));
  return [...matchers.filter((matcher) => !subtracts(matcher)), ...matchers.filter(subtracts)];
};

/**
 * The labels that a missing series would have had: those that must be equal to one value.
 * Source: createLabelsForAbsentFunction, Prometheus 3.14.
 */
const absentLabels = (expr: Expr): Labels => {
  const selector = expr.kind === "matrix" ? expr.selector : expr;
  if (selector.kind !== "selector") return LabelSet.none;
  const found: Record<string, string> = {};
  const seen = new Set<string>();
  for (const { name, operator, value } of inOrderOfIndex(selector.matchers)) {
    if (name === METRIC_NAME) continue;
    if (operator === "=" && !seen.has(name)) {
      found[name] = value;
      seen.add(name);
    } else {
      delete found[name];
    }
  }
  return LabelSet.of(found);
};
