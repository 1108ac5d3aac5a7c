import { studentQuantile } from "../sim/student.ts";
import { inverse, type Matrix } from "./least-squares.ts";

/** Counts per bucket of some histograms, by their names; all of one name have the same buckets. */
export type Tally = Readonly<Record<string, readonly number[]>>;

/** One value that is fitted: its logarithm, from `middle` on, of which `step` is about as much as it is uncertain by. */
export interface Fittable {
  readonly name: string;
  readonly middle: number;
  readonly step: number;
}

export interface CalibratedValue {
  readonly name: string;
  /** Logarithms. */
  readonly before: number;
  readonly after: number;
  readonly deviation: number;
  /** Of 90 %. */
  readonly interval: readonly [number, number];
}

export interface Calibrated {
  readonly values: readonly CalibratedValue[];
  /** Values of which these histograms say nothing: they stay. */
  readonly untold: readonly string[];
  /** Of half the logarithm of the likelihood ratio against what the buckets hold, before and after: 0 is a perfect fit. */
  readonly misfit: { readonly before: number; readonly after: number };
}

/** Rounds of moving the design to where the fit went. */
const ROUNDS = 5;
/** A bucket of the simulation is never quite empty: half an observation more. */
const HALF = 0.5;
const NEWTON_STEPS = 40;
/** Share of a step that the likelihood must know a value to. */
const TOLD = 1;

/**
 * Fits a few values by the likelihood of production's buckets. The simulation's shares of each bucket are taken as
 * quadratic in the values (their logarithms) over a design of three levels each, which moves to where the fit is.
 *
 * What is in a histogram is not independent (tokens of one step, requests of one queue): each histogram's weight is its
 * dispersion over blocks of time, and the error comes from how the blocks pull (sandwich: Huber, 1967; White, 1982), made
 * larger by what chance does to the simulation itself.
 *
 * @param blocks production's buckets, of stretches of time one after the other; six at least
 * @param simulate the same histograms of the simulation at some values, with the same random numbers each time
 */
export const calibrate = (
  blocks: readonly Tally[],
  fittables: readonly Fittable[],
  simulate: (values: readonly number[]) => Tally,
): Calibrated => {
  const names = Object.keys(blocks[0] ?? {});
  const whole = summed(blocks, names);
  const weights = Object.fromEntries(names.map((name) => [name, 1 / dispersion(blocks, whole, name)]));
  let centre = fittables.map(({ middle }) => middle);
  const start = simulate(centre);
  const felt = fittables.filter((fittable, i) => isFelt(fittable, i, centre, start, simulate));
  const at = (values: readonly number[]): readonly number[] =>
    fittables.map(({ name, middle }) => values[felt.findIndex((one) => one.name === name)] ?? middle);
  centre = felt.map(({ middle }) => middle);
  let surface = surfaceAt(centre, felt, names, (values) => simulate(at(values)));
  let best = climb(surface, whole, weights, felt.length);
  for (let round = 1; round < ROUNDS && best.some((value) => Math.abs(value) > 1); round += 1) {
    // Whole steps, so that what was simulated once serves again.
    centre = centre.map((value, i) => value + Math.round(clamp(best[i] as number, 2)) * (felt[i] as Fittable).step);
    surface = surfaceAt(centre, felt, names, (values) => simulate(at(values)));
    best = climb(surface, whole, weights, felt.length);
  }
  const covariance = sandwich(surface, best, blocks, whole, weights);
  const wide = studentQuantile(0.95, blocks.length - 1);
  const values: CalibratedValue[] = [];
  const untold = fittables.filter((one) => !felt.includes(one)).map(({ name }) => name);
  felt.forEach(({ name, middle, step }, i) => {
    const deviation = Math.sqrt(covariance[i]?.[i] as number);
    if (!(deviation < TOLD)) {
      untold.push(name);
      return;
    }
    const after = (centre[i] as number) + (best[i] as number) * step;
    const half = wide * deviation * step;
    values.push({ name, before: middle, after, deviation: deviation * step, interval: [after - half, after + half] });
  });
  const misfit = {
    before: misfitOf(whole, sharesOf(start, names), weights),
    after: misfitOf(whole, surface.at(best), weights),
  };
  return { values, untold, misfit };
};

type Shares = Readonly<Record<string, readonly number[]>>;

