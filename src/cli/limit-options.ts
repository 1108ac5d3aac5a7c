import { type Command, InvalidArgumentError, Option } from "commander";
import { durationOf, durationTextOf } from "../model/duration.ts";
import { DEFAULT_LIMITS, type Limits } from "../schema/limits.ts";
import { micros, toSeconds } from "../sim/time.ts";

export interface LimitOptions {
  readonly maxHorizon: number;
  readonly maxRate: number;
  readonly maxRequests: number;
  readonly maxTraceBytes: number;
}

/** The bounds that are enforced before work starts, as flags. */
export const withLimitOptions = (command: Command): Command =>
  command
    .addOption(
      durationOption("--max-horizon <duration>", "longest horizon of a preview", DEFAULT_LIMITS.maxHorizonSeconds),
    )
    .option("--max-rate <per-second>", "highest request rate", positive, DEFAULT_LIMITS.maxRatePerSecond)
    .option("--max-requests <count>", "most requests of one run", positive, DEFAULT_LIMITS.maxRequests)
    .option("--max-trace-bytes <bytes>", "largest trace, inflated", positive, DEFAULT_LIMITS.maxTraceBytes);

export const limitsOf = (options: LimitOptions): Limits => ({
  ...DEFAULT_LIMITS,
  maxHorizonSeconds: options.maxHorizon,
  maxRatePerSecond: options.maxRate,
  maxRequests: options.maxRequests,
  maxTraceBytes: options.maxTraceBytes,
});

export const durationSeconds = (text: string): number => {
  try {
    return toSeconds(durationOf(text));
  } catch {
    throw new InvalidArgumentError("write a duration such as 90m, 6h or 31d");
  }
};

/** An option that takes a length of time, and is shown with one: without unit nobody knows what its default is. */
export const durationOption = (flags: string, description: string, seconds: number, parse = durationSeconds): Option =>
  new Option(flags, description).argParser(parse).default(seconds, durationTextOf(micros(seconds * 1e6)));

export const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("write a number above 0");
  return value;
};

export const positiveWhole = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) throw new InvalidArgumentError("write a whole number above 0");
  return value;
};
