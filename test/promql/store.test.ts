import { describe, expect, it } from "vitest";
import { Labels, metricLabels, type Series, Store } from "../../src/promql/index.ts";
import { matcherOf } from "../../src/promql/matcher.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const MINUTE = 60_000;

const samplesOf = (series: Series): readonly (readonly [number, number | "stale"])[] =>
  Array.from({ length: series.end }, (_, i) => [
    series.times[i] as number,
    series.isStale(i) ? "stale" : (series.values[i] as number),
  ]);

describe("a store", () => {
  it("keeps samples in order of time, the first of two at one time", () =>
    forAllSeeds(30, (rng) => {
      const store = new Store({ retentionMs: 1e9 });
      const series = store.series(metricLabels("m", {}));
      const expected = new Map<number, number | "stale">();
      for (let i = 0; i < 60; i += 1) {
        const at = rng.next() < 0.7 ? i * 10 : rng.below(600);
        const stale = rng.next() < 0.2;
        if (!expected.has(at)) expected.set(at, stale ? "stale" : i);
        if (stale) store.end(series, at);
        else store.append(series, at, i);
      }
      expect(samplesOf(series)).toEqual([...expected].sort(([a], [b]) => a - b));
      expect(series.markers).toBe([...expected.values()].filter((value) => value === "stale").length);
      for (let k = 0; k < 50; k += 1) {
        const at = rng.below(620) - 10;
        const below = rng.below(series.end + 1);
        const wanted = samplesOf(series)
          .slice(0, below)
          .filter(([time]) => time <= at).length;
        expect(series.after(at, below)).toBe(wanted);
      }
    }));

  it("forgets what is older than the retention, and never what is younger", () => {
    const store = new Store({ retentionMs: 10 * MINUTE });
    const series = store.series(metricLabels("m", { pod: "a" }));
    for (let i = 0; i < 100_000; i += 1) {
      store.append(series, i * 15_000, i);
      if (i % 9973 === 0 && i > 40)
        expect(series.times[series.after(i * 15_000 - 10 * MINUTE)]).toBe(i * 15_000 - 10 * MINUTE + 15_000);
    }
    expect(series.times.length).toBeLessThanOrEqual(128);
  });

  it("drops series that had no sample for long, and takes them back", () => {
    const store = new Store({ retentionMs: 10 * MINUTE });
    const gone = store.series(metricLabels("m", { pod: "gone" }));
    const stays = store.series(metricLabels("m", { pod: "stays" }));
    store.append(gone, 0, 1);
    for (let at = 0; at <= 30 * MINUTE; at += MINUTE) store.append(stays, at, at);
    const found = () => store.select([matcherOf("__name__", "=", "m")]).map(({ labels }) => labels.get("pod"));
    expect([store.size, found()]).toEqual([1, ["stays"]]);
    const { generation } = store;
    store.append(gone, 31 * MINUTE, 2);
    expect([store.size, found(), generation === store.generation]).toEqual([2, ["stays", "gone"], false]);
    expect(store.series(metricLabels("m", { pod: "gone" }))).toBe(gone);
  });

  it("keeps its memory bounded while pods come and go", () => {
    const store = new Store({ retentionMs: 10 * MINUTE });
    for (let i = 0; i < 2000; i += 1) store.append(store.series(metricLabels("m", { pod: `p${i}` })), i * MINUTE, i);
    expect(store.size).toBeLessThan(20);
    expect(store.values("pod").length).toBeLessThan(20);
  });

  it("interns labels, whatever their order", () => {
    const store = new Store({ retentionMs: 1e9 });
    const first = store.series(Labels.of({ __name__: "m", a: "1", b: "2", c: "" }));
    expect(store.series(Labels.of({ b: "2", a: "1", __name__: "m" }))).toBe(first);
    expect(store.series(Labels.of({ b: "21", a: "", __name__: "m" }))).not.toBe(first);
    expect(first.labels.toString()).toBe('m{a="1", b="2"}');
  });

  it("finds by all kinds of matchers", () => {
    const store = new Store({ retentionMs: 1e9 });
    for (const job of ["api", "web", ""]) store.series(metricLabels("m", { job }));
    const found = (operator: "=" | "!=" | "=~" | "!~", value: string) =>
      store.select([matcherOf("job", operator, value)]).map(({ labels }) => labels.get("job"));
    expect(found("=", "api")).toEqual(["api"]);
    expect(found("=", "")).toEqual([""]);
    expect(found("!=", "api")).toEqual(["web", ""]);
    expect(found("=~", ".+")).toEqual(["api", "web"]);
    expect(found("=~", "ap|we.")).toEqual(["web"]);
    expect(found("!~", "a.*")).toEqual(["web", ""]);
  });
});
