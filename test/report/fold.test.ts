import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import { Histogram } from "../../src/model/metric-family.ts";
import type { Outcome } from "../../src/model/request.ts";
import { type FoldOptions, ReportFold } from "../../src/report/fold.ts";
import { NEVER } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { at, engineState, finished, pod, replica, request, sample, scaled, view, workload } from "./views.ts";

const foldOf = (over: Partial<FoldOptions> = {}): ReportFold =>
  new ReportFold({ horizonMicros: 3600e6, warmUpMicros: 0, gpusPerReplica: { chat: 2 }, ...over });

const tell = (fold: ReportFold, ...facts: readonly Fact[]): void => {
  for (const fact of facts) fold.tell(fact);
};

const identity = { scenario: "baseline", seed: 1, scenarioDigest: "d", version: "0", notes: ["said before"] };

describe("ReportFold", () => {
  it("takes request figures from facts", () => {
    const fold = foldOf();
    const [a, b, c, d] = [request(0, 10), request(1, 20), request(2, 30), request(3, 40)];
    tell(
      fold,
      ...[a, b, c, d].map((one): Fact => ({ kind: "arrived", at: one.arrival, request: one })),
      { kind: "first-token", at: at(10.5), request: a, pod: "a" },
      finished(a, "length", { queue: 0.25, end: 4 }),
      finished(b, "rejected", { end: 0 }),
      { kind: "refused", at: c.arrival, request: c, outcome: "unroutable" },
    );
    const kpis = fold.kpis(view(100));
    expect(kpis.requests).toEqual({
      arrived: 4,
      completed: 1,
      rejected: 2,
      overloaded: 0,
      timedOut: 0,
      aborted: 0,
      inFlightAtEnd: 1,
    });
    expect(kpis.ttftSeconds).toEqual({ count: 1, mean: 0.5, p50: 0.5, p90: 0.5, p95: 0.5, p99: 0.5, max: 0.5 });
    expect(kpis.e2eSeconds.mean).toBe(4);
    expect(kpis.queueSeconds.mean).toBe(0.25);
    expect(kpis.requestsPerSecond).toBe(1 / 100);
  });

  it("is all zeros, and nowhere NaN, before anything happened", () => {
    const { kpis, timeline, notes } = foldOf().report(identity, view(0, []), []);
    const numbers = JSON.stringify({ kpis, timeline });
    expect(numbers).not.toMatch(/null|NaN/);
    expect(kpis.itlSeconds).toEqual({ count: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, max: 0 });
    expect(timeline.atSeconds).toEqual([]);
    expect(notes).toEqual(["said before"]);
  });

  it("leaves out of the KPIs who arrived in the warm-up, and counts rates from its end", () => {
    const fold = foldOf({ warmUpMicros: 100e6 });
    const early = [request(0, 10), request(1, 99)];
    const late = request(2, 150);
    for (const one of [...early, late]) tell(fold, { kind: "arrived", at: one.arrival, request: one });
    tell(
      fold,
      finished(early[0] as typeof late, "stop"),
      finished(early[1] as typeof late, "stop", { end: 3 }),
      finished(late, "stop"),
    );
    const { requests, requestsPerSecond, e2eSeconds } = fold.kpis(view(200));
    expect(requests).toEqual({
      arrived: 1,
      completed: 1,
      rejected: 0,
      overloaded: 0,
      timedOut: 0,
      aborted: 0,
      inFlightAtEnd: 0,
    });
    expect(e2eSeconds.count).toBe(1);
    // The one that arrived at 99 s ended at 102 s: throughput counts what the platform did in the window.
    expect(requestsPerSecond).toBe(2 / 100);
    expect(fold.timeline(at(200)).columns.completionsPerSecond.reduce((sum, rate) => sum + rate, 0) * 10).toBeCloseTo(
      3,
      9,
    );
  });

  it("counts GPUs from scheduled until gone, replicas while they are ready", () => {
    const fold = foldOf();
    tell(
      fold,
      pod("pending", 0),
      pod("pulling", 100),
      pod("starting", 200),
      pod("ready", 400),
      pod("terminating", 1000),
      pod("gone", 1300),
      pod("pending", 1300, "b"),
      pod("terminating", 1400, "b"),
      pod("gone", 1500, "b"),
    );
    const { replicaHours, gpuHours, replicas } = fold.kpis(view(3600));
    expect(replicaHours * 3600).toBeCloseTo(1200, 9);
    expect(gpuHours * 3600).toBeCloseTo(2400, 9);
    expect(replicas).toEqual({ min: 0, mean: 600 / 3600, max: 1, atEnd: 0 });
  });

  it("takes engine figures from states, those of ended replicas too, and from the end of the warm-up on", () => {
    const fold = foldOf({ warmUpMicros: 60e6 });
    const counters = (generationTokens: number) => ({
      generationTokens,
      promptTokens: 10,
      prefixQueries: 100,
      prefixHits: 25,
      preemptions: 2,
    });
    expect(fold.nextSample).toBe(at(0));
    sample(fold, view(0, []));
    const state = engineState({ counters: counters(500) });
    state.histograms.interTokenLatency.observe(0.05, 499);
    sample(fold, view(60, [replica(state)]));
    state.histograms.interTokenLatency.observe(0.5, 100);
    fold.retire(
      replica({
        ...state,
        counters: { ...state.counters, generationTokens: 1100, prefixQueries: 300, prefixHits: 175, preemptions: 5 },
      }),
    );
    const { outputTokensPerSecond, prefixCacheHitRatio, preemptions, itlSeconds } = fold.kpis(
      view(120, [replica(engineState({ counters: { generationTokens: 600 } }))]),
    );
    expect(outputTokensPerSecond).toBe((1100 + 600 - 500) / 60);
    expect(prefixCacheHitRatio).toBe(150 / 200);
    expect(preemptions).toBe(3);
    expect(itlSeconds.count).toBe(100);
    expect(itlSeconds.mean).toBeCloseTo(0.5, 9);
    expect(itlSeconds.p50).toBeCloseTo(0.55, 9);
  });

  it("prefers the engines' fine inter-token buckets", () => {
    const state = engineState();
    const interTokenFine = new Histogram([0.006, 0.007, 0.008]);
    interTokenFine.observe(0.0065, 100);
    const { itlSeconds } = foldOf().kpis(
      view(10, [replica({ ...state, histograms: { ...state.histograms, interTokenFine } })]),
    );
    expect(itlSeconds.p50).toBeCloseTo(0.0065, 9);
  });

  it("asks to be sampled where the warm-up ends, off the grid too", () => {
    const fold = foldOf({ warmUpMicros: 1_234_567 });
    sample(fold, view(0));
    expect(fold.nextSample).toBe(1_234_567);
    sample(fold, { ...view(0), now: at(1.234567) });
    expect(fold.nextSample).toBe(at(2.5));
  });

  it("keeps the first 200 scale events and counts all after the warm-up", () => {
    const fold = foldOf({ warmUpMicros: 10e6 });
    for (let i = 0; i < 300; i += 1) tell(fold, scaled(1 + (i % 2), 2 - (i % 2), i));
    const report = fold.report(identity, view(3600), []);
    expect(report.scaleEvents).toHaveLength(200);
    expect(report.scaleEvents[0]).toMatchObject({ atSeconds: 0, workload: "chat", from: 1, to: 2 });
    expect([report.kpis.scaleUps, report.kpis.scaleDowns]).toEqual([145, 145]);
  });

  it("knows the wanted replicas from looks and from scale events in between", () => {
    const fold = foldOf({ horizonMicros: 2e6 });
    sample(fold, view(0, [], [workload(3), workload(1, { name: "other" })]));
    tell(fold, scaled(3, 5, 0.5));
    sample(fold, view(1, [], [workload(5), workload(1, { name: "other" })]));
    sample(fold, view(2, [], [workload(5), workload(1, { name: "other" })]));
    expect(fold.timeline(at(2)).columns.replicasWanted).toEqual([5, 6]);
    expect(fold.nextSample).toBe(NEVER);
  });

  it("notes what was in flight at the end", () => {
    const fold = foldOf();
    tell(fold, { kind: "arrived", at: at(1), request: request(0, 1) });
    expect(fold.report(identity, view(3600), []).notes).toEqual(["said before", "1 request was in flight at the end"]);
  });

  it("accounts for every request, over any run: arrived = all ends + in flight", () =>
    forAllSeeds(50, (rng) => {
      const warmUp = rng.below(100);
      const fold = foldOf({ warmUpMicros: warmUp * 1e6 });
      const outcomes = [
        "stop",
        "length",
        "rejected",
        "overloaded",
        "timed-out",
        "aborted",
        "unroutable",
        "none",
      ] as const;
      const ends = new Map<string, number>();
      let open = 0;
      for (let i = 0; i < 200; i += 1) {
        const one = request(i, i);
        tell(fold, { kind: "arrived", at: one.arrival, request: one });
        const outcome = outcomes[rng.below(outcomes.length)];
        if (outcome === "none" && i >= warmUp) open += 1;
        if (i >= warmUp) ends.set(String(outcome), (ends.get(String(outcome)) ?? 0) + 1);
        if (outcome === "unroutable") tell(fold, { kind: "refused", at: one.arrival, request: one, outcome });
        else if (outcome !== "none") tell(fold, finished(one, outcome as Outcome, { end: 0.1 + rng.next() }));
      }
      const { arrived, completed, rejected, overloaded, timedOut, aborted, inFlightAtEnd } = fold.kpis(
        view(3600),
      ).requests;
      expect([overloaded, timedOut]).toEqual(["overloaded", "timed-out"].map((outcome) => ends.get(outcome) ?? 0));
      expect(arrived).toBe(200 - warmUp);
      expect(inFlightAtEnd).toBe(open);
      expect(arrived).toBe(completed + rejected + overloaded + timedOut + aborted + inFlightAtEnd);
    }));

  it("changes nothing by being looked at", () => {
    const fold = foldOf({ horizonMicros: undefined });
    sample(fold, view(0));
    tell(fold, { kind: "arrived", at: at(1), request: request(0, 1) }, pod("ready", 1));
    const now = view(2);
    const once = [fold.kpis(now), fold.timeline(now.now), fold.nextSample];
    expect([fold.kpis(now), fold.timeline(now.now), fold.nextSample]).toEqual(once);
  });
});
