import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import type { Outcome, Request } from "../../src/model/request.ts";
import { MOST_GROUPS, OTHER } from "../../src/report/dimension.ts";
import { jainIndex, TokenShares } from "../../src/report/fairness.ts";
import { type FoldOptions, ReportFold } from "../../src/report/fold.ts";
import { HeldQueues } from "../../src/report/held-queues.ts";
import { judge } from "../../src/report/objectives.ts";
import { QueueMeans } from "../../src/report/queue-means.ts";
import type { GroupKpis, Kpis } from "../../src/report/report.ts";
import { SloBook } from "../../src/report/slo.ts";
import { spreadOf } from "../../src/report/spread.ts";
import { ENDS, groupKpis, Observed, Tally } from "../../src/report/tally.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { micros } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { at, finished, request, view } from "./views.ts";

const SEEDS = Number(process.env.SEEDS ?? 30);
const foldOf = (over: Partial<FoldOptions> = {}): ReportFold =>
  new ReportFold({ horizonMicros: 3600e6, warmUpMicros: 0, gpusPerReplica: {}, ...over });
const arrived = (one: Request): Fact => ({ kind: "arrived", at: one.arrival, request: one });
const identity = { scenario: "baseline", seed: 1, scenarioDigest: "d", version: "0", notes: [] };

const slo = {
  critical: { ttft: micros(200e3), tpot: micros(50e3) },
  standard: { e2e: micros(10e6) },
};

describe("objectives of requests", () => {
  const book = new SloBook(slo);
  const facts = (one: Request, said: { ttft?: number; end?: number }) => {
    const fact = finished(one, "stop", said);
    if (fact.kind !== "finished") throw new Error("a finished request");
    return fact.facts;
  };
  const critical = { ...request(0, 0, 11), sloClass: "critical" };
  it.each([
    { name: "all met", one: critical, said: { ttft: 0.2, end: 0.7 }, met: true },
    { name: "first token late", one: critical, said: { ttft: 0.21, end: 0.7 }, met: false },
    { name: "tokens slow", one: critical, said: { ttft: 0.2, end: 0.71 }, met: false },
    { name: "one token has no pace", one: { ...critical, outputTokens: 1 }, said: { ttft: 0.2, end: 9 }, met: true },
    { name: "no class is standard", one: request(0, 0), said: { end: 10.1 }, met: false },
    { name: "a class without targets", one: { ...request(0, 0), sloClass: "batch" }, said: { end: 99 }, met: true },
    {
      name: "its own target goes before its class's, the others stay",
      one: { ...critical, sloTtft: micros(1e6) },
      said: { ttft: 0.9, end: 1.4 },
      met: true,
    },
    {
      name: "its own target, stricter",
      one: { ...critical, sloTpot: micros(10e3) },
      said: { ttft: 0.2, end: 0.7 },
      met: false,
    },
  ])("$name", ({ one, said, met }) => expect(book.met(facts(one, said))).toBe(met));

  it("knows who has a target", () => {
    expect(book.targets({ ...request(0, 0), sloClass: "batch" })).toBe(false);
    expect(book.targets(request(0, 0))).toBe(true);
    expect(new SloBook().targets({ ...request(0, 0), sloTpot: micros(1) })).toBe(true);
  });
});

