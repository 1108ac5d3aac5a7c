import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Scenario } from "../../src/twin/scenario.ts";
import { runPreview } from "../../src/worker/preview.ts";
import type { RecordedSeriesSaid } from "../../src/worker/protocol.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { exportedAt, servedAt } from "../exporter/series-at.ts";
import { chat, scenario } from "../twin/scenario-fixture.ts";

/** Two hours that have long gone by: promtool makes blocks of even hours. */
const recorded: RecordedSeriesSaid = {
  startUnixSeconds: 1_700_000_000.5,
  everySeconds: 15,
  naming: "Prefixed",
  labels: { team: "é" },
};
const said: Scenario = scenario({ horizonMicros: 900e6, traffic: { kind: "synthetic", synthetic: chat(4) } });

describe("a file of series over time", () => {
  let folder: string;
  let prometheus: Prometheus | undefined;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "servetwin-series-"));
  });
  afterAll(async () => {
    await prometheus?.stop();
    rmSync(folder, { recursive: true });
  });

  it("is read by promtool, and a real Prometheus then serves what the exporter would have said at those instants", async () => {
    const metricsFile = join(folder, "twin.om");
    const result = await runPreview({ scenario: said, maxTraceBytes: 1e6, metricsFile, recorded });
    expect(result.kind).toBe("report");
    prometheus = await startPrometheus({ backfill: readFileSync(metricsFile, "utf8") });
    for (const seconds of [0, 15, 450, 900]) {
      const exported = await exportedAt(said, recorded, seconds);
      // The world is empty at first, but its Deployment is there.
      expect(exported.size).toBeGreaterThan(seconds === 0 ? 3 : 300);
      expect(await servedAt(prometheus, recorded.startUnixSeconds + seconds), `at ${seconds} s`).toEqual(exported);
    }
    const rate = 'sum(rate(sim:vllm:request_success_total{origin="simulated",team="é"}[5m]))';
    const [{ value } = { value: 0 }] = await prometheus.query(rate, recorded.startUnixSeconds + 900);
    expect(value).toBeGreaterThan(2.5);
    expect(value).toBeLessThan(5.5);
  });
});
