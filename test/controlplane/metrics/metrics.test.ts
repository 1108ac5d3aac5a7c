import { describe, expect, it } from "vitest";
import { PlainMetricsApi } from "../../../src/controlplane/metrics/metrics-api.ts";
import { nextScrape, scrapePhase } from "../../../src/controlplane/metrics/scrape-schedule.ts";
import { seconds } from "../../../src/sim/time.ts";
import { metricNames } from "../../../src/twin/metric-names.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { gaugePage, monitoringOf } from "../../twin/monitored.ts";
import { at, spec, waiting } from "../hpa/fixtures.ts";

const WAITING = "vllm:num_requests_waiting";
const USAGE = "vllm:kv_cache_usage_perc";

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

describe("PlainMetricsApi", () => {
  const api = (now: number, pods = ["pod-0", "pod-1", "pod-2"]) => {
    const monitoring = monitoringOf([WAITING, USAGE]);
    const scraped = (pod: string, page: ReturnType<typeof gaugePage>, labels: Record<string, string> = {}) => {
      monitoring.join(pod, { labels: { pod, ...labels }, page: () => page }, at(0));
      monitoring.scrape(pod, at(100));
    };
    scraped("pod-0", [...gaugePage(WAITING, 2.5), ...gaugePage(USAGE, Number.NaN)], { model_name: "chat" });
    scraped("pod-1", gaugePage(WAITING, 0.000_9));
    scraped("gone", gaugePage(WAITING, 40));
    return new PlainMetricsApi(monitoring, metricNames, at(now), pods);
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
  const problem = (metric: string) =>
    metricNames.problems(spec({ metrics: [{ ...waiting(1), metric } as ReturnType<typeof waiting>] }));

  it.each([
    "vllm:num_requests_waiting",
    "vllm_num_requests_waiting",
    "num_requests_waiting",
    "vllm:num_requests_running",
    "kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
    "llm_d_epp_flow_control_queue_size",
    "kube_deployment_status_replicas_ready",
  ])("knows %s", (name) => expect(problem(name)).toEqual([]));

  it("knows an old name as what it is called now", () =>
    expect(metricNames.seriesOf("gpu_cache_usage_perc")).toBe(USAGE));

  it("warns of a name that nothing stands behind, and names what there is", () =>
    expect(problem("DCGM_FI_DEV_GPU_UTIL")).toMatchObject([
      {
        severity: "warning",
        reason: "UnknownMetric",
        field: "spec.metrics[0]",
        message: expect.stringContaining("DCGM_FI_DEV_GPU_UTIL"),
        fix: expect.stringContaining("vllm:kv_cache_usage_perc"),
      },
    ]));

  it("says of CPU and memory how crude they are, and of other resources that there are none", () => {
    const usage = (resource: string) =>
      ({ type: "Resource", resource, target: { type: "Utilization", percent: 80 } }) as const;
    const metrics = [waiting(1), usage("cpu"), usage("ephemeral-storage")];
    expect(metricNames.problems(spec({ metrics }))).toMatchObject([
      { field: "spec.metrics[1]", reason: "CrudeModel" },
      { field: "spec.metrics[2]", reason: "UnknownMetric" },
    ]);
  });

  it("needs each series once", () => {
    const external = { type: "External", metric: "num_requests_waiting", selector: {} } as const;
    const metrics = [waiting(1), { ...external, target: { type: "Value", milli: 1 } } as const];
    expect(metricNames.neededSeries(spec({ metrics }))).toEqual([WAITING]);
    expect(metricNames.neededSeries(spec({ metrics: [] }))).toEqual([]);
  });
});
