import { bad, good, type Result } from "../../model/problem.ts";
import { int64 } from "./int.ts";

const FORM = /^([+-]?)([0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const NUMBER = /^(?:\d+\.?\d*|\.\d+)$/;
/** Powers of 10 and of 2 that the suffixes stand for. */
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
/** Exponents beyond say nothing more: the value is at a bound by then. */
const FARTHEST_EXPONENT = 400;

/**
 * Reads a Kubernetes quantity (`500m`, `1k`, `2Gi`, `1e3`, or a plain number) in thousandths, as Quantity.MilliValue gives
 * them: what is finer is rounded away from zero, what exceeds 64 bits stops there.
 *
 * @param said as it stands in the object; YAML may have made a number of it
 * Source: ParseQuantity in k8s.io/apimachinery v0.36, pkg/api/resource; its messages.
 */
export const quantityMilli = (said: string | number): Result<bigint> => {
  const text = String(said);
  const [, sign, digits, suffix] = FORM.exec(text) ?? [];
  if (digits === undefined || suffix === undefined) {
    return refused(text, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }
  if (!NUMBER.test(digits)) return refused(text, "unable to parse numeric part of quantity");
  const scale = scaleOf(suffix);
  if (scale === undefined) return refused(text, "unable to parse quantity's suffix");
  const [whole = "", fraction = ""] = digits.split(".");
  const unscaled = BigInt(whole + fraction) << BigInt(scale.two);
  const milli = shifted(unscaled, scale.ten - fraction.length + 3);
  return good(int64(sign === "-" ? -milli : milli));
};

const scaleOf = (suffix: string): { readonly two: number; readonly ten: number } | undefined => {
  const two = BINARY[suffix];
  if (two !== undefined) return { two, ten: 0 };
  const exponent = /^[eE]([-+]?\d+)$/.exec(suffix)?.[1];
  const ten = exponent === undefined ? DECIMAL[suffix] : Number(exponent);
  return ten === undefined ? undefined : { two: 0, ten };
};

/** @returns `value` times a power of ten, rounded up */
const shifted = (value: bigint, power: number): bigint => {
  const bounded = Math.max(-FARTHEST_EXPONENT, Math.min(FARTHEST_EXPONENT, power));
  if (bounded >= 0) return value * 10n ** BigInt(bounded);
  const divisor = 10n ** BigInt(-bounded);
  return (value + divisor - 1n) / divisor;
};

const refused = (text: string, why: string): Result<never> =>
  bad({
    severity: "error",
    reason: "InvalidQuantity",
    message: `${JSON.stringify(text)} is no quantity: ${why}`,
    fix: 'write a number with an optional suffix, such as "10", "500m", "1k" or "2Gi"',
  });
