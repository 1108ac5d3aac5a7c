import type { ValueType } from "./ast.ts";

/** What a function takes and gives. */
export interface Signature {
  readonly args: readonly ValueType[];
  /** How many arguments may be left out or, beyond the last, come on top; -1: any number on top, the last may be left out. */
  readonly variadic: number;
  readonly returns: ValueType;
  /** Needs the feature `experimental-functions`. */
  readonly experimental: boolean;
}

const V: ValueType = "instant vector";
const M: ValueType = "range vector";
const S: ValueType = "scalar";
const T: ValueType = "string";

const of = (args: readonly ValueType[], returns: ValueType = V, variadic = 0): Signature => ({
  args,
  returns,
  variadic,
  experimental: false,
});
const experimental = (args: readonly ValueType[], returns: ValueType = V, variadic = 0): Signature => ({
  ...of(args, returns, variadic),
  experimental: true,
});

const table = (names: string, signature: Signature): readonly (readonly [string, Signature])[] =>
  names.split(" ").map((name) => [name, signature] as const);

/** Source: promql/parser/functions.go, Prometheus 3.14. */
export const SIGNATURES: ReadonlyMap<string, Signature> = new Map([
  ...table("abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor", of([V])),
  ...table("ln log10 log2 rad sgn sin sinh sqrt tan tanh timestamp sort sort_desc", of([V])),
  ...table("histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar", of([V])),
  ...table("days_in_month day_of_month day_of_week day_of_year hour minute month year", of([V], V, 1)),
  ...table("absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta", of([M])),
  ...table("increase irate last_over_time max_over_time min_over_time present_over_time rate resets", of([M])),
  ...table("stddev_over_time stdvar_over_time sum_over_time", of([M])),
  ...table("mad_over_time ts_of_first_over_time ts_of_last_over_time", experimental([M])),
  ...table("ts_of_max_over_time ts_of_min_over_time", experimental([M])),
  ["clamp", of([V, S, S])],
  ["clamp_max", of([V, S])],
  ["clamp_min", of([V, S])],
  ["round", of([V, S], V, 1)],
  ["histogram_fraction", of([S, S, V])],
  ["histogram_quantile", of([S, V])],
  ["histogram_quantiles", experimental([V, T, S, S], V, 9)],
  ["double_exponential_smoothing", experimental([M, S, S])],
  ["label_replace", of([V, T, T, T, T])],
  ["label_join", of([V, T, T, T], V, -1)],
  ["predict_linear", of([M, S])],
  ["quantile_over_time", of([S, M])],
  ["scalar", of([V], S)],
  ["vector", of([S])],
  ["pi", of([], S)],
  ["time", of([], S)],
  ...table("start end range step", experimental([], S)),
  ...table("max_of min_of", experimental([S, S], S)),
  ...table("sort_by_label sort_by_label_desc", experimental([V, T], V, -1)),
  // Known by name, so that they are refused as what they are.
  ["info", experimental([V, V], V, 1)],
  ["start_timestamp", experimental([V])],
]);

/** Functions of Prometheus that this evaluator does not have. */
export const UNSUPPORTED: ReadonlySet<string> = new Set(["info", "start_timestamp"]);

/** Aggregations with a parameter, and its type. */
export const PARAMETERS: ReadonlyMap<string, ValueType> = new Map<string, ValueType>([
  ["topk", S],
  ["bottomk", S],
  ["limitk", S],
  ["limit_ratio", S],
  ["quantile", S],
  ["count_values", T],
]);

export const EXPERIMENTAL_AGGREGATIONS: ReadonlySet<string> = new Set(["limitk", "limit_ratio"]);
