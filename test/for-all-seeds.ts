import { type Rng, rngOf } from "../src/sim/rng.ts";

/** Runs a law over `count` streams of its own. @throws what the law throws, with the seed that broke it in the message */
export const forAllSeeds = (count: number, law: (rng: Rng, seed: number) => void): void => {
  for (let seed = 1; seed <= count; seed += 1) {
    try {
      law(rngOf(seed).stream("law"), seed);
    } catch (error) {
      throw new Error(`broken by seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
};

/** How many seeds a law tries: SEEDS says it for all, GOLDEN=all asks for four times as many as every day. */
export const seedsOf = (everyday: number): number =>
  Number(process.env.SEEDS ?? everyday * (process.env.GOLDEN === "all" ? 4 : 1));
