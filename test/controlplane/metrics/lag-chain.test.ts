import { describe, expect, it } from "vitest";
import { HorizontalPodAutoscaler } from "../../../src/controlplane/hpa/horizontal-pod-autoscaler.ts";
import { PlainMetricsApi } from "../../../src/controlplane/metrics/metrics-api.ts";
import type { Rng } from "../../../src/sim/rng.ts";
import { after, micros, NEVER, type SimTime } from "../../../src/sim/time.ts";
import { metricNames } from "../../../src/twin/metric-names.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { gaugePage, monitoringOf } from "../../twin/monitored.ts";
import { at, podView, scaleView, spec, waiting } from "../hpa/fixtures.ts";

const WAITING = "vllm:num_requests_waiting";

/** @returns seconds from a change in the engine to the sync that sees it, for random phases of change, scrape and sync */
const lagOf = (rng: Rng, scrapeSeconds: number, syncSeconds: number): number => {
  const pod = `engine-${rng.below(1e9)}`;
  const changed = (at(60) + rng.below(60e6)) as SimTime;
  const monitoring = monitoringOf([WAITING], { scrapeSeconds });
  const hpa = new HorizontalPodAutoscaler(spec({ metrics: [waiting(10)], maxReplicas: 2 }), {
    syncPeriodMicros: syncSeconds * 1e6,
  });
  const scale = scaleView(1, { pods: [podView(pod)] });
  let now = at(0);
  let scrape = monitoring.join(pod, { labels: { pod }, page: () => gaugePage(WAITING, now >= changed ? 100 : 0) }, now);
  let sync = micros(rng.below(syncSeconds * 1e6)) as number as SimTime;
  for (;;) {
    if (scrape <= sync) {
      now = scrape;
      scrape = monitoring.scrape(pod, now) ?? NEVER;
      continue;
    }
    const decision = hpa.sync(sync, scale, new PlainMetricsApi(monitoring, metricNames, sync, [pod]));
    if (decision.rescale) return (sync - changed) / 1e6;
    sync = after(sync, micros(hpa.periodMicros));
  }
};

describe("lag from the engine through Prometheus to the HPA", () => {
  it.each([
    { scrape: 30, sync: 15 },
    { scrape: 15, sync: 15 },
    { scrape: 60, sync: 15 },
    { scrape: 5, sync: 30 },
  ])("is half of $scrape s and half of $sync s in the mean, at most their sum", ({ scrape, sync }) => {
    const lags: number[] = [];
    forAllSeeds(1000, (rng) => lags.push(lagOf(rng, scrape, sync)));
    const mean = lags.reduce((sum, lag) => sum + lag, 0) / lags.length;
    // Four standard errors of two uniform waits.
    const error = 4 * Math.sqrt((scrape ** 2 + sync ** 2) / 12 / lags.length);
    expect(Math.abs(mean - (scrape + sync) / 2)).toBeLessThan(error);
    expect(Math.max(...lags)).toBeLessThanOrEqual(scrape + sync);
    expect(Math.max(...lags)).toBeGreaterThan(0.8 * (scrape + sync));
    expect(Math.min(...lags)).toBeGreaterThanOrEqual(0);
  });
});
