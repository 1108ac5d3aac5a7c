import * as z from "zod";
import { type Micros, micros } from "../sim/time.ts";

const UNIT_MICROS = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6 } as const;
const PART = /(\d+(?:\.\d+)?)(us|ms|s|m|h|d)/g;
/** RE2-safe: it goes into the CRD. */
export const DURATION_PATTERN = "^([0-9]+([.][0-9]+)?(us|ms|s|m|h|d))+$";

/** Longest that `durationText` takes: 100 years. Whole microseconds hold 285. */
const LONGEST_SECONDS = 36_525 * 86_400;

/** A length of time as Kubernetes people write it (`90s`, `1h30m`, `800ms`, `2d`), however long: for fields with a bound of their own. */
export const anyDurationText = z
  .string()
  .max(32)
  .regex(new RegExp(DURATION_PATTERN), { error: "must be a duration such as 90s, 1h30m, 800ms or 2d" });

/** The same, of at most 100 years. */
export const durationText = anyDurationText.refine(
  (text) => !new RegExp(DURATION_PATTERN).test(text) || durationSeconds(text) <= LONGEST_SECONDS,
  { error: "must be at most 36525d (100 years)" },
);

/** @returns seconds, of any length; exact only where whole microseconds are. `text` is a duration. */
export const durationSeconds = (text: string): number => microsIn(text) / 1e6;

/** @throws RangeError if `text` is no duration or exceeds what whole microseconds can hold. */
export const durationOf = (text: string): Micros => {
  if (!new RegExp(DURATION_PATTERN).test(text)) throw new RangeError(`not a duration: ${text}`);
  return micros(Math.round(microsIn(text)));
};

const microsIn = (text: string): number => {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART)) {
    total += Number(amount) * UNIT_MICROS[unit as keyof typeof UNIT_MICROS];
  }
  return total;
};

/** The shortest way to write a length, in at most two units: 5400 s is `1h30m`. */
export const durationTextOf = (length: Micros): string => {
  if (length === 0) return "0s";
  const parts: string[] = [];
  let rest: number = length;
  for (const unit of ["d", "h", "m", "s", "ms", "us"] as const) {
    const amount = Math.floor(rest / UNIT_MICROS[unit]);
    if (amount > 0) parts.push(`${amount}${unit}`);
    rest -= amount * UNIT_MICROS[unit];
  }
  return parts.slice(0, 2).join("");
};
