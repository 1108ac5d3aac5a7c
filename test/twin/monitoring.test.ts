import { describe, expect, it } from "vitest";
import { Histogram, type MetricFamily } from "../../src/model/metric-family.ts";
import { type SimTime, seconds } from "../../src/sim/time.ts";
import { Monitoring } from "../../src/twin/monitoring.ts";
import type { ReadSeries } from "../../src/twin/read-series.ts";
import { gaugePage, monitoringOf } from "./monitored.ts";

const at = (second: number) => Math.round(second * 1e6) as SimTime;
const values = (monitoring: Pick<Monitoring, "query">, query: string, second: number) => {
  const answer = monitoring.query(query, at(second));
  return answer.ok ? answer.elements.map(({ value }) => value) : answer.message;
};

describe("Monitoring", () => {
  const scraped = (queries: readonly string[] = ["depth"]) => {
    const monitoring = monitoringOf(queries);
    const state = { depth: 7 };
    monitoring.join("pod-0", { labels: { pod: "pod-0" }, page: () => gaugePage("depth", state.depth) }, at(0));
    monitoring.scrape("pod-0", at(100));
    return { monitoring, state };
  };

  it.each([
    { name: "not before it was scraped", now: 99.999, found: [] },
    { name: "from the scrape on", now: 100, found: [7] },
    { name: "just inside the look-back", now: 399.999, found: [7] },
    { name: "not at its left border", now: 400, found: [] },
  ])("finds a sample $name", ({ now, found }) => expect(values(scraped().monitoring, "depth", now)).toEqual(found));

  it("sees the past until the next scrape, and the truth at once", () => {
    const { monitoring, state } = scraped();
    state.depth = 9;
    expect(values(monitoring, "sum(depth)", 110)).toEqual([7]);
    expect(values(monitoring.truth(at(110)), "sum(depth)", 110)).toEqual([9]);
    monitoring.scrape("pod-0", at(115));
    expect(values(monitoring, "depth", 115)).toEqual([9]);
  });

  it("has no truth of what is averaged over time", () =>
    expect(values(scraped().monitoring.truth(at(110)), "max_over_time(depth[1m])", 110)).toMatch(/looks back/));

  it("ends the series of a target that is gone when its next scrape would have come, and forgets it", () => {
    const { monitoring } = scraped();
    monitoring.leave("pod-0");
    expect(values(monitoring, "depth", 114)).toEqual([7]);
    expect(monitoring.scrape("pod-0", at(115))).toBeUndefined();
    expect(values(monitoring, "depth", 115)).toEqual([]);
    expect(monitoring.scrape("pod-0", at(130))).toBeUndefined();
  });

  it("keeps what queries read, by name or by pattern, and nothing else", () => {
    const page = () => [...gaugePage("depth", 1), ...gaugePage("width", 2), ...gaugePage("height", 3)];
    const monitoring = monitoringOf(["depth", '{__name__=~"wid.*"}']);
    monitoring.join("pod-0", { labels: {}, page }, at(0));
    monitoring.scrape("pod-0", at(10));
    expect(["depth", "width", "height"].map((name) => values(monitoring, name, 11))).toEqual([[1], [2], []]);
  });

  it("asks for a whole page only where all of it counts towards a limit", () => {
    const page = (reads: ReadSeries) =>
      ["depth", "width", "height"].filter((name) => reads.wants(name)).flatMap((name) => gaugePage(name, 1));
    const found = [undefined, 3, 2].map((sampleLimit) => {
      const monitoring = monitoringOf(["depth"]);
      monitoring.join("p", { labels: {}, page, ...(sampleLimit === undefined ? {} : { sampleLimit }) }, at(0));
      monitoring.scrape("p", at(10));
      return values(monitoring, "depth", 11);
    });
    expect(found).toEqual([[1], [1], []]);
  });

  it("shows of the truth what was asked for, however late", () => {
    const monitoring = monitoringOf(["depth", "width"]);
    const shown: (readonly string[])[] = [];
    const page = (reads: ReadSeries) => {
      const read = ["depth", "width"].filter((name) => reads.wants(name));
      shown.push(read);
      return read.flatMap((name) => gaugePage(name, name.length));
    };
    monitoring.join("p", { labels: {}, page }, at(0));
    const first = monitoring.truth(at(5));
    expect(values(first, "rate(depth[1m])", 5)).toMatch(/looks back/);
    expect(shown).toEqual([]);
    expect(values(first, "depth", 5)).toEqual([5]);
    expect(values(monitoring.truth(at(6)), "sum(depth)", 6)).toEqual([5]);
    const third = monitoring.truth(at(7));
    expect([values(third, "depth", 7), values(third, "depth + on () width", 7)]).toEqual([[5], [10]]);
    expect(shown).toEqual([["depth"], ["depth"], ["depth"], ["depth", "width"]]);
  });

  it("scrapes counters and histograms under the names that they are exposed as", () => {
    const monitoring = monitoringOf(["requests_total", "wait_bucket", "wait_count", "wait_sum"]);
    const histogram = new Histogram([0.5, 1]);
    for (const value of [0.1, 0.7, 3]) histogram.observe(value);
    const page: readonly MetricFamily[] = [
      { name: "requests", type: "counter", help: "", samples: [{ labels: {}, value: 4 }] },
      { name: "wait", type: "histogram", help: "", samples: [{ labels: { model: "m" }, value: histogram.value() }] },
    ];
    monitoring.join("pod-0", { labels: { pod: "p" }, page: () => page }, at(0));
    monitoring.scrape("pod-0", at(10));
    expect(values(monitoring, "requests_total", 11)).toEqual([4]);
    expect(values(monitoring, 'wait_bucket{le=~"0.5|1.0|.Inf"}', 11)).toEqual([1, 2, 3]);
    expect(values(monitoring, "wait_sum / wait_count", 11)).toEqual([3.8 / 3]);
  });

  it("ends a series that the page shows no more", () => {
    const monitoring = monitoringOf(["queue"]);
    let tenants = ["a", "b"];
    const page = () => tenants.flatMap((tenant) => gaugePage("queue", 1, { tenant }));
    monitoring.join("gateway", { labels: {}, page }, at(0));
    monitoring.scrape("gateway", at(10));
    tenants = ["b"];
    monitoring.scrape("gateway", at(25));
    expect(values(monitoring, "count(queue)", 25)).toEqual([1]);
  });

  it("puts labels of the page aside that the target has itself", () => {
    const monitoring = monitoringOf(["depth"]);
    const page = () => gaugePage("depth", 1, { namespace: "own" });
    monitoring.join("p", { labels: { namespace: "target" }, page }, at(0));
    monitoring.scrape("p", at(10));
    const answer = monitoring.query("depth", at(11));
    expect(answer.ok && answer.elements[0]?.labels).toEqual({
      __name__: "depth",
      namespace: "target",
      exported_namespace: "own",
    });
  });

  it("knows the time of day of a world that begins somewhen", () => {
    const metrics = { scrapeIntervalMicros: 15e6, lookBackMicros: 300e6, startUnixSeconds: 1_767_600_000 };
    const monitoring = new Monitoring(metrics, ["depth"]);
    monitoring.join("p", { labels: {}, page: () => gaugePage("depth", 4) }, at(0));
    monitoring.scrape("p", at(30));
    // 2026-01-05 08:00 UTC.
    expect(values(monitoring, "hour() * 100 + minute()", 360)).toEqual([806]);
    expect(values(monitoring, "depth and on () (hour() == 8)", 100)).toEqual([4]);
  });

  it("says what is wrong with a query", () => {
    expect(values(scraped().monitoring, "depth{", 110)).toMatch(/parse error/);
    expect(values(scraped().monitoring, "depth[1m]", 110)).toMatch(/neither a scalar nor a vector/);
  });

  it("finds series that had a sample within a time", () => {
    const { monitoring } = scraped();
    const series = (second: number) => {
      const answer = monitoring.series(['{__name__=~"dep.*"}'], seconds(60), at(second));
      return answer.ok ? answer.series : answer.message;
    };
    expect(series(150)).toEqual([{ __name__: "depth", pod: "pod-0" }]);
    expect(series(161)).toEqual([]);
  });

  it("forgets series long gone: memory does not grow with the pods that ever were", () => {
    const monitoring = monitoringOf(["depth"]);
    for (let pod = 0; pod < 1000; pod += 1) {
      monitoring.join(`pod-${pod}`, { labels: { pod: `pod-${pod}` }, page: () => gaugePage("depth", 1) }, at(pod * 60));
      monitoring.scrape(`pod-${pod}`, at(pod * 60 + 10));
      monitoring.leave(`pod-${pod}`);
      monitoring.scrape(`pod-${pod}`, at(pod * 60 + 25));
    }
    expect(monitoring.size).toBeLessThan(12);
  });
});
