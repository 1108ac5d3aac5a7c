import type { Labels } from "./labels.ts";
import type { RangeNode, VectorNode } from "./node.ts";
import type { RangeFunction } from "./range-functions.ts";
import { InstantVector } from "./vector.ts";
import { Window } from "./window.ts";

/**
 * Ranges that begin and end with a value at their very ends: `anchored` takes the last sample before the range as the value
 * at its start, `smoothed` draws lines between the samples around both ends. Windows hold samples around the range as well.
 * Source: extendedRate, extendFloats and smoothSeries, Prometheus 3.14.
 */
export type Extension = "anchored" | "smoothed";

/** @returns what a function makes of such a range; undefined: it has no meaning there */
export const extendedFunction = (name: string, extension: Extension): RangeFunction | undefined => {
  const smoothed = extension === "smoothed";
  switch (name) {
    case "rate":
      return (window) => difference(window, smoothed, true, true);
    case "increase":
      return (window) => difference(window, smoothed, true, false);
    case "delta":
      return (window) => difference(window, smoothed, false, false);
    case "changes":
      if (smoothed) return undefined;
      return (window) => pairs(window, (value, last) => value !== last && !(Number.isNaN(value) && Number.isNaN(last)));
    case "resets":
      return smoothed ? undefined : (window) => pairs(window, (value, last) => value < last);
    default:
      return undefined;
  }
};

/** The functions that may be asked of such a range, as a server lists them. */
export const EXTENDED_FUNCTIONS: Readonly<Record<Extension, string>> = {
  anchored: "changes, delta, increase, rate, resets",
  smoothed: "delta, increase, rate",
};

/** Indices of the first and last sample that the range begins and ends with. */
interface Ends {
  readonly first: number;
  readonly last: number;
}

const endsOf = ({ times, from, to, startMs, endMs }: Window, smoothed: boolean): Ends => {
  let last = to - 1;
  let first = from;
  while (first < last && (times[first] as number) <= startMs) first += 1;
  first = Math.max(from, first - 1);
  if (smoothed) {
    const newest = last;
    last = from;
    while (last < newest && (times[last] as number) < endMs) last += 1;
  }
  return { first, last };
};

const leftValue = ({ times, values, startMs }: Window, first: number, smoothed: boolean, isCounter: boolean): number =>
  smoothed && (times[first] as number) < startMs
    ? between(times, values, first, startMs, isCounter)
    : (values[first] as number);

const rightValue = (window: Window, last: number, smoothed: boolean, isCounter: boolean): number => {
  const { times, values, from, endMs } = window;
  const beyond = smoothed && last > from && (times[last] as number) > endMs;
  return beyond ? between(times, values, last - 1, endMs, isCounter) : (values[last] as number);
};

/** On the line from one sample to the next; a counter that falls was reset to nothing. */
const between = (times: Float64Array, values: Float64Array, at: number, timeMs: number, isCounter: boolean): number => {
  const [before, after] = [times[at] as number, times[at + 1] as number];
  const right = values[at + 1] as number;
  const left = isCounter && right < (values[at] as number) ? 0 : (values[at] as number);
  return left + ((right - left) * (timeMs - before)) / (after - before);
};

const difference = (window: Window, smoothed: boolean, isCounter: boolean, perSecond: boolean): number | undefined => {
  const { times, values, startMs, endMs } = window;
  let { first, last } = endsOf(window, smoothed);
  if ((times[last] as number) <= startMs || (smoothed && (times[first] as number) > endMs)) return undefined;
  const left = leftValue(window, first, smoothed, isCounter);
  const right = rightValue(window, last, smoothed, isCounter);
  let result = right - left;
  if (isCounter) {
    if ((times[first] as number) <= startMs) first += 1;
    if ((times[last] as number) >= endMs) last -= 1;
    let before = left;
    for (let i = first; i <= last; i += 1) {
      if ((values[i] as number) < before) result += before;
      before = values[i] as number;
    }
    if (right < before) result += before;
  }
  return perSecond ? result / ((endMs - startMs) / 1000) : result;
};

/** From the last sample before the range on. */
const pairs = (window: Window, counts: (value: number, last: number) => boolean): number | undefined => {
  const { times, values, from, to, startMs } = window;
  if ((times[to - 1] as number) <= startMs) return undefined;
  let first = from;
  while (first + 1 < to && (times[first + 1] as number) <= startMs) first += 1;
  let found = 0;
  for (let i = first + 1; i < to; i += 1) if (counts(values[i] as number, values[i - 1] as number)) found += 1;
  return found;
};

/** The samples within the range, with one at each of its ends. */
export const extendedPoints = (
  window: Window,
  extension: Extension,
): readonly { readonly atMs: number; readonly value: number }[] => {
  const { times, values, startMs, endMs } = window;
  const smoothed = extension === "smoothed";
  let { first, last } = endsOf(window, smoothed);
  if ((times[last] as number) <= startMs) return [];
  const left = leftValue(window, first, smoothed, false);
  const right = rightValue(window, last, smoothed, false);
  if ((times[first] as number) <= startMs) first += 1;
  if ((times[last] as number) >= endMs) last -= 1;
  const points = [{ atMs: startMs, value: left }];
  for (let i = first; i <= last; i += 1) points.push({ atMs: times[i] as number, value: values[i] as number });
  points.push({ atMs: endMs, value: right });
  return points;
};

/** A smoothed selector: the value on the line between the samples around the instant. */
export class SmoothedNode implements VectorNode {
  readonly kind = "vector";
  /** Ranges from the look-back before the instant to the look-back after it. */
  readonly #around: RangeNode;
  readonly #lookBackMs: number;
  readonly #window = new Window();
  readonly #out = new InstantVector();

  constructor(around: RangeNode, lookBackMs: number) {
    this.#around = around;
    this.#lookBackMs = lookBackMs;
  }

  vector(atMs: number): InstantVector {
    this.#out.clear();
    const count = this.#around.open(atMs);
    for (let i = 0; i < count; i += 1) {
      if (!this.#around.window(i, this.#window)) continue;
      const value = this.#value(this.#window);
      if (value !== undefined) this.#out.push(this.#around.labels(i) as Labels, value, 0);
    }
    return this.#out;
  }

  #value({ times, values, from, to, endMs }: Window): number | undefined {
    const at = endMs - this.#lookBackMs;
    let next = from;
    while (next < to && (times[next] as number) < at) next += 1;
    if (next < to && times[next] === at) return values[next];
    if (next === from) return undefined;
    return next < to ? between(times, values, next - 1, at, false) : (values[next - 1] as number);
  }
}
