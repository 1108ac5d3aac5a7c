import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { metricsPage } from "../../src/exporter/metrics-page.ts";
import { OperatorMetrics } from "../../src/exporter/operator-metrics.ts";
import type { SimulatedSeries } from "../../src/exporter/simulated.ts";
import { Histogram } from "../../src/model/metric-family.ts";
import { histogramQuantile } from "../../src/report/histogram-quantile.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import { readAssets } from "../../src/server/assets.ts";
import { type RunningServer, startServer } from "../../src/server/server.ts";
import { binaries } from "../env/build.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { engineState, replica, view } from "../report/views.ts";

/** What a real Prometheus makes of the page, in the format that it asks for and in the other. */
const OPEN = "openmetrics";
const TEXT = "text";

const plain = engineState({ running: 3, counters: { preemptions: 7 } });
const TTFT = new Histogram([0.001, 0.01, 0.1, 1, 2.5]);
for (let i = 1; i <= 1000; i += 1) TTFT.observe(i / 400);
const state = { ...plain, histograms: { ...plain.histograms, timeToFirstToken: TTFT } };
/** Help and labels with all that has to be escaped. */
const hostile = { modelName: 'a"b\\c\nd', pod: "chat-1" };
const series = (simulation: string, naming: SimulatedSeries["naming"] = "Prefixed"): SimulatedSeries => ({
  naming,
  simulation,
  scenario: "baseline",
  labels: { team: "é" },
  families: familiesOf(view(0, [replica(state), replica(state, hostile)]), 1_700_000_000),
});

describe("a real Prometheus", () => {
  const servers: RunningServer[] = [];
  let prometheus: Prometheus;

  const serve = async (force: string | undefined): Promise<string> => {
    const own = new OperatorMetrics(
      () => ({
        leading: true,
        workers: { active: 0, most: 1 },
        queue: { waiting: { edit: 1, resync: 0 }, unfinishedSeconds: 0, longestSeconds: 0 },
        pendingSamples: 0,
        simulations: [],
      }),
      { version: "0" },
    );
    const nothing = () => [];
    const server = await startServer(
      {
        version: "0",
        assets: readAssets(new URL("../../dist/browser/", import.meta.url)),
        place: "test",
        problems: nothing,
        notReady: () => undefined,
        metrics: async (accept) =>
          metricsPage(
            [series("inference/a"), series("inference/b"), series("inference/c", "Production")],
            await own.families(),
            force ?? accept,
          ),
        simulations: nothing,
        simulation: () => undefined,
        sweep: () => undefined,
        failed: (error) => {
          throw error;
        },
      },
      { host: "127.0.0.1", port: 0 },
    );
    servers.push(server);
    return server.url.replace("http://", "");
  };

  beforeAll(async () => {
    prometheus = await startPrometheus({
      scrape: [
        { job: OPEN, target: await serve(undefined), intervalSeconds: 1, honorLabels: true },
        { job: TEXT, target: await serve("text/plain"), intervalSeconds: 1, honorLabels: true },
      ],
    });
    await vi.waitFor(async () => expect(await prometheus.query("sum(up)")).toMatchObject([{ value: 2 }]), 20_000);
  });

  afterAll(async () => {
    await prometheus?.stop();
    for (const server of servers) await server.close();
  });

  it("takes every sample of both formats", async () => {
    for (const { health, lastError } of await prometheus.targets()) expect([health, lastError]).toEqual(["up", ""]);
    const counted = await prometheus.query('count by (job) ({origin="simulated", __name__!~".*_created"})');
    expect(counted.map(({ value }) => value)).toEqual([counted[0]?.value, counted[0]?.value]);
    const page = await (await fetch(`http://${servers[1]?.url.replace("http://", "")}/metrics`)).text();
    expect(counted[0]?.value).toBe(page.split("\n").filter((line) => line.includes('origin="simulated"')).length);
  });

  it("reads counters, gauges and labels as they were meant", async () => {
    const preemptions = await prometheus.query(
      `sim:vllm:num_preemptions_total{job="${OPEN}",simulation="inference/a",pod="chat-1"}`,
    );
    expect(preemptions).toMatchObject([
      { value: 7, metric: { model_name: hostile.modelName, team: "é", namespace: "inference", origin: "simulated" } },
    ]);
    expect(await prometheus.query(`vllm:num_requests_running{simulation!="inference/c"}`)).toEqual([]);
    expect(await prometheus.query(`sum(vllm:num_requests_running{job="${TEXT}"})`)).toMatchObject([{ value: 6 }]);
    expect(
      await prometheus.query(
        `sim:vllm:time_to_first_token_seconds_bucket{job="${TEXT}",le="1.0",pod="chat-0",simulation="inference/a"}`,
      ),
    ).toMatchObject([{ value: 400 }]);
  });

  it.each([0.01, 0.5, 0.9, 0.99])("computes the same percentile %d of a histogram", async (q) => {
    const [sample] = await prometheus.query(
      `histogram_quantile(${q}, sum by (le) (sim:vllm:time_to_first_token_seconds_bucket{job="${OPEN}"}))`,
    );
    expect(sample?.value).toBeCloseTo(histogramQuantile(q, TTFT), 12);
  });

  it("has a linter that finds nothing but the colons that vLLM's names have too", async () => {
    const { promtool } = await binaries({ needed: ["promtool"] });
    const page = await (await fetch(`${servers[1]?.url}/metrics`)).text();
    const { stderr } = spawnSync(promtool, ["check", "metrics"], { input: page, encoding: "utf8" });
    // A histogram that vLLM names so.
    const theirs = /should not contain ':'|^(sim:)?vllm:iteration_tokens_total /;
    const found = stderr.split("\n").filter((line) => line !== "" && !theirs.test(line));
    expect(stderr).toContain("sim:vllm:num_requests_running");
    expect(found).toEqual([]);
  });

  it("sees the operator's own beside them", async () => {
    expect(await prometheus.query(`workqueue_depth{job="${OPEN}",priority="0"}`)).toMatchObject([{ value: 1 }]);
    expect(await prometheus.query(`controller_runtime_reconcile_total{job="${TEXT}",result="success"}`)).toMatchObject([
      { value: 0 },
    ]);
  });
});
