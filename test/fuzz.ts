import { createEngine } from "../src/engine/create-engine.ts";
import { rngOf } from "../src/sim/rng.ts";
import type { CreateEngine } from "./engine/drive.ts";
import { chosenFamilies, shortages } from "./engine/families.ts";
import { compare } from "./engine/replay.ts";
import { StepEngine } from "./oracle/step-engine.ts";

/**
 * Compares the production engine with the oracle for as long as you like: `SEEDS=100000 FAMILY=lora,ranks npm run fuzz`.
 * FROM=4711 SEEDS=1 looks at one seed again; the laws' own run has the same workloads for the same seeds.
 */
const [from, count] = [Number(process.env.FROM ?? 1), Number(process.env.SEEDS ?? 20_000)];
const oracle: CreateEngine = (...args) => new StepEngine(...args);

/** @returns what broke, with its seed, or undefined */
const firstDifference = (say: (seed: number) => void, run: (seed: number) => void): string | undefined => {
  for (let seed = from; seed < from + count; seed += 1) {
    if (seed % 50 === 0) say(seed);
    try {
      run(seed);
    } catch (error) {
      return `broken by seed ${seed}: ${(error as Error).message}`;
    }
  }
  return undefined;
};

for (const { name, modes, of } of chosenFamilies(() => true)) {
  for (const mode of modes) {
    for (const [short, anyShort] of Object.entries(shortages)) {
      const what = `${name} in ${mode} mode, ${short} short`;
      const began = performance.now();
      const broken = firstDifference(
        (seed) => process.stderr.write(`\r${what}: seed ${seed} `),
        (seed) => {
          const rng = rngOf(seed).stream("law");
          compare([createEngine, oracle], of(rng, anyShort(rng, mode)), rng);
        },
      );
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      process.stderr.write("\r");
      console.log(`${what}: ${broken ?? `${count} seeds agree`} (${seconds} s)`);
      if (broken !== undefined) process.exitCode = 1;
    }
  }
}
