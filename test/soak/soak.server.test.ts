import { expect, it } from "vitest";
import { soak } from "./soak.ts";

const SIMULATIONS = 24;

/** A small fleet and a minute of it; `npm run soak` is the whole. Nothing here depends on how fast the machine is. */
it("loses no update under churn, dying API servers, cut watches, clock jumps and kills", {
  timeout: 900_000,
}, async () => {
  const result = await soak({
    simulations: SIMULATIONS,
    shadows: 5,
    objects: 100,
    namespaces: 4,
    changesPerSecond: 20,
    churnSeconds: 60,
    apiServerRestarts: 2,
    etcdPauseSeconds: 5,
    kills: 5,
    clockJumps: 2,
    seed: 1,
    say: (line) => console.error(line),
  });
  expect(result.unsettled).toEqual([]);
  expect(result.regressions).toEqual([]);
  expect(result.changes).toBeGreaterThan(100);
  expect(result.watchesCut).toBeGreaterThan(0);
  expect(result.recoveries).toHaveLength(5);
  expect(result.peakMebibytes).toBeLessThan(1024);
  // Nothing is simulated twice. A change that the API server made but did not live to answer for was not counted as one.
  const unasked = SIMULATIONS * (1 + result.leadershipsLost);
  expect(result.previews.ran).toBeLessThanOrEqual(result.previews.wanted + unasked);
});
