import type { Rng } from "./rng.ts";

// 1 minus a draw of 53 bits is exact: its logarithm needs no log1p, which takes longer.

/** @returns an exponential draw with the given mean (inverse transform) */
export const exponential = (rng: Rng, mean: number): number => -mean * Math.log(1 - rng.next());

/** @returns a standard normal draw (Box-Muller; always two uniforms, so that a stream's course doesn't depend on values) */
export const standardNormal = (rng: Rng): number => {
  const radius = Math.sqrt(-2 * Math.log(1 - rng.next()));
  return radius * Math.cos(2 * Math.PI * rng.next());
};

export const normal = (rng: Rng, mean: number, deviation: number): number => mean + deviation * standardNormal(rng);

/** @returns a log-normal draw, given mean and deviation of the logarithm */
export const logNormal = (rng: Rng, mu: number, sigma: number): number => Math.exp(normal(rng, mu, sigma));

/** @returns a gamma draw (Marsaglia and Tsang, 2000; below shape 1 by the power-of-uniform boost) */
export const gamma = (rng: Rng, shape: number, scale: number): number => {
  if (shape < 1) return gamma(rng, shape + 1, scale) * (1 - rng.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = standardNormal(rng);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    const u = 1 - rng.next();
    if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v * scale;
  }
};
