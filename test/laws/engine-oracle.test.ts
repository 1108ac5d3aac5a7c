import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import type { Request } from "../../src/model/request.ts";
import { instant } from "../../src/sim/time.ts";
import { anyConfig, between } from "../engine/any.ts";
import type { CreateEngine } from "../engine/drive.ts";
import { chosenFamilies, shortages } from "../engine/families.ts";
import { compare } from "../engine/replay.ts";
import { forAllSeeds, seedsOf } from "../for-all-seeds.ts";
import { StepEngine } from "../oracle/step-engine.ts";

/** `npm run fuzz` looks longer. */
const SEEDS = seedsOf(20);
const oracle: CreateEngine = (...args) => new StepEngine(...args);
const both = [createEngine, oracle] as const;

const cases = chosenFamilies(() => true).flatMap((family) => family.modes.map((mode) => ({ ...family, mode })));

describe.each(cases)("the engine does what the oracle does: $name in $mode mode", ({ name, mode, of }) => {
  it.each(Object.entries(shortages))("where %s runs short", (_, anyShort) => {
    // Features meet where there is most to go wrong.
    const seeds = name === "everything" ? 2 * SEEDS : SEEDS;
    forAllSeeds(seeds, (rng) => void compare(both, of(rng, anyShort(rng, mode)), rng));
  });
});

describe.each(["vllm", "blis"] as const)("the engine does what the oracle does in %s mode", (mode) => {
  it("in long runs, at a fraction of the wakes", () => {
    let [macro, steps] = [0, 0];
    forAllSeeds(SEEDS / 2, (rng) => {
      const config = {
        ...anyConfig(rng, mode),
        maxModelLen: 4000,
        maxNumSeqs: between(rng, 4, 40),
        maxNumBatchedTokens: 4000,
        numGpuBlocks: 4001 + rng.below(4000),
      };
      let at = 0;
      const requests = Array.from({ length: between(rng, 1, 40) }, (_, id): Request => {
        at += rng.below(60_000);
        return { id, arrival: instant(at), promptTokens: between(rng, 1, 900), outputTokens: between(rng, 1, 600) };
      });
      const [one, other] = compare(both, { config, requests, hangsUp: false }, rng);
      macro += one;
      steps += other;
    });
    expect(macro * 3).toBeLessThan(steps);
  });
});