describe("groups", () => {
  it("are not there where requests bear no labels", () => {
    const fold = foldOf();
    fold.tell(arrived(request(0, 1)));
    fold.tell(finished(request(0, 1), "stop"));
    const kpis = fold.kpis(view(10));
    for (const part of ["groups", "slo", "fairness", "gateway", "turnedAway"] as const)
      expect(kpis).not.toHaveProperty(part);
  });

  it("count attainment over all that arrived, and goodput over the window", () => {
    const fold = foldOf({ slo });
    const of = (id: number, sloClass?: string): Request => ({
      ...request(id, id),
      ...(sloClass === undefined ? {} : { sloClass }),
    });
    const all = [of(0, "critical"), of(1, "critical"), of(2, "critical"), of(3), of(4, "batch")];
    for (const one of all) fold.tell(arrived(one));
    fold.tell(finished(all[0] as Request, "stop", { ttft: 0.1, end: 0.5 }));
    fold.tell(finished(all[1] as Request, "stop", { ttft: 0.3, end: 0.5 }));
    fold.tell({
      kind: "gate",
      at: at(2),
      request: all[2] as Request,
      priority: 4,
      event: "shed",
      reason: "saturated",
      status: 429,
    });
    fold.tell(finished(all[3] as Request, "timed-out", { end: 1 }));
    const { groups, slo: whole, turnedAway, requests } = fold.kpis(view(100));
    expect(requests).toMatchObject({ arrived: 5, completed: 2, timedOut: 1, shed: 1, expired: 0, inFlightAtEnd: 1 });
    expect(groups?.classes?.critical?.slo).toEqual({
      targeted: 3,
      attained: 1,
      attainmentRatio: 1 / 3,
      goodputPerSecond: 0.01,
    });
    expect(groups?.classes?.standard?.slo).toMatchObject({ targeted: 1, attained: 0, attainmentRatio: 0 });
    expect(groups?.classes?.batch).not.toHaveProperty("slo");
    expect(whole).toMatchObject({ targeted: 4, attained: 1, attainmentRatio: 0.2 });
    expect(turnedAway).toEqual([
      { sloClass: "critical", how: "shed", reason: "saturated", count: 1 },
      { sloClass: "standard", how: "timedOut", reason: "timed-out", count: 1 },
    ]);
  });

  it("give to the unlabelled what came before the first label", () => {
    const fold = foldOf();
    fold.tell(arrived(request(0, 1)));
    fold.tell(finished(request(0, 1), "stop"));
    const late = { ...request(1, 2), tenant: "acme" };
    fold.tell(arrived(late));
    const { tenants } = fold.kpis(view(10)).groups ?? {};
    expect(Object.keys(tenants ?? {})).toEqual(["default", "acme"]);
    expect(tenants?.default?.requests.completed).toBe(1);
    expect(tenants?.acme?.requests).toMatchObject({ arrived: 1, inFlightAtEnd: 1 });
  });

  it("are bounded, the rest together, and the notes say so", () => {
    const fold = foldOf();
    for (let i = 0; i < 100; i += 1) fold.tell(arrived({ ...request(i, i), tenant: `t${i}` }));
    const { kpis, notes } = fold.report(identity, view(3600), []);
    const tenants = kpis.groups?.tenants ?? {};
    expect(Object.keys(tenants)).toHaveLength(MOST_GROUPS + 1);
    expect(tenants[OTHER]?.requests.arrived).toBe(100 - MOST_GROUPS);
    expect(notes).toContain(`of tenants the first ${MOST_GROUPS} have figures of their own, the rest are "other"`);
    expect(kpis.fairness).toEqual({ tenants: 100, jainIndex: 1 });
  });

  it("tell pools by workload, and prefill legs apart from answers", () => {
    const fold = foldOf({ roles: { p: "prefill", d: "decode" } });
    const one = request(0, 1);
    const told = finished(one, "stop", { ttft: 0.5, end: 2 });
    if (told.kind !== "finished") throw new Error("a finished request");
    fold.tell(arrived(one));
    fold.tell({
      kind: "prefilled",
      pod: "p-0",
      workload: "p",
      facts: { ...told.facts, end: at(1.3), firstToken: at(1.3), outputTokens: 1, cachedTokens: 50 },
    });
    fold.tell({ kind: "transfer", at: at(1.3), request: one, from: "p-0", to: "d-0", bytes: 1e6, event: "started" });
    fold.tell({
      kind: "transfer",
      at: at(1.4),
      request: one,
      from: "p-0",
      to: "d-0",
      bytes: 1e6,
      event: "ended",
      seconds: 0.1,
    });
    fold.tell({
      kind: "routed",
      at: at(1),
      request: one,
      priority: 0,
      endpoint: "d-0",
      workload: "d",
      prefillEndpoint: "p-0",
      decision: "prefill-decode",
    });
    fold.tell({ ...told, workload: "d", pod: "d-0" });
    const { groups, requests, gateway } = fold.kpis(view(10));
    expect(requests).toMatchObject({ arrived: 1, completed: 1 });
    expect(groups?.pools?.p).toMatchObject({ role: "prefill", prefills: 1, prefixCacheHitRatio: 0.5 });
    expect(groups?.pools?.p?.requests.ended).toBe(0);
    expect(groups?.pools?.p?.prefillSeconds.mean).toBeCloseTo(0.3, 9);
    expect(groups?.pools?.d).toMatchObject({ role: "decode", prefills: 0, requests: { ended: 1, completed: 1 } });
    expect(gateway?.decisions).toEqual({ "prefill-decode": 1 });
    expect(gateway?.transfers).toMatchObject({ started: 1, ended: 1, failed: 0, bytes: 1e6 });
  });
});

