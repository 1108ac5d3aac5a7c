import { expect, it } from "vitest";
import { runPreview } from "../../src/worker/preview.ts";
import type { Progress } from "../../src/worker/protocol.ts";
import { chat, scenario } from "../twin/scenario-fixture.ts";

const maxTraceBytes = 1e6;

it("a run tells its KPIs so far at instants that its scenario says, and comes to the same as if nobody had looked", async () => {
  const said = scenario({
    horizonMicros: 70e6,
    warmUpMicros: 10e6,
    traffic: { kind: "synthetic", synthetic: chat(4) },
  });
  const told: Progress[] = [];
  const result = await runPreview(
    { scenario: said, maxTraceBytes, looks: 6 },
    { tell: (progress) => void told.push(progress) },
  );
  const looks = told.filter(({ kpis }) => kpis !== undefined);
  expect(looks.map(({ simulatedSeconds }) => simulatedSeconds)).toEqual([20, 30, 40, 50, 60]);
  const arrived = looks.map(({ kpis }) => kpis?.requests.arrived ?? 0);
  expect(arrived.every((count, i) => count > (arrived[i - 1] ?? 0))).toBe(true);
  expect(await runPreview({ scenario: said, maxTraceBytes })).toEqual(result);
  // What was told at an instant is what a run that ends there comes to.
  const short = await runPreview({ scenario: { ...said, horizonMicros: 40e6 }, maxTraceBytes });
  expect(short).toMatchObject({ report: { kpis: { requests: { arrived: arrived[2] } } } });
});
