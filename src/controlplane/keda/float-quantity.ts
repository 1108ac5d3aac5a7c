import { int64 } from "../hpa/int.ts";
import { quantityMilli } from "../hpa/quantity.ts";

/**
 * A measured value in thousandths: rounded half to even, 0 for what is negative, infinite or no number.
 * Source: quantityFromFloat64, pkg/scalers/scaler.go, kedacore/keda v2.20 (`%.3f`).
 */
export const floatMilli = (value: number): bigint => {
  if (!Number.isFinite(value) || value < 0) return 0n;
  // Only odd sixteenths lie exactly between two thousandths.
  const sixteenths = value * 16;
  if (Number.isInteger(sixteenths) && sixteenths % 2 !== 0) {
    const below = BigInt(Math.floor(value * 1000));
    return below + (below % 2n);
  }
  const parsed = quantityMilli(value < 1e21 ? value.toFixed(3) : BigInt(value).toString());
  return parsed.ok ? parsed.value : 0n;
};

/** A computed value in thousandths as Go converts a float to int64: cut, and the lowest number for what doesn't fit. */
export const truncatedMilli = (value: number): bigint => {
  const milli = value * 1000;
  const lowest = -(2n ** 63n);
  if (!Number.isFinite(milli)) return lowest;
  const cut = BigInt(Math.trunc(milli));
  return cut === int64(cut) ? cut : lowest;
};
