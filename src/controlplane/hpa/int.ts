/** Integers of the width that the controller gives them. Go's overflow is not imitated: results stop at the bounds. */
export const MAX_INT32 = 2_147_483_647;
const MIN_INT32 = -2_147_483_648;
const MAX_INT64 = 9_223_372_036_854_775_807n;

/** @returns `value` cut to whole and to 32 bits; NaN gives 0 */
export const int32 = (value: number): number => {
  if (Number.isNaN(value)) return 0;
  return Math.min(MAX_INT32, Math.max(MIN_INT32, Math.trunc(value)));
};

/** @returns `value` stopped at 64 bits */
export const int64 = (value: bigint): bigint => {
  if (value > MAX_INT64) return MAX_INT64;
  return value < -MAX_INT64 - 1n ? -MAX_INT64 - 1n : value;
};

/** @returns the whole number >= `value / divisor`, for a divisor > 0 */
export const ceilDivide = (value: bigint, divisor: bigint): bigint => {
  const quotient = value / divisor;
  return value % divisor > 0n ? quotient + 1n : quotient;
};