const OUTCOMES: readonly Outcome[] = ["stop", "length", "rejected", "overloaded", "timed-out", "aborted"];

/** A run in which anything may happen to any request, and what of it was meant. */
const anyRun = (rng: Rng, tell: (fact: Fact) => void): void => {
  const pick = <T>(from: readonly T[]): T => from[rng.below(from.length)] as T;
  const count = 20 + rng.below(200);
  for (let id = 0; id < count; id += 1) {
    const label = (name: string, from: readonly (string | undefined)[]) => {
      const value = pick(from);
      return value === undefined ? {} : { [name]: value };
    };
    const one: Request = {
      ...request(id, id, 1 + rng.below(20)),
      ...label("sloClass", [undefined, "critical", "batch"]),
      ...label("tenant", [undefined, "a", "b", "c"]),
      ...label("model", [undefined, "m"]),
      ...(rng.below(2) === 0 ? {} : { round: rng.below(3) }),
    };
    tell(arrived(one));
    const gate = { kind: "gate", request: one, priority: rng.below(3) } as const;
    const way = rng.below(8);
    if (way === 0) tell({ ...gate, at: one.arrival, event: "shed", reason: "full", status: 429 });
    else if (way === 1) {
      tell({ ...gate, at: one.arrival, event: "held", bytes: 1 });
      const outcome = pick(["EvictedTTL", "EvictedContextCancelled"] as const);
      tell({ ...gate, at: at(id + 0.5), event: "expired", waited: micros(5e5), status: 429, outcome });
    } else if (way === 2) tell({ ...gate, at: one.arrival, event: "held", bytes: 1 });
    else if (way === 3) tell({ kind: "refused", at: one.arrival, request: one, outcome: "unroutable" });
    else if (way > 4) {
      tell({ kind: "first-token", at: at(id + 0.1), request: one, pod: "a" });
      tell(finished(one, pick(OUTCOMES), { ttft: 0.1, end: 0.1 + rng.below(1000) / 100 }));
    }
  }
};

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

