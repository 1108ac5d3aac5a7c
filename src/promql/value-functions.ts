import { type CalendarDate, dateOf } from "../model/calendar.ts";
import { maxOf, minOf } from "./go-numbers.ts";

/** What a function makes of one value; `a` and `b` are its scalar arguments. Names go. */
export type ValueFunction = (value: number, a: number, b: number) => number;

const date =
  (part: keyof CalendarDate): ValueFunction =>
  (value) =>
    Number.isFinite(value) ? dateOf(value)[part] : Number.NaN;

/** Source: promql/functions.go, Prometheus 3.14. */
export const VALUE_FUNCTIONS: Readonly<Record<string, ValueFunction>> = {
  abs: Math.abs,
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  ceil: Math.ceil,
  cos: Math.cos,
  cosh: Math.cosh,
  deg: (value) => (value * 180) / Math.PI,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  rad: (value) => (value * Math.PI) / 180,
  sgn: (value) => (value < 0 ? -1 : value > 0 ? 1 : value),
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  tan: Math.tan,
  tanh: Math.tanh,
  clamp: (value, least, most) => maxOf(least, minOf(most, value)),
  clamp_max: (value, most) => maxOf(Number.NEGATIVE_INFINITY, minOf(most, value)),
  clamp_min: (value, least) => maxOf(least, minOf(Number.POSITIVE_INFINITY, value)),
  // The inverse has fewer accidents of rounding; halves go up.
  round: (value, nearest) => Math.floor(value * (1 / nearest) + 0.5) / (1 / nearest),
};

/** Of times in seconds since 1970; without an argument, of the time of evaluation. */
export const DATE_FUNCTIONS: Readonly<Record<string, ValueFunction>> = {
  days_in_month: date("daysInMonth"),
  day_of_month: date("day"),
  day_of_week: date("weekday"),
  day_of_year: date("dayOfYear"),
  hour: date("hour"),
  minute: date("minute"),
  month: date("month"),
  year: date("year"),
};

/** Of native histograms only; there are none here, so nothing comes of any vector. */
export const NATIVE_FUNCTIONS: ReadonlySet<string> = new Set([
  "histogram_avg",
  "histogram_count",
  "histogram_sum",
  "histogram_stddev",
  "histogram_stdvar",
]);
