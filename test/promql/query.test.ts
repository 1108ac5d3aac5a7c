import { describe, expect, it } from "vitest";
import { dateOf } from "../../src/model/calendar.ts";
import { openMetricsText, parseNumber, plainText, shortText } from "../../src/promql/go-numbers.ts";
import { ALL_FEATURES, Labels, metricLabels, metricNames, parseQuery, prepare, Store } from "../../src/promql/index.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { generateQuery } from "./generate-query.ts";
import { FIRST_MS, generateSeries, SPAN_MS } from "./generated-series.ts";

const SEEDS = Number(process.env.PROMQL_SEEDS || 8);
const PERIOD = 15_000;

describe("a prepared query", () => {
  it("answers from what it has kept as one that is asked for the first time", () =>
    forAllSeeds(SEEDS, (rng) => {
      const options = { features: ALL_FEATURES };
      const store = new Store({ retentionMs: SPAN_MS });
      const query = generateQuery(rng, true);
      const kept = prepare(query, store, options);
      if (!kept.ok) return;
      // Samples come as time goes on, some late, and series are new, end and return.
      const arrivals = generateSeries(rng)
        .flatMap(({ labels, samples }) =>
          samples.map(({ atMs, value }) => ({ labels, atMs, value, comesMs: atMs + (rng.next() < 0.01 ? 40_000 : 0) })),
        )
        .sort((a, b) => a.comesMs - b.comesMs);
      let next = 0;
      for (let now = FIRST_MS; now < FIRST_MS + SPAN_MS / 6; now += PERIOD) {
        for (; (arrivals[next]?.comesMs ?? Infinity) <= now; next += 1) {
          const { labels, atMs, value } = arrivals[next] as (typeof arrivals)[number];
          const series = store.series(Labels.of(labels));
          if (value === "stale") store.end(series, atMs);
          else store.append(series, atMs, value);
        }
        const fresh = prepare(query, store, options);
        const [ours, theirs] = [kept.query.instant(now), fresh.ok ? fresh.query.instant(now) : undefined];
        expect([query, now, ours]).toEqual([query, now, theirs]);
      }
    }));

  it("gives in a range query what it gives at each of its instants", () =>
    forAllSeeds(SEEDS, (rng) => {
      const store = new Store({ retentionMs: 10 * SPAN_MS });
      for (const { labels, samples } of generateSeries(rng)) {
        const series = store.series(Labels.of(labels));
        for (const { atMs, value } of samples) if (value !== "stale") store.append(series, atMs, value);
      }
      const query = generateQuery(rng, false);
      const prepared = prepare(query, store);
      if (!prepared.ok || /start\(\)|end\(\)|sort/.test(query)) return;
      const startMs = FIRST_MS + rng.below(SPAN_MS);
      const range = prepared.query.range(startMs, startMs + 4 * PERIOD, PERIOD);
      if (!range.ok || range.value.kind !== "matrix") return;
      for (let i = 0; i <= 4; i += 1) {
        const at = startMs + i * PERIOD;
        const instant = prepared.query.instant(at);
        if (!instant.ok || instant.value.kind !== "vector") continue;
        const step = range.value.series.flatMap(({ labels, points }) =>
          points.filter(({ atMs }) => atMs === at).map(({ value }) => [labels.key, value] as const),
        );
        const wanted = instant.value.samples.map(({ labels, value }) => [labels.key, value] as const);
        const byKey = (a: readonly [string, number], b: readonly [string, number]) => (a[0] < b[0] ? -1 : 1);
        expect([query, [...step].sort(byKey)]).toEqual([query, wanted.sort(byKey)]);
      }
    }));

  it("stops one that would read too much", () => {
    const store = new Store({ retentionMs: 1e12 });
    store.append(store.series(metricLabels("m", {})), 0, 1);
    const prepared = prepare("max_over_time(m[1y:1ms])", store, { mostSamples: 2000 });
    expect(prepared.ok && prepared.query.instant(1e9)).toEqual({
      ok: false,
      message: "query processing would load too many samples into memory in query execution",
    });
  });

  it("keeps little of labels that have come and gone", () => {
    const store = new Store({ retentionMs: 60_000 });
    const prepared = prepare("sum by (pod) (rate(m_total[1m])) / on (pod) m_total", store);
    if (!prepared.ok) throw new Error(prepared.message);
    for (let i = 0; i < 120; i += 1) {
      const series = store.series(metricLabels("m_total", { pod: `p${i}` }));
      store.append(series, i * PERIOD, 1);
      store.append(series, i * PERIOD + 5000, 11);
      const answer = prepared.query.instant(i * PERIOD + 5000);
      expect(answer).toMatchObject({ ok: true, value: { kind: "vector" } });
    }
    expect(store.size).toBeLessThan(20);
  });
});