describe("laws of groups", () => {
  it("sums over any dimension are the totals, attainment is a share, fairness lies in [1/n, 1]", () => {
    forAllSeeds(SEEDS, (rng) => {
      const fold = foldOf({ slo, warmUpMicros: rng.below(2) * 30e6 });
      anyRun(rng, (fact) => fold.tell(fact));
      const kpis: Kpis = fold.kpis(view(500));
      const { requests, groups = {}, fairness, slo: whole } = kpis;
      const { pools: _, ...dimensions } = groups;
      expect(requests.arrived).toBe(sum(ENDS.map((end) => requests[end] ?? 0)) + requests.inFlightAtEnd);
      expect(kpis.gateway?.heldAtEnd ?? 0).toBeLessThanOrEqual(requests.inFlightAtEnd);
      expect(sum((kpis.turnedAway ?? []).map(({ count }) => count))).toBe(
        requests.arrived - requests.completed - requests.inFlightAtEnd,
      );
      for (const table of Object.values(dimensions) as Record<string, GroupKpis>[]) {
        const all = Object.values(table);
        for (const name of [...ENDS, "arrived", "inFlightAtEnd"] as const)
          expect(sum(all.map((group) => group.requests[name]))).toBe(requests[name] ?? 0);
        expect(sum(all.map((group) => group.ttftSeconds.count))).toBe(kpis.ttftSeconds.count);
        expect(sum(all.map((group) => group.requestsPerSecond))).toBeCloseTo(kpis.requestsPerSecond, 9);
        expect(sum(all.map((group) => group.slo?.attained ?? 0))).toBeLessThanOrEqual(whole?.attained ?? 0);
        for (const { slo: one, requests: of } of all) {
          expect(of.inFlightAtEnd).toBeGreaterThanOrEqual(0);
          expect(one?.attainmentRatio ?? 0).toBeLessThanOrEqual(1);
        }
      }
      if (fairness === undefined) return;
      expect(fairness.jainIndex).toBeLessThanOrEqual(1 + 1e-12);
      expect(fairness.jainIndex).toBeGreaterThanOrEqual(1 / fairness.tenants - 1e-12);
    });
  });

  it("merging tallies gives the same in any order, and the same as counting at once", () => {
    forAllSeeds(SEEDS, (rng) => {
      const parts = Array.from({ length: 4 }, () => new Tally());
      const whole = new Tally();
      for (let id = 0; id < 100; id += 1) {
        const fact = finished(request(id, id), OUTCOMES[rng.below(OUTCOMES.length)] as Outcome, {
          end: 0.1 + rng.below(500) / 100,
        });
        if (fact.kind !== "finished") continue;
        for (const tally of [whole, parts[rng.below(4)] as Tally]) {
          tally.arrived += 1;
          tally.finished(fact.facts, new Observed().look(fact.facts, id % 3 === 0, whole.e2e));
        }
      }
      const merged = (order: readonly Tally[]): GroupKpis => {
        const into = new Tally();
        for (const part of order) into.merge(part);
        return groupKpis(into, 100);
      };
      const [one, other] = [merged(parts), merged([...parts].reverse())];
      expect(one.requests).toEqual(other.requests);
      for (const [a, b] of [
        [one, other],
        [one, groupKpis(whole, 100)],
      ] as const) {
        for (const part of ["p50", "p90", "p99", "max", "count"] as const)
          expect(a.e2eSeconds[part]).toBe(b.e2eSeconds[part]);
        expect(a.e2eSeconds.mean).toBeCloseTo(b.e2eSeconds.mean, 9);
      }
    });
  });

  it.each([
    { shares: [], jain: 1 },
    { shares: [0, 0], jain: 1 },
    { shares: [5, 5, 5], jain: 1 },
    { shares: [9, 0, 0], jain: 1 / 3 },
    { shares: [1, 3], jain: 16 / 20 },
  ])("Jain's index of $shares is $jain", ({ shares, jain }) => expect(jainIndex(shares)).toBeCloseTo(jain, 12));

  it("tells the first 10 000 tenants apart", () => {
    const shares = new TokenShares();
    for (let i = 0; i < 10_001; i += 1) shares.add(`t${i}`, 1);
    expect([shares.tenants, shares.overflowed]).toEqual([10_000, true]);
  });
});