const summed = (all: readonly Tally[], names: readonly string[]): Tally =>
  Object.fromEntries(
    names.map((name) => [
      name,
      (all[0]?.[name] ?? []).map((_, i) => all.reduce((sum, one) => sum + (one[name]?.[i] ?? 0), 0)),
    ]),
  );

const sharesOf = (tally: Tally, names: readonly string[]): Shares =>
  Object.fromEntries(
    names.map((name) => {
      const counts = (tally[name] ?? []).map((count) => count + HALF);
      const all = total(counts);
      return [name, counts.map((count) => count / all)];
    }),
  );

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
const clamp = (value: number, most: number): number => Math.max(-most, Math.min(most, value));

/** Pearson's chi-square of blocks against their sum, per degree of freedom: how many observations count as one. */
const dispersion = (blocks: readonly Tally[], whole: Tally, name: string): number => {
  const all = whole[name] ?? [];
  const sum = total(all);
  const used = all.filter((count) => count > 0).length;
  if (sum === 0 || used < 2) return 1;
  let chiSquare = 0;
  for (const block of blocks) {
    const own = total(block[name] ?? []);
    all.forEach((count, i) => {
      const expected = (own * count) / sum;
      if (expected > 0) chiSquare += ((block[name]?.[i] ?? 0) - expected) ** 2 / expected;
    });
  }
  return Math.max(1, chiSquare / ((blocks.length - 1) * (used - 1)));
};

const isFelt = (
  { step }: Fittable,
  index: number,
  centre: readonly number[],
  start: Tally,
  simulate: (values: readonly number[]) => Tally,
): boolean => {
  const moved = simulate(centre.map((value, i) => (i === index ? value + step : value)));
  return Object.entries(start).some(([name, counts]) => counts.some((count, i) => count !== moved[name]?.[i]));
};

/** Shares as functions of the values, in steps from the centre. */
interface Surface {
  at(steps: readonly number[]): Shares;
  /** Derivatives of their logarithms by each value. */
  slopes(steps: readonly number[]): readonly Shares[];
  /** Observations that it is made of, by histogram. */
  readonly counted: Readonly<Record<string, number>>;
}

const surfaceAt = (
  centre: readonly number[],
  felt: readonly Fittable[],
  names: readonly string[],
  simulate: (values: readonly number[]) => Tally,
): Surface => {
  const design = designOf(felt.length);
  const tallies = design.map((steps) =>
    simulate(centre.map((value, i) => value + (steps[i] as number) * (felt[i] as Fittable).step)),
  );
  const shares = tallies.map((tally) => sharesOf(tally, names));
  const rows = design.map(termsOf);
  const normal = inverse(product(rows));
  /** Coefficients of the logarithm of each share, by least squares. */
  const fitted = Object.fromEntries(
    names.map((name) => [
      name,
      (shares[0]?.[name] ?? []).map((_, bucket) => {
        const logs = shares.map((one) => Math.log(one[name]?.[bucket] as number));
        const right = (normal[0] ?? []).map((__, k) =>
          rows.reduce((sum, row, i) => sum + (row[k] as number) * (logs[i] as number), 0),
        );
        return normal.map((line) => line.reduce((sum, value, k) => sum + value * (right[k] as number), 0));
      }),
    ]),
  );
  const at = (steps: readonly number[]): Shares => {
    const terms = termsOf(steps);
    return Object.fromEntries(
      names.map((name) => {
        const raw = (fitted[name] ?? []).map((coefficients) => Math.exp(dot(coefficients, terms)));
        const all = total(raw);
        return [name, raw.map((value) => value / all)];
      }),
    );
  };
  const middle = tallies[Math.floor(tallies.length / 2)] as Tally;
  return {
    at,
    slopes: (steps) =>
      steps.map((_, k) => {
        const [up, down] = [1, -1].map((sign) => at(steps.map((value, i) => (i === k ? value + sign * 0.01 : value))));
        return Object.fromEntries(
          names.map((name) => [
            name,
            (up?.[name] ?? []).map((value, i) => (Math.log(value) - Math.log(down?.[name]?.[i] as number)) / 0.02),
          ]),
        );
      }),
    counted: Object.fromEntries(names.map((name) => [name, total(middle[name] ?? [])])),
  };
};

/** Three levels of each value. */
const designOf = (count: number): readonly (readonly number[])[] => {
  let design: number[][] = [[]];
  for (let i = 0; i < count; i += 1) design = design.flatMap((row) => [-1, 0, 1].map((level) => [...row, level]));
  return design;
};

