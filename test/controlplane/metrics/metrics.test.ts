import { describe, expect, it } from "vitest";
import {
  metricProblem,
  metricProblems,
  neededSeries,
  ScrapedMetricsApi,
} from "../../../src/controlplane/metrics/metrics-api.ts";
import { nextScrape, scrapePhase } from "../../../src/controlplane/metrics/scrape-schedule.ts";
import { ScrapedSeries } from "../../../src/controlplane/metrics/scraped-series.ts";
import { seconds } from "../../../src/sim/time.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { at, spec, waiting } from "../hpa/fixtures.ts";

const WAITING = "vllm:num_requests_waiting";
const lookBack = seconds(300);

describe("ScrapedSeries", () => {
  const scraped = () => {
    const series = new ScrapedSeries(lookBack);
    series.store(WAITING, "pod-0", at(100), 7);
    return series;
  };

  it.each([
    { name: "not before it was scraped", now: 99, value: undefined },
    { name: "from the scrape on", now: 100, value: 7 },
    { name: "just inside the look-back", now: 399.999_999, value: 7 },
    { name: "not at its left border", now: 400, value: undefined },
  ])("finds a sample $name", ({ now, value }) =>
    expect(scraped().newest(WAITING, "pod-0", at(now))?.value).toBe(value),
  );

  it("finds the newest sample", () => {
    const series = scraped();
    series.store(WAITING, "pod-0", at(115), 9);
    expect(series.newest(WAITING, "pod-0", at(120))).toEqual({ at: at(115), value: 9 });
  });

  it("ends the series of a vanished target at its staleness marker", () => {
    const series = scraped();
    series.vanish("pod-0", at(130));
    expect(series.newest(WAITING, "pod-0", at(129))?.value).toBe(7);
    expect(series.newest(WAITING, "pod-0", at(130))).toBeUndefined();
  });

  it("matches by labels, and without labels only the empty selector", () => {
    const series = scraped();
    series.label("pod-0", { model_name: "chat", namespace: "serving" });
    series.store(WAITING, "pod-1", at(100), 1);
    const found = (labels: Record<string, string>) => [...series.matching(WAITING, labels, at(101)).keys()];
    expect(found({})).toEqual(["pod-0", "pod-1"]);
    expect(found({ model_name: "chat" })).toEqual(["pod-0"]);
    expect(found({ model_name: "code" })).toEqual([]);
  });

  it("forgets targets long gone: memory doesn't grow with the pods that ever were", () => {
    const series = new ScrapedSeries(lookBack);
    for (let pod = 0; pod < 1000; pod += 1) {
      series.store(WAITING, `pod-${pod}`, at(pod * 60), 1);
      series.vanish(`pod-${pod}`, at(pod * 60 + 30));
    }
    expect(series.size).toBeLessThan(10);
  });
});

describe("nextScrape", () => {
  const interval = seconds(15);

  it("is the first instant after now on the target's own grid", () =>
    forAllSeeds(200, (rng, seed) => {
      const now = at(rng.below(100_000));
      const next = nextScrape(`pod-${seed}`, now, interval);
      expect(next).toBeGreaterThan(now);
      expect(next - now).toBeLessThanOrEqual(interval);
      expect((next - scrapePhase(`pod-${seed}`, interval)) % interval).toBe(0);
      expect(nextScrape(`pod-${seed}`, next, interval) - next).toBe(interval);
    }));

  it("spreads targets over the interval", () => {
    const quarters = [0, 0, 0, 0];
    for (let pod = 0; pod < 4000; pod += 1) {
      const quarter = Math.floor((4 * scrapePhase(`engine-7d9c5b-${pod}`, interval)) / interval);
      quarters[quarter] = (quarters[quarter] ?? 0) + 1;
    }
    for (const count of quarters) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

describe("ScrapedMetricsApi", () => {
  const api = (now: number, pods = ["pod-0", "pod-1", "pod-2"]) => {
    const series = new ScrapedSeries(lookBack);
    series.label("pod-0", { model_name: "chat" });
    series.store(WAITING, "pod-0", at(100), 2.5);
    series.store(WAITING, "pod-1", at(100), 0.000_9);
    series.store(WAITING, "gone", at(100), 40);
    series.store("vllm:kv_cache_usage_perc", "pod-0", at(100), Number.NaN);
    return new ScrapedMetricsApi(series, at(now), pods);
  };
  const valuesOf = (values: ReadonlyMap<string, { readonly valueMilli: bigint }> | undefined) =>
    values && Object.fromEntries([...values].map(([pod, { valueMilli }]) => [pod, valueMilli]));

  it("answers a Pods metric for the pods that exist and were scraped, in thousandths cut off", () =>
    expect(valuesOf(api(110).pods("vllm_num_requests_waiting", {}))).toEqual({ "pod-0": 2500n, "pod-1": 0n }));
  it("answers an External metric with every series, of pods gone too until they are stale", () =>
    expect(
      api(110)
        .external(WAITING, {})
        ?.map(({ valueMilli }) => valueMilli),
    ).toEqual([2500n, 0n, 40_000n]));
  it("answers an Object metric with the sum over the pods", () =>
    expect(api(110).object("num_requests_waiting", "engine", {})?.valueMilli).toBe(2500n));
  it("narrows by a selector", () =>
    expect(
      api(110)
        .external(WAITING, { model_name: "chat" })
        ?.map(({ valueMilli }) => valueMilli),
    ).toEqual([2500n]));
  it("makes 0 of NaN, as the adapter does", () =>
    expect(valuesOf(api(110).pods("gpu_cache_usage_perc", {}))).toEqual({ "pod-0": 0n }));
  it.each(["pods", "external"] as const)("has no data for %s of an unknown name, nor of old samples", (kind) => {
    expect(api(110)[kind]("igw_queue_depth", {})).toBeUndefined();
    expect(api(400)[kind](WAITING, {})).toBeUndefined();
  });
  it("has no data for an object without pods", () => {
    expect(api(110, []).object(WAITING, "engine", {})).toBeUndefined();
    expect(api(110).object("igw_queue_depth", "engine", {})).toBeUndefined();
  });
});

describe("metric names", () => {
  it.each([
    "vllm:num_requests_waiting",
    "vllm_num_requests_waiting",
    "num_requests_waiting",
    "vllm:num_requests_running",
    "kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
  ])("knows %s", (name) => expect(metricProblem(name)).toBeUndefined());

  it("warns of a name that nothing stands behind, and names what there is", () =>
    expect(metricProblem("DCGM_FI_DEV_GPU_UTIL")).toMatchObject({
      severity: "warning",
      reason: "UnknownMetric",
      message: expect.stringContaining("DCGM_FI_DEV_GPU_UTIL"),
      fix: expect.stringContaining("vllm:kv_cache_usage_perc"),
    }));

  it("warns of resource metrics too, at their place in the object", () => {
    const cpu = { type: "Resource", resource: "cpu", target: { type: "Utilization", percent: 80 } } as const;
    expect(metricProblems(spec({ metrics: [waiting(1), cpu] }))).toMatchObject([{ field: "spec.metrics[1]" }]);
  });

  it("needs each series once", () => {
    const external = { type: "External", metric: "num_requests_waiting", selector: {} } as const;
    const metrics = [waiting(1), { ...external, target: { type: "Value", milli: 1 } } as const];
    expect(neededSeries(spec({ metrics }))).toEqual([WAITING]);
    expect(neededSeries(spec({ metrics: [] }))).toEqual([]);
  });
});
