/**
 * Two costs as they compare within one run: what V8 compiles and the machine does beside falls upon both alike.
 * @returns the least of each, taken in turn so many times
 */
export const leastInTurn = (times: number, one: () => number, other: () => number): readonly [number, number] => {
  const took = Array.from({ length: times }, () => [one(), other()] as const);
  return [Math.min(...took.map(([of]) => of)), Math.min(...took.map(([, of]) => of))];
};
