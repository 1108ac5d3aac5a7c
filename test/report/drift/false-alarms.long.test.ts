import { describe, expect, it } from "vitest";
import { driftBetween, driftScenario, readingsOf } from "../../bench/drift.ts";

/** A smaller version of `npm run bench:drift`, whose figures are in docs/drift.md. */
const MINUTES = 30;
const RATE = 2;

describe("drift", () => {
  it("is not found between runs of one world, and is found within half an hour where engines are 15 % slower", () => {
    const runs = [1, 2, 3, 4, 5, 6].map((seed) => readingsOf(driftScenario(1, RATE), seed, MINUTES));
    const said = runs.slice(1).map((run, i) => driftBetween(runs[i] as typeof run, run));
    expect(said).toEqual(new Array(5).fill(undefined));
    const slow = [11, 12].map((seed) => readingsOf(driftScenario(1.15, RATE), seed, MINUTES));
    const causes = slow.map((run, i) => driftBetween(runs[i] as typeof run, run)?.drift.cause);
    expect(causes).toEqual(["EngineDiffers", "EngineDiffers"]);
  });
});
