/** Largest distance between the distribution functions of two samples (Kolmogorov, Smirnov). */
export const distance = (a: readonly number[], b: readonly number[]): number => {
  const [x, y] = [[...a].sort((p, q) => p - q), [...b].sort((p, q) => p - q)];
  let [i, j, most] = [0, 0, 0];
  while (i < x.length && j < y.length) {
    const at = Math.min(x[i] as number, y[j] as number);
    while (i < x.length && (x[i] as number) <= at) i += 1;
    while (j < y.length && (y[j] as number) <= at) j += 1;
    most = Math.max(most, Math.abs(i / x.length - j / y.length));
  }
  return most;
};
