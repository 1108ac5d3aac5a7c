import { describe, expect, it } from "vitest";
import { type DetectorSaid, detectors } from "../../src/dataplane/detectors/index.ts";
import { saturationByStage } from "../../src/dataplane/saturation-stages.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant, NEVER } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { type Pod, pod } from "./flow-control/driven-gate.ts";

const NOW = instant(1_000_000);
const make = (said: object) => detectors.create(detectors.schema.parse(said), {});
/** Scraped just now. */
const fresh = (some: Partial<Pod>): Pod => pod("pod", { scrapedAt: NOW, ...some });

/** How each detector may be said; a new one needs a line here, or this file doesn't compile. */
const said: { readonly [Type in DetectorSaid["type"]]: readonly object[] } = {
  "utilization-detector": [{}, { queueDepthThreshold: 1, kvCacheUtilThreshold: 1, metricsStalenessThreshold: "1s" }],
  "concurrency-detector": [{}, { concurrencyMode: "tokens" }, { concurrencyMode: "hybrid", maxConcurrency: 7 }],
  never: [{}],
};

const anyPods = (rng: Rng): Pod[] =>
  Array.from({ length: rng.below(6) }, (_, index) =>
    pod(`pod-${index}`, {
      scrapedAt: rng.below(5) === 0 ? undefined : instant(NOW - rng.below(1_000_000) * rng.below(2)),
      waiting: rng.below(30),
      kvUsage: rng.next(),
      inFlight: rng.below(300),
      inFlightTokens: rng.below(3_000_000),
    }),
  );

it("goes through every detector", () => {
  expect(Object.keys(said).sort()).toEqual(detectors.all.map(({ name }) => name).sort());
});

const everyOne = Object.entries(said).flatMap(([type, all]) => all.map((params) => ({ type, ...params })));

describe.each(everyOne)("detector $type", (one) => {
  it("says a number of at least 0, the same again, and of an empty pool 1 or never anything", () => {
    expect(make(one).saturation([], NOW)).toBe(one.type === "never" ? 0 : 1);
    forAllSeeds(40, (rng) => {
      const pods = anyPods(rng);
      const saturation = make(one).saturation(pods, NOW);
      expect(saturation).toBeGreaterThanOrEqual(0);
      expect(make(one).saturation(pods, NOW)).toBe(saturation);
    });
  });

  it("says the same until the instant it names, as long as nobody changes anything", () =>
    forAllSeeds(40, (rng) => {
      const detector = make(one);
      const pods = anyPods(rng);
      const until = Math.min(detector.changesAt(pods, NOW), NOW + 2_000_000);
      expect(until).toBeGreaterThan(NOW);
      const then = instant(NOW + rng.below(until - NOW));
      expect(detector.saturation(pods, then)).toBe(detector.saturation(pods, NOW));
      expect(detector.stale(pods, then)).toBe(detector.stale(pods, NOW));
    }));

  it("reads no scraped signal unless it says so", () =>
    forAllSeeds(20, (rng) => {
      const detector = make(one);
      if (detector.readsSignals) return;
      const pods = anyPods(rng);
      const blind = pods.map((each) => ({ ...each, scrapedAt: undefined, waiting: 0, kvUsage: 0 }));
      expect(detector.saturation(blind, NOW)).toBe(detector.saturation(pods, NOW));
    }));
});

describe("utilization-detector", () => {
  const utilization = { type: "utilization-detector" };
  it.each([
    { name: "waiting over 5", pods: [fresh({ waiting: 3 })], saturation: 0.6 },
    { name: "KV usage over 0.8, whichever is fuller", pods: [fresh({ waiting: 1, kvUsage: 0.4 })], saturation: 0.5 },
    { name: "not clamped", pods: [fresh({ waiting: 20 })], saturation: 4 },
    { name: "an unweighted mean", pods: [fresh({ waiting: 10 }), fresh({})], saturation: 1 },
    { name: "never scraped: full", pods: [fresh({ scrapedAt: undefined }), fresh({})], saturation: 0.5 },
    { name: "200 ms old: as it is", pods: [fresh({ scrapedAt: instant(800_000), waiting: 15 })], saturation: 3 },
    { name: "older: full, however it was", pods: [fresh({ scrapedAt: instant(799_999), waiting: 15 })], saturation: 1 },
  ])("$name", ({ pods, saturation }) => expect(make(utilization).saturation(pods, NOW)).toBeCloseTo(saturation, 12));

  it("says when the next scrape turns stale, and which are", () => {
    const pods = [fresh({}), fresh({ scrapedAt: instant(900_000) }), fresh({ scrapedAt: undefined })];
    expect(make(utilization).changesAt(pods, NOW)).toBe(1_100_001);
    expect(make(utilization).stale(pods, NOW)).toBe(1);
    expect(make(utilization).stale(pods, instant(1_100_001))).toBe(2);
    expect(make(utilization).changesAt(pods, instant(1_300_000))).toBe(NEVER);
  });

  it.each([
    { queueDepthThreshold: 0 },
    { kvCacheUtilThreshold: 1.1 },
    { metricsStalenessThreshold: "0s" },
    { headroom: -1 },
  ])("refuses %o", (params) => expect(detectors.schema.safeParse({ ...utilization, ...params }).success).toBe(false));
});

describe("concurrency-detector", () => {
  const pods = [fresh({ inFlight: 90, inFlightTokens: 1_500_000 }), fresh({ inFlight: 30, inFlightTokens: 100_000 })];
  it.each([
    { mode: "requests", saturation: 120 / 200 },
    { mode: "tokens", saturation: 1.6 / 2 },
    { mode: "hybrid", saturation: (1.5 + 0.3) / 2 },
  ])("$mode", ({ mode, saturation }) => {
    expect(make({ type: "concurrency-detector", concurrencyMode: mode }).saturation(pods, NOW)).toBeCloseTo(
      saturation,
      12,
    );
  });
});

describe("stages", () => {
  const detector = make({ type: "concurrency-detector", maxConcurrency: 10 });
  const withRole = (role: string, inFlight: number): Pod => fresh({ labels: { "llm-d.ai/role": role }, inFlight });
  it.each([
    { name: "no labels: decode", pods: [fresh({ inFlight: 5 })], stages: { decode: 0.5, effective: 0.5 } },
    {
      name: "the fuller stage gates",
      pods: [withRole("prefill", 12), withRole("decode", 2)],
      stages: { prefill: 1.2, decode: 0.2, effective: 1.2 },
    },
    {
      name: "mixed roles count in both",
      pods: [withRole("encode-prefill", 4), withRole("prefill-decode", 8), withRole("both", 0)],
      stages: { prefill: 0.4, decode: 0.4, effective: 0.4 },
    },
    {
      name: "pods that only encode count in none",
      pods: [withRole("encode", 50), withRole("decode", 1)],
      stages: { decode: 0.1, effective: 0.1 },
    },
    { name: "no stage: the whole pool", pods: [withRole("encode", 5)], stages: { effective: 0.5 } },
    { name: "no pod", pods: [], stages: { effective: 1 } },
  ])("$name", ({ pods, stages }) => {
    expect(saturationByStage(detector, pods, NOW)).toEqual({ prefill: undefined, decode: undefined, ...stages });
  });
});
