import { KahanSum, Mean } from "./kahan.ts";
import { quantileOf } from "./quantile.ts";
import { QueryError } from "./query-error.ts";
import type { Window } from "./window.ts";

/**
 * What a function makes of the samples of one series; there is at least one. undefined: nothing, the series is left out.
 * `a` and `b` are its scalar arguments in their order.
 */
export type RangeFunction = (window: Window, a: number, b: number) => number | undefined;

const sum = new KahanSum();
const mean = new Mean();

/** Source: promql/functions.go, Prometheus 3.14, for float samples. */
export const RANGE_FUNCTIONS: Readonly<Record<string, RangeFunction>> = {
  rate: (window) => extrapolated(window, true, true),
  increase: (window) => extrapolated(window, true, false),
  delta: (window) => extrapolated(window, false, false),
  irate: (window) => lastDifference(window, true),
  idelta: (window) => lastDifference(window, false),
  avg_over_time: ({ values, from, to }) => {
    mean.reset(values[from] as number);
    for (let i = from + 1; i < to; i += 1) mean.add(values[i] as number);
    return mean.value;
  },
  sum_over_time: ({ values, from, to }) => {
    sum.reset();
    for (let i = from; i < to; i += 1) sum.add(values[i] as number);
    return sum.total;
  },
  count_over_time: ({ from, to }) => to - from,
  present_over_time: () => 1,
  absent_over_time: () => 1,
  first_over_time: ({ values, from }) => values[from],
  last_over_time: ({ values, to }) => values[to - 1],
  max_over_time: (window) => window.values[extreme(window, (value, best) => value > best)],
  min_over_time: (window) => window.values[extreme(window, (value, best) => value < best)],
  ts_of_max_over_time: (window) =>
    seconds(
      window,
      extreme(window, (value, best) => value >= best),
    ),
  ts_of_min_over_time: (window) =>
    seconds(
      window,
      extreme(window, (value, best) => value <= best),
    ),
  ts_of_first_over_time: (window) => seconds(window, window.from),
  ts_of_last_over_time: (window) => seconds(window, window.to - 1),
  quantile_over_time: ({ values, from, to }, q) => quantileOf(q, [...values.subarray(from, to)]),
  mad_over_time: ({ values, from, to }) => medianDeviation([...values.subarray(from, to)]),
  stddev_over_time: (window) => Math.sqrt(variance(window)),
  stdvar_over_time: (window) => variance(window),
  changes: (window) => pairs(window, (value, last) => value !== last && !(Number.isNaN(value) && Number.isNaN(last))),
  resets: (window) => pairs(window, (value, last) => value < last),
  deriv: (window) => (window.count < 2 ? undefined : regression(window, window.times[window.from] as number).slope),
  predict_linear: (window, inSeconds) => {
    if (window.count < 2) return undefined;
    const { slope, intercept } = regression(window, window.atMs);
    return slope * inSeconds + intercept;
  },
  double_exponential_smoothing: (window, smoothing, trend) => smoothed(window, smoothing, trend),
};

const seconds = (window: Window, index: number): number => (window.times[index] as number) / 1000;

/**
 * The difference between the last sample and the first, stretched to the whole range: to its ends where samples reach close
 * to them, else by half of the usual distance. A counter that falls was reset; it can't have been below nothing.
 */
const extrapolated = (window: Window, isCounter: boolean, perSecond: boolean): number | undefined => {
  const { times, values, from, to, startMs, endMs } = window;
  if (to - from < 2) return undefined;
  const firstValue = values[from] as number;
  let difference = (values[to - 1] as number) - firstValue;
  if (isCounter) {
    for (let i = from + 1; i < to; i += 1) {
      if ((values[i] as number) < (values[i - 1] as number)) difference += values[i - 1] as number;
    }
  }
  const firstTime = times[from] as number;
  const lastTime = times[to - 1] as number;
  const sampled = (lastTime - firstTime) / 1000;
  const usual = sampled / (to - from - 1);
  const threshold = usual * 1.1;
  let toStart = (firstTime - startMs) / 1000;
  let toEnd = (endMs - lastTime) / 1000;
  if (toStart >= threshold) toStart = usual / 2;
  if (isCounter && difference > 0 && firstValue >= 0) toStart = Math.min(toStart, sampled * (firstValue / difference));
  if (toEnd >= threshold) toEnd = usual / 2;
  const factor = (sampled + toStart + toEnd) / sampled;
  return difference * (perSecond ? factor / ((endMs - startMs) / 1000) : factor);
};

