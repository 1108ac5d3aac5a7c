import type { SweepParameter } from "../../schema/sweep.ts";

/** A combination: per parameter the place of its value among those to try. */
export type Point = readonly number[];

/** Values of each parameter, in order. */
export const axesOf = (parameters: readonly SweepParameter[]): readonly (readonly unknown[])[] =>
  parameters.map(({ values, range }) => {
    if (range === undefined) return values ?? [];
    const { min, max, step } = range;
    const count = Math.floor((max - min) / step + 1e-9) + 1;
    // Twelve digits: 0.1 + 2 * 0.1 is 0.3 to everybody who says a range.
    return Array.from({ length: count }, (_, i) => Number((min + i * step).toPrecision(12)));
  });

/** How many combinations there are. */
export const sizeOf = (lengths: readonly number[]): number => lengths.reduce((product, length) => product * length, 1);

/** All combinations; the last parameter changes fastest. */
export const gridOf = (lengths: readonly number[]): readonly Point[] =>
  lengths.reduce<readonly Point[]>(
    (points, length) => points.flatMap((point) => Array.from({ length }, (_, i) => [...point, i])),
    [[]],
  );

export const keyOf = (point: Point): string => point.join(",");