/** Of a quadratic: 1, each value, each product of two. */
const termsOf = (steps: readonly number[]): readonly number[] => [
  1,
  ...steps,
  ...steps.flatMap((value, i) => steps.slice(i).map((other) => value * other)),
];

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

const product = (rows: readonly (readonly number[])[]): Matrix =>
  (rows[0] ?? []).map((_, i) =>
    (rows[0] ?? []).map((__, j) => rows.reduce((sum, row) => sum + (row[i] as number) * (row[j] as number), 0)),
  );

/** Sum over buckets of weighted counts times something of each. */
const over = (
  tally: Tally,
  weights: Readonly<Record<string, number>>,
  read: (name: string, bucket: number) => number,
): number => {
  let sum = 0;
  for (const [name, counts] of Object.entries(tally)) {
    for (const [bucket, count] of counts.entries())
      if (count > 0) sum += (weights[name] as number) * count * read(name, bucket);
  }
  return sum;
};

/** Fisher scoring on the surface, each step no longer than half of the design's. */
const climb = (
  surface: Surface,
  whole: Tally,
  weights: Readonly<Record<string, number>>,
  count: number,
): readonly number[] => {
  let steps: readonly number[] = new Array(count).fill(0);
  if (count === 0) return steps;
  for (let i = 0; i < NEWTON_STEPS; i += 1) {
    const slopes = surface.slopes(steps);
    const score = slopes.map((slope) => over(whole, weights, (name, bucket) => slope[name]?.[bucket] as number));
    const move = inverse(information(surface, steps, slopes, whole, weights)).map((row) => dot(row, score));
    const next = steps.map((value, k) => clamp(value + clamp(move[k] as number, 0.5), 2));
    const moved = Math.max(...next.map((value, k) => Math.abs(value - (steps[k] as number))));
    steps = next;
    if (moved < 1e-4) break;
  }
  return steps;
};

/** A little is added, so that what is hardly told has an inverse, and a deviation that says so. */
const LITTLE = 1e-3;

const information = (
  surface: Surface,
  steps: readonly number[],
  slopes: readonly Shares[],
  whole: Tally,
  weights: Readonly<Record<string, number>>,
): Matrix => {
  const shares = surface.at(steps);
  const expected = Object.fromEntries(
    Object.entries(shares).map(([name, own]) => [name, own.map((share) => share * total(whole[name] ?? []))]),
  );
  return slopes.map((a, i) =>
    slopes.map(
      (b, j) =>
        over(expected, weights, (name, bucket) => (a[name]?.[bucket] as number) * (b[name]?.[bucket] as number)) +
        (i === j ? LITTLE : 0),
    ),
  );
};

const sandwich = (
  surface: Surface,
  steps: readonly number[],
  blocks: readonly Tally[],
  whole: Tally,
  weights: Readonly<Record<string, number>>,
): Matrix => {
  if (steps.length === 0) return [];
  const slopes = surface.slopes(steps);
  const bread = inverse(information(surface, steps, slopes, whole, weights));
  // A block's pull on each value, by histogram: with its share of chance in the simulation, which has its own counts.
  const pulls = blocks.map((block) =>
    slopes.map((slope) => {
      let sum = 0;
      for (const [name, counts] of Object.entries(block)) {
        const chance = Math.sqrt(1 + total(whole[name] ?? []) / Math.max(1, surface.counted[name] as number));
        sum += chance * over({ [name]: counts }, weights, (_, bucket) => slope[name]?.[bucket] as number);
      }
      return sum;
    }),
  );
  const count = blocks.length;
  const mean = slopes.map((_, k) => pulls.reduce((sum, pull) => sum + (pull[k] as number), 0) / count);
  const meat = slopes.map((_, i) =>
    slopes.map(
      (__, j) =>
        (count / (count - 1)) *
        pulls.reduce(
          (sum, pull) =>
            sum + ((pull[i] as number) - (mean[i] as number)) * ((pull[j] as number) - (mean[j] as number)),
          0,
        ),
    ),
  );
  return bread.map((row) =>
    bread.map((other) =>
      dot(
        row,
        meat.map((line) => dot(line, other)),
      ),
    ),
  );
};

const misfitOf = (whole: Tally, shares: Shares, weights: Readonly<Record<string, number>>): number =>
  over(whole, weights, (name, bucket) => {
    const [counts, own] = [whole[name] ?? [], shares[name] ?? []];
    return Math.log((counts[bucket] as number) / total(counts) / (own[bucket] as number));
  });
