import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { metricsPage } from "../../src/exporter/metrics-page.ts";
import { OperatorMetrics } from "../../src/exporter/operator-metrics.ts";
import { driftBetween, driftScenario, readingsOf } from "../bench/drift.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { DASHBOARDS } from "./index.ts";
import { filled, panelsOf, queriesOf } from "./lint.ts";
import { LivePrograms, simulation } from "./live.ts";

/**
 * Every query of every panel, asked of a real Prometheus that scrapes a live twin, a second program that plays
 * production, and the operator's own page of drift, which takes longer to find than a test may last.
 */
const VALUES = { namespace: ".+", simulation: ".+", scenario: ".+", __rate_interval: "20s", __interval: "20s" };

describe("dashboards on a live twin", () => {
  const programs = new LivePrograms();
  let drift: Server;
  let prometheus: Prometheus;

  beforeAll(async () => {
    drift = await serveDrift("serving/qwen3-14b");
    prometheus = await startPrometheus({
      scrape: [
        await programs.start("servetwin", [simulation("qwen3-14b", { run: { seed: 1 } })]),
        await programs.start("production", [
          simulation("qwen3-14b", { export: { naming: "Production" }, run: { seed: 2 } }),
        ]),
        { job: "drift", target: addressOf(drift), intervalSeconds: 2, honorLabels: true },
      ],
    });
  });

  afterAll(async () => {
    await prometheus?.stop();
    await programs.stop();
    drift?.close();
  });

  const panels = Object.entries(DASHBOARDS).flatMap(([name, dashboard]) =>
    panelsOf(dashboard).map((panel) => ({ name, title: panel.title ?? "", dashboard })),
  );

  it.each(panels)("$name: $title has data", async ({ title, dashboard }) => {
    for (const { where, expr } of queriesOf(dashboard)) {
      if (where !== title) continue;
      // The HPA's first sync comes after 15 s.
      await vi.waitFor(
        async () => {
          const samples = await prometheus.query(filled(expr, VALUES));
          expect([expr, samples.some(({ value }) => Number.isFinite(value))]).toEqual([expr, true]);
        },
        { timeout: 60_000, interval: 1000 },
      );
    }
  });

  it("asks for annotations in PromQL that Prometheus takes", async () => {
    const titles = new Set(panels.map(({ title }) => title));
    const rest = Object.values(DASHBOARDS).flatMap((one) => queriesOf(one).filter(({ where }) => !titles.has(where)));
    expect(rest).not.toEqual([]);
    for (const { expr } of rest) await prometheus.query(filled(expr, VALUES));
  });
});

/** What the operator exports of a Shadow whose production has slower engines, once it has found that out. */
const serveDrift = async (simulation: string): Promise<Server> => {
  const [ours, theirs] = [1, 1.3].map((stepFactor, i) => readingsOf(driftScenario(stepFactor, 2), i + 1, 12));
  const found = driftBetween(ours ?? [], theirs ?? []);
  const state = {
    leading: true,
    workers: { active: 0, most: 1 },
    queue: { waiting: { edit: 0, resync: 0 }, unfinishedSeconds: 0, longestSeconds: 0 },
    pendingSamples: 0,
    simulations: [{ simulation, mode: "Shadow", phase: "Running", ...(found && { drift: found.drift }) }],
  };
  const metrics = new OperatorMetrics(() => state, { version: "test" }, false);
  const server = createServer((request, response) => {
    void metrics.families().then(async (families) => {
      const page = metricsPage([], families, request.headers.accept);
      response.setHeader("content-type", page.contentType);
      for await (const chunk of page.chunks) response.write(chunk);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
};

const addressOf = (server: Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
