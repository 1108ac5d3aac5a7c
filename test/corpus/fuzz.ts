import fc from "fast-check";
import { bases, caseTexts, manifests, texts } from "./fuzz-input.ts";

/**
 * Mutated manifests for as long as you like: `RUNS=100000 npm run fuzz:input`. What is found comes with its seed and is made small;
 * `SEED=…` draws the same again.
 */
const numRuns = Number(process.env.RUNS ?? 5000);
const seed = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) };
for (const [name, property] of [
  ["objects", manifests(bases())],
  ["texts", texts(caseTexts())],
] as const) {
  const began = performance.now();
  const found = await fc.check(property as fc.IAsyncProperty<unknown[]>, { numRuns, ...seed });
  console.log(`${name}: ${found.numRuns} runs in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  if (found.failed) {
    console.log(fc.defaultReportMessage(found));
    process.exitCode = 1;
  }
}
