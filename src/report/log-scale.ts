import { cellOf, leastIn, MANTISSA_BITS_ABOVE } from "../sim/cells.ts";
import { invariant } from "../sim/invariant.ts";

/** Smaller values count as zero, larger ones as this: between them every value keeps its relative accuracy. */
export const LEAST = 1e-9;
export const MOST = 1e9;

/**
 * Buckets of a sketch: number i holds the values in (g^(i-1), g^i], as `exact` tells by a logarithm. Values are looked up
 * in cells instead, each narrower than a bucket: the number of the bucket in which it begins, and where that one ends.
 * Cells are measured when the first value falls in.
 */
export class LogScale {
  readonly #logGrowth: number;
  /** The cells' width (cells.ts). */
  readonly #bitsBelow: number;
  readonly #lowest: number;
  readonly #buckets: Int32Array;
  /** The greatest value of that bucket, as far as it lies in the cell; 0: it isn't measured yet. */
  readonly #ends: Float64Array;

  private constructor(logGrowth: number) {
    this.#logGrowth = logGrowth;
    // A cell is as wide as its least value at most, divided by the cells that a power of two has.
    const mantissaBits = Math.max(0, Math.ceil(-Math.log2(Math.expm1(logGrowth))));
    invariant(mantissaBits <= MANTISSA_BITS_ABOVE, "no bucket is narrower than any cell");
    this.#bitsBelow = MANTISSA_BITS_ABOVE - mantissaBits;
    this.#lowest = cellOf(LEAST, this.#bitsBelow);
    const cells = cellOf(MOST, this.#bitsBelow) - this.#lowest + 1;
    this.#buckets = new Int32Array(cells);
    this.#ends = new Float64Array(cells);
  }

  /** The same for all who grow alike. @param logGrowth natural logarithm of g, at least 2^-20 */
  static of(logGrowth: number): LogScale {
    let scale = scales.get(logGrowth);
    if (scale === undefined) {
      scale = new LogScale(logGrowth);
      scales.set(logGrowth, scale);
    }
    return scale;
  }

  /** @param value finite and >= 0 @returns its bucket; means nothing where the value counts as zero */
  bucketOf(value: number): number {
    const cell = cellOf(value, this.#bitsBelow) - this.#lowest;
    if (cell < 0 || cell >= this.#ends.length) return this.exact(value);
    if (this.#ends[cell] === 0) this.#measure(cell);
    const bucket = this.#buckets[cell] as number;
    return value <= (this.#ends[cell] as number) ? bucket : bucket + 1;
  }

  /** The same by definition. */
  exact(value: number): number {
    // A small integer, which as a double would be an object on its way from one function to another.
    return Math.ceil(Math.log(value < MOST ? value : MOST) / this.#logGrowth) | 0;
  }

  #measure(cell: number): void {
    let low = leastIn(this.#lowest + cell, this.#bitsBelow);
    let high = leastIn(this.#lowest + cell + 1, this.#bitsBelow);
    const bucket = this.exact(low);
    this.#buckets[cell] = bucket;
    // What is rounded on the way there and back is far less than this.
    const end = Math.exp(bucket * this.#logGrowth);
    const [before, after] = [end * (1 - 1e-12), end * (1 + 1e-12)];
    if (before > low && before < high && this.exact(before) === bucket) low = before;
    if (after > low && after < high && this.exact(after) !== bucket) high = after;
    if (before >= high) low = high;
    for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
      if (this.exact(middle) === bucket) low = middle;
      else high = middle;
    }
    this.#ends[cell] = low;
  }
}

const scales = new Map<number, LogScale>();
