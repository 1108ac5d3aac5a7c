/** Of each round the best third goes on, with three times the replications. Source: Jamieson and Talwalkar 2016; factor as in Li et al. 2018 (Hyperband). */
export const FACTOR = 3;

/** Replications by the end of each round: 1, 3, 9, …, and the last `most`. */
export const roundsOf = (most: number): readonly number[] => {
  const rounds: number[] = [];
  for (let count = 1; count < most; count *= FACTOR) rounds.push(count);
  return [...rounds, most];
};

/** How many of a round's candidates go on. */
export const survivors = (count: number): number => Math.ceil(count / FACTOR);