const lastDifference = ({ times, values, from, to }: Window, isRate: boolean): number | undefined => {
  if (to - from < 2) return undefined;
  const elapsed = (times[to - 1] as number) - (times[to - 2] as number);
  const [last, before] = [values[to - 1] as number, values[to - 2] as number];
  const difference = isRate && last < before ? last : last - before;
  return isRate ? difference / (elapsed / 1000) : difference;
};

/** @returns index of the best value; NaN only if there is nothing else */
const extreme = ({ values, from, to }: Window, better: (value: number, best: number) => boolean): number => {
  let best = from;
  for (let i = from; i < to; i += 1) {
    if (better(values[i] as number, values[best] as number) || Number.isNaN(values[best])) best = i;
  }
  return best;
};

const pairs = ({ values, from, to }: Window, counts: (value: number, last: number) => boolean): number => {
  let found = 0;
  for (let i = from + 1; i < to; i += 1) if (counts(values[i] as number, values[i - 1] as number)) found += 1;
  return found;
};

const medianDeviation = (values: number[]): number => {
  if (values.some(Number.isNaN)) return Number.NaN;
  const median = quantileOf(0.5, values);
  return quantileOf(
    0.5,
    values.map((value) => Math.abs(value - median)),
  );
};

/** Welford's, with both running sums compensated. */
const variance = ({ values, from, to }: Window): number => {
  const average = new KahanSum();
  const squares = new KahanSum();
  for (let i = from; i < to; i += 1) {
    const value = values[i] as number;
    const delta = value - (average.sum + average.carry);
    average.add(delta / (i - from + 1));
    squares.add(delta * (value - (average.sum + average.carry)));
  }
  return (squares.sum + squares.carry) / (to - from);
};

/** Least squares. `intercept` is the value at `atMs`. */
const regression = (window: Window, atMs: number): { readonly slope: number; readonly intercept: number } => {
  const { times, values, from, to } = window;
  const first = values[from] as number;
  const [x, y, xy, xx] = [new KahanSum(), new KahanSum(), new KahanSum(), new KahanSum()];
  let constant = true;
  for (let i = from; i < to; i += 1) {
    const value = values[i] as number;
    // NaN differs from itself, but a first sample is not compared.
    if (i > from && value !== first) constant = false;
    const at = ((times[i] as number) - atMs) / 1000;
    x.add(at);
    y.add(value);
    xy.add(at * value);
    xx.add(at * at);
  }
  if (constant) {
    return Math.abs(first) === Infinity ? { slope: Number.NaN, intercept: Number.NaN } : { slope: 0, intercept: first };
  }
  const n = to - from;
  const [sumX, sumY] = [x.sum + x.carry, y.sum + y.carry];
  const covariance = xy.sum + xy.carry - (sumX * sumY) / n;
  const spread = xx.sum + xx.carry - (sumX * sumX) / n;
  const slope = covariance / spread;
  return { slope, intercept: sumY / n - (slope * sumX) / n };
};

/** Holt's linear method. */
const smoothed = ({ values, from, to }: Window, smoothing: number, trend: number): number | undefined => {
  const fixed = (value: number) => value.toFixed(6);
  if (smoothing <= 0 || smoothing >= 1) {
    throw new QueryError(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${fixed(smoothing)}`);
  }
  if (trend <= 0 || trend >= 1)
    throw new QueryError(`invalid trend factor. Expected: 0 < tf < 1, got: ${fixed(trend)}`);
  if (to - from < 2) return undefined;
  let before = 0;
  let level = values[from] as number;
  let slope = (values[from + 1] as number) - level;
  for (let i = from + 1; i < to; i += 1) {
    if (i > from + 1) slope = trend * (level - before) + (1 - trend) * slope;
    const next = smoothing * (values[i] as number) + (1 - smoothing) * (level + slope);
    before = level;
    level = next;
  }
  return level;
};