describe("what a query reads", () => {
  const namesOf = (query: string) => {
    const parsed = parseQuery(query);
    return parsed.ok ? metricNames(parsed.expr) : parsed.message;
  };

  it.each([
    ["sum(rate(a_total[5m])) / (b or vector(0)) > scalar(c)", ["a_total", "b", "c"], []],
    ["max_over_time(sum(a)[5m:]) + a", ["a"], []],
    ['topk(scalar(k), {__name__="vllm:x", pod="a"})', ["k", "vllm:x"], []],
    ['{__name__=~"vllm:.*"} + {pod="a"}', [], ["*", '__name__=~"vllm:.*"']],
    ["1 + time()", [], []],
  ])("%s", (query, names, patterns) => expect(namesOf(query)).toEqual({ names, patterns }));
});

describe("a query that can't be read", () => {
  it.each([
    ["rate(x[5m", "1:10: parse error: unexpected end of input\n  rate(x[5m\n           ^"],
    ["sum(\n  x y\n)", '2:5: parse error: unexpected identifier "y"\n    x y\n      ^'],
    [
      "rate(x)",
      '1:6: parse error: expected type range vector in call to function "rate", got instant vector\n  rate(x)\n       ^',
    ],
    ["nofunc(x)", '1:1: parse error: unknown function with name "nofunc"\n  nofunc(x)\n  ^'],
    ['x{a=~"("}', '1:3: parse error: error parsing regexp: missing closing ): `(`\n  x{a=~"("}\n    ^'],
    ["1 > 2", "1:3: parse error: comparisons between scalars must use BOOL modifier\n  1 > 2\n    ^"],
    [
      "x offset (1m) + 2",
      "1:1: parse error: arithmetic after an offset in parentheses would be part of the offset; write parentheses around the selector, or none around the offset\n  x offset (1m) + 2\n  ^",
    ],
    ["", "1:1: parse error: no expression found in input\n  \n  ^"],
    [
      "mad_over_time(x[5m])",
      "1:1: parse error: mad_over_time() is experimental and must be enabled with --enable-feature=promql-experimental-functions\n  mad_over_time(x[5m])\n  ^",
    ],
  ])("%j", (query, message) => expect(parseQuery(query)).toEqual({ ok: false, message }));

  it("may be as deep or long as it likes", () => {
    for (const query of [
      "(".repeat(3000),
      `${"(".repeat(3000)}x${")".repeat(3000)}`,
      "-".repeat(3000),
      `x${"+x".repeat(3000)}`,
    ]) {
      expect(typeof parseQuery(query).ok).toBe("boolean");
    }
    expect(parseQuery("x".repeat(200_000))).toMatchObject({ ok: false });
  });

  it("never throws, whatever the text", () =>
    forAllSeeds(300, (rng) => {
      const text = Array.from({ length: rng.below(30) }, () => "ab(){}[],:=~!\"'`+-*/^@5m. \n#%<>"[rng.below(31)]).join(
        "",
      );
      expect(typeof parseQuery(text, ALL_FEATURES).ok).toBe("boolean");
      const query = generateQuery(rng, true);
      const cut = query.slice(0, rng.below(query.length)) + query.slice(rng.below(query.length));
      expect(typeof parseQuery(cut, ALL_FEATURES).ok).toBe("boolean");
    }));
});

describe("numbers and dates", () => {
  it.each([
    [1e23, "100000000000000000000000", "1e+23", "1e+23"],
    [1e6, "1000000", "1e+06", "1e+06"],
    [123456789, "123456789", "1.23456789e+08", "1.23456789e+08"],
    [100000, "100000", "100000", "100000.0"],
    [1e-7, "0.0000001", "1e-07", "1e-07"],
    [0.5, "0.5", "0.5", "0.5"],
    [1, "1", "1", "1.0"],
    [-0, "-0", "-0", "-0.0"],
    [Infinity, "+Inf", "+Inf", "+Inf"],
    [Number.NaN, "NaN", "NaN", "NaN"],
  ])("%d is written %s, %s, %s", (value, plain, short, open) =>
    expect([plainText(value), shortText(value), openMetricsText(value)]).toEqual([plain, short, open]),
  );

  it.each([
    ["010", 8],
    ["09", 9],
    ["0x1F", 31],
    ["0b11", 3],
    ["1_000", 1000],
    ["1__0", undefined],
    ["1e3", 1000],
    ["0x1p4", 16],
    ["", undefined],
  ])("reads %s as %s", (text, value) => expect(parseNumber(text)).toBe(value));

  it("dates are those of the calendar", () =>
    forAllSeeds(500, (rng) => {
      const seconds = Math.floor((rng.next() - 0.3) * 2e10);
      const date = new Date(seconds * 1000);
      const year = date.getUTCFullYear();
      const start = new Date(0);
      start.setUTCFullYear(year, 0, 1);
      expect(dateOf(seconds)).toEqual({
        year,
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        dayOfYear: Math.floor((date.getTime() - start.getTime()) / 86_400_000) + 1,
        weekday: date.getUTCDay(),
        daysInMonth: new Date(new Date(0).setUTCFullYear(year, date.getUTCMonth() + 1, 0)).getUTCDate(),
        hour: date.getUTCHours(),
        minute: date.getUTCMinutes(),
      });
    }));
});
