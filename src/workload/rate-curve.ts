import type { RateShape } from "./shape.ts";

/** Nodes and weights of five-point Gauss-Legendre quadrature on [-1, 1] (Abramowitz and Stegun, 25.4.30). */
const NEAR = Math.sqrt(5 - 2 * Math.sqrt(10 / 7)) / 3;
const FAR = Math.sqrt(5 + 2 * Math.sqrt(10 / 7)) / 3;
const NEAR_WEIGHT = (322 + 13 * Math.sqrt(70)) / 900;
const FAR_WEIGHT = (322 - 13 * Math.sqrt(70)) / 900;
const MIDDLE_WEIGHT = 128 / 225;
/** The node of the two-point rule, whose weights are 1. */
const OF_TWO = Math.sqrt(1 / 3);
/** Share of a shape's `smoothFor` over which that rule is as good: it is off by 1/4320 of the length in radians to the fourth power. */
const SHORT = 1 / 100;

/**
 * A root is taken when it moves by less than this, in microseconds: what Newton's method is then off by is the square of it times half
 * of how much of the rate changes per microsecond. Or after so many rounds (far out, where doubles lie wider).
 */
const CLOSE = 1;
const ROUNDS_MAX = 64;

/**
 * The product of shapes over time, and its area: how time is stretched for arrivals whose rate changes. A renewal
 * process of rate 1 on the area becomes one whose rate follows the curve (time rescaling; Cinlar, 1975); unlike
 * thinning it keeps the gaps' distribution, relative to the rate of the hour, for processes other than Poisson.
 *
 * Areas are exact but for rounding where at most nine ramps overlap (the rule is exact up to degree 9), and good to
 * 1 part in 10^14 under a diurnal course: far below a microsecond. Instants and areas are in microseconds, real numbers.
 */
export class RateCurve {
  readonly #shapes: readonly RateShape[];
  readonly #breaks: readonly number[];
  readonly #grain: number;
  /** On the rate, from `at` on. */
  readonly factor: RateShape["factor"];

  constructor(shapes: readonly RateShape[]) {
    this.#shapes = shapes;
    this.#breaks = [...new Set(shapes.flatMap((shape) => shape.breaks))].filter((at) => at > 0).sort((a, b) => a - b);
    // Most curves have one shape, and are asked a dozen times per arrival.
    const [only] = shapes;
    this.factor = shapes.length === 1 && only !== undefined ? (at) => only.factor(at) : productOf(shapes);
    this.#grain = Math.min(Number.POSITIVE_INFINITY, ...shapes.map((shape) => shape.smoothFor));
  }

  /** @returns the area below the curve over [from, to], in microseconds of factor 1 */
  area(from: number, to: number): number {
    let sum = 0;
    for (let start = from; start < to; ) {
      const end = Math.min(to, this.#pieceEnd(start));
      sum += this.#quadrature(start, end);
      start = end;
    }
    return sum;
  }

  /** @returns the instant at which the area from `from` on has grown to `area`; undefined if it never does */
  reach(from: number, area: number): number | undefined {
    if (this.#shapes.length === 0) return from + area;
    return this.#nearby(from, area) ?? this.#reachOver(from, area);
  }

  /** Most arrivals come soon: so little of one shape is as good as straight. undefined: not soon enough. */
  #nearby(start: number, area: number): number | undefined {
    if (this.#shapes.length !== 1) return undefined;
    const at = start + area / this.factor(start);
    const end = this.#pieceEnd(start);
    if (!(at - start < SHORT * this.#grain && at < end)) return undefined;
    const next = at - (this.#shortQuadrature(start, at) - area) / this.factor(at);
    return Math.abs(next - at) < CLOSE && next < end ? next : undefined;
  }

  #reachOver(from: number, area: number): number | undefined {
    let left = area;
    for (let start = from; start < Number.MAX_SAFE_INTEGER; ) {
      const end = this.#pieceEnd(start);
      if (end === Number.POSITIVE_INFINITY) return this.#alongTheRest(start, left);
      const whole = this.#quadrature(start, end);
      if (whole > left) return this.#solve(start, end, left, whole);
      left -= whole;
      start = whole === 0 ? this.#pauseEnd(start, end) : end;
    }
    return undefined;
  }

  /**
   * @returns a bound that the factor never exceeds; it is reached unless a ramp and a diurnal course, or two ramps,
   * change within one stretch between breaks
   */
  get peak(): number {
    const starts = [0, ...this.#breaks];
    return Math.max(...starts.map((from, i) => this.peakOver(from, starts[i + 1] ?? Number.POSITIVE_INFINITY)));
  }

  /** Where it jumps or bends, in order. */
  get breaks(): readonly number[] {
    return this.#breaks;
  }

  /** @returns a bound that the factor never exceeds in [from, to) */
  peakOver(from: number, to: number): number {
    return this.#shapes.reduce((product, shape) => product * shape.peak(from, to), 1);
  }

  /** End of the smooth piece that begins at `start`. */
  #pieceEnd(start: number): number {
    return Math.min(this.#bendAfter(start), (Math.floor(start / this.#grain) + 1) * this.#grain);
  }

  /** Where a rate of 0 may end: a pause of years is not gone through hour by hour. */
  #pauseEnd(start: number, end: number): number {
    const bend = this.#bendAfter(start);
    return this.peakOver(start, bend) === 0 ? bend : end;
  }

  #bendAfter(start: number): number {
    let low = 0;
    let high = this.#breaks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#breaks[middle] as number) > start) high = middle;
      else low = middle + 1;
    }
    return this.#breaks[low] ?? Number.POSITIVE_INFINITY;
  }

  /** After the last break without a periodic shape the factor stays as it is. */
  #alongTheRest(start: number, area: number): number | undefined {
    const factor = this.factor(start);
    return factor === 0 ? undefined : start + area / factor;
  }

  #quadrature(from: number, to: number): number {
    const half = (to - from) / 2;
    const middle = from + half;
    const near = this.factor(middle - NEAR * half) + this.factor(middle + NEAR * half);
    const far = this.factor(middle - FAR * half) + this.factor(middle + FAR * half);
    return half * (MIDDLE_WEIGHT * this.factor(middle) + NEAR_WEIGHT * near + FAR_WEIGHT * far);
  }

  #shortQuadrature(from: number, to: number): number {
    const half = (to - from) / 2;
    const middle = from + half;
    return half * (this.factor(middle - OF_TWO * half) + this.factor(middle + OF_TWO * half));
  }

  /** Newton's method from where the rate at `start` would have it, kept in its bracket by bisection. */
  #solve(start: number, end: number, area: number, whole: number): number {
    let low = start;
    let high = end;
    const flat = start + area / this.factor(start);
    let at = flat < end ? flat : start + ((end - start) * area) / whole;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const over = this.#quadrature(start, at) - area;
      if (over > 0) high = at;
      else low = at;
      const newton = at - over / this.factor(at);
      const next = newton >= low && newton <= high ? newton : (low + high) / 2;
      if (Math.abs(next - at) < CLOSE) return next;
      at = next;
    }
    return at;
  }
}

const productOf =
  (shapes: readonly RateShape[]): RateShape["factor"] =>
  (at) => {
    let product = 1;
    for (const shape of shapes) product *= shape.factor(at);
    return product;
  };