describe("priority inversions", () => {
  it.each([
    { name: "strict order", dispatches: [1, 2, 0], inversions: 0 },
    { name: "low first", dispatches: [0, 1, 2], inversions: 0 },
    { name: "a later low one before an earlier high one", dispatches: [3, 1, 2, 0], inversions: 1 },
    { name: "none once the high ones are gone", dispatches: [1, 2, 3, 0], inversions: 0 },
  ])("$name", ({ dispatches, inversions }) => {
    const queues = new HeldQueues();
    // Request 0 is low and came first; 1 and 2 are high; 3 is low and came last.
    const priorities = [0, 4, 4, 0];
    for (const [id, priority] of priorities.entries()) queues.hold(id, priority, at(id));
    for (const id of dispatches) queues.dispatch(id, at(id));
    expect(queues.inversions).toBe(inversions);
  });

  it("agrees with looking at all that are held, over any order", () => {
    forAllSeeds(SEEDS, (rng) => {
      const queues = new HeldQueues();
      const held = new Map<number, number>();
      let expected = 0;
      for (let id = 0; id < 300; id += 1) {
        const priority = rng.below(4) - 1;
        held.set(id, priority);
        queues.hold(id, priority, at(id));
        for (let out = rng.below(3); out > 0 && held.size > 0; out -= 1) {
          const [gone, low] = [...held][rng.below(held.size)] as [number, number];
          held.delete(gone);
          if (rng.below(4) === 0) {
            queues.leave(gone);
            continue;
          }
          if ([...held].some(([other, high]) => high > low && other < gone)) expected += 1;
          queues.dispatch(gone, at(gone));
        }
      }
      expect(queues.inversions).toBe(expected);
      expect(queues.held).toBe(held.size);
    });
  });
});

it("calls replicas blocked whose mean queue is over twice the mean", () => {
  const means = new QueueMeans();
  const of = (pod: string, waiting: number) => ({ pod, waiting });
  means.look([of("a", 0), of("b", 1), of("c", 11)]);
  expect(means.blocked).toBe(1);
  means.look([of("a", 12), of("b", 12), of("c", 0)]);
  expect(means.blocked).toBe(0);
});

describe("objectives of a class", () => {
  const kpis = (attained: number): Kpis => {
    const fold = foldOf({ slo });
    for (let id = 0; id < 10; id += 1) {
      const one = { ...request(id, id), sloClass: "critical" };
      fold.tell(arrived(one));
      fold.tell(finished(one, "stop", { ttft: id < attained ? 0.1 : 0.3, end: 0.5 }));
    }
    return fold.kpis(view(100));
  };
  it.each([
    { atLeast: "0.8", runs: [8, 9], verdict: "Passed" },
    { atLeast: "0.8", runs: [7, 9], verdict: "Inconclusive" },
    { atLeast: "0.95", runs: [7, 9], verdict: "Failed" },
  ] as const)("attainment of $runs in ten against $atLeast: $verdict", ({ atLeast, runs, verdict }) => {
    const objective = { metric: "sloAttainment", sloClass: "critical", atLeast } as const;
    const judged = judge([objective], runs.map(kpis));
    expect(judged.verdict).toBe(verdict);
    expect(judged.objectives[0]).toMatchObject({ ...objective, observed: { mean: sum(runs) / 20 } });
  });

  it("are undecided of a class that nobody is of, and of targets that nobody has", () => {
    const of = { metric: "e2e", sloClass: "batch", atMost: "1s" } as const;
    expect(judge([of], [kpis(1)]).verdict).toBe("Inconclusive");
    expect(judge([{ metric: "sloAttainment", atLeast: "0" }], [foldOf().kpis(view(0))]).verdict).toBe("Inconclusive");
    expect(judge([{ ...of, sloClass: "critical" }], [kpis(1)]).verdict).toBe("Passed");
  });

  it("stand among the flat figures where they are told", () => {
    expect(spreadOf([kpis(8), kpis(9)]).sloAttainmentRatio?.mean).toBeCloseTo(0.85, 9);
    expect(spreadOf([foldOf().kpis(view(0))])).not.toHaveProperty("sloAttainmentRatio");
  });
});
