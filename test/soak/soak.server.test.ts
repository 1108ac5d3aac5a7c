import { expect, it } from "vitest";
import { soak } from "./soak.ts";

/** A small fleet and a minute of it; `npm run soak` is the whole. */
it("loses no update under churn, dying API servers, cut watches, clock jumps and kills", {
  timeout: 600_000,
}, async () => {
  const result = await soak({
    simulations: 40,
    shadows: 8,
    objects: 160,
    namespaces: 4,
    changesPerSecond: 20,
    churnSeconds: 60,
    apiServerRestarts: 2,
    etcdPauseSeconds: 5,
    kills: 5,
    clockJumps: 2,
    seed: 1,
    say: () => undefined,
  });
  expect(result.unsettled).toEqual([]);
  expect(result.regressions).toEqual([]);
  expect(result.changes).toBeGreaterThan(500);
  expect(result.watchesCut).toBeGreaterThan(0);
  expect(result.recoveries).toHaveLength(5);
  expect(result.peakMebibytes).toBeLessThan(1024);
  // A change may come while the last is being simulated, but nothing is simulated twice.
  expect(result.previews.ran).toBeLessThanOrEqual(result.previews.wanted + 40);
});
