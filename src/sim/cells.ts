/**
 * Cells: doubles whose sign, exponent and first bits of the mantissa are the same, so that tables by cell tell at once about where
 * a number lies. They are numbered in the order of the numbers in them; those of negative numbers are negative.
 */
const DOUBLE = new Float64Array(1);
/** Its lower and its upper half. */
const WORDS = new Int32Array(DOUBLE.buffer);

/** Bits of the mantissa in the upper half of a double; with so many below, each power of two has one cell, with one less two. */
export const MANTISSA_BITS_ABOVE = 20;

/** @param bitsBelow bits of the upper half of a double that lie below a cell */
export const cellOf = (value: number, bitsBelow: number): number => {
  DOUBLE[0] = value;
  return (WORDS[1] as number) >> bitsBelow;
};

/** @returns the least number in a cell of positive ones */
export const leastIn = (cell: number, bitsBelow: number): number => {
  WORDS[0] = 0;
  WORDS[1] = cell << bitsBelow;
  return DOUBLE[0] as number;
};
