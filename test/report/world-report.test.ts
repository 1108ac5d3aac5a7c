import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import type { Report } from "../../src/report/report.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, waitingHpa, workload } from "../twin/scenario-fixture.ts";

const WARM_UP = 60e6;
const HORIZON = 600e6;

/** The report of a whole run, and every fact of it, to be counted anew in the plainest way. */
const run = (over: Partial<Scenario>): { report: Report; facts: Fact[] } => {
  const facts: Fact[] = [];
  const world = new World(scenario({ warmUpMicros: WARM_UP, horizonMicros: HORIZON, ...over }), (fact) =>
    facts.push(fact),
  );
  world.runUntil(HORIZON as SimTime);
  return { report: world.report({ scenarioDigest: "", version: "" }), facts };
};

const of = <K extends Fact["kind"]>(facts: readonly Fact[], kind: K) =>
  facts.filter((fact): fact is Extract<Fact, { kind: K }> => fact.kind === kind);

const exact = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = q * (sorted.length - 1);
  const low = sorted[Math.floor(rank)] as number;
  return low + (rank % 1) * ((sorted[Math.floor(rank) + 1] ?? low) - low);
};

describe.each([
  { name: "two replicas", over: {} },
  {
    name: "an overload with an autoscaler",
    over: { traffic: { kind: "synthetic", synthetic: chat(30) }, autoscalers: [waitingHpa(5)] },
  },
] as const)("the report of $name", ({ over }) => {
  const { report, facts } = run(over);
  const { kpis, timeline, families } = report;

  it("agrees with the facts, counted anew", () => {
    const arrived = of(facts, "arrived").filter(({ request }) => request.arrival >= WARM_UP);
    const ended = of(facts, "finished").filter(({ facts: { request } }) => request.arrival >= WARM_UP);
    const completed = ended.filter(({ facts: { outcome } }) => outcome === "stop" || outcome === "length");
    expect(kpis.requests.arrived).toBe(arrived.length);
    expect(kpis.requests.completed).toBe(completed.length);
    expect(kpis.requests.arrived).toBeGreaterThan(1000);
    const ttft = of(facts, "first-token")
      .filter(({ request }) => request.arrival >= WARM_UP)
      .map(({ at, request }) => (at - request.arrival) / 1e6);
    const e2e = completed.map(({ facts: { request, end } }) => (end - request.arrival) / 1e6);
    for (const [told, values] of [
      [kpis.ttftSeconds, ttft],
      [kpis.e2eSeconds, e2e],
    ] as const) {
      expect(told.count).toBe(values.length);
      expect(told.max).toBe(Math.max(...values));
      for (const [name, q] of [
        ["p50", 0.5],
        ["p90", 0.9],
        ["p95", 0.95],
        ["p99", 0.99],
      ] as const) {
        expect(Math.abs(told[name] / exact(values, q) - 1)).toBeLessThanOrEqual(0.005 + 1e-9);
      }
    }
  });

  it("agrees with itself: what the timeline shows adds up to the whole run's figures", () => {
    const sum = (column: readonly number[]): number =>
      column.reduce((all, value) => all + value * timeline.bucketSeconds, 0);
    expect(sum(timeline.columns.arrivalsPerSecond)).toBeCloseTo(of(facts, "arrived").length, 6);
    const tokens =
      families
        .find(({ name }) => name === "vllm:generation_tokens")
        ?.samples.reduce((all, { value }) => all + Number(value), 0) ?? 0;
    if (of(facts, "pod").every(({ phase }) => phase !== "gone"))
      expect(sum(timeline.columns.outputTokensPerSecond)).toBeCloseTo(tokens, 3);
    expect(sum(timeline.columns.replicasReady.slice(WARM_UP / 1e6 / timeline.bucketSeconds)) / 540).toBeCloseTo(
      kpis.replicas.mean,
      9,
    );
  });

  it("takes inter-token latencies from all gaps between tokens after the warm-up, those of ended replicas too", () => {
    const gaps = (requests: readonly { readonly outputTokens: number }[]): number =>
      requests.reduce((all, { outputTokens }) => all + outputTokens - 1, 0);
    const served = of(facts, "finished").filter(({ facts: { request } }) => request.arrival >= WARM_UP);
    const whole = served.filter(({ facts: { outcome } }) => outcome === "stop" || outcome === "length");
    expect(kpis.itlSeconds.count).toBeGreaterThanOrEqual(gaps(whole.map(({ facts: { request } }) => request)));
    expect(kpis.itlSeconds.count).toBeLessThan(gaps(of(facts, "arrived").map(({ request }) => request)));
    expect(kpis.itlSeconds.p50).toBeGreaterThan(0.003);
    expect(kpis.itlSeconds.p50).toBeLessThanOrEqual(kpis.itlSeconds.p99);
    expect(kpis.itlSeconds.mean).toBeLessThanOrEqual(kpis.itlSeconds.max);
  });
});

it("counts the GPUs of starting replicas before they are ready", () => {
  const { report } = run({
    workloads: [workload({ gpusPerReplica: 4 })],
    traffic: { kind: "synthetic", synthetic: chat(30) },
    autoscalers: [waitingHpa(5)],
  });
  const { replicaHours, gpuHours, replicas, scaleUps } = report.kpis;
  expect(scaleUps).toBeGreaterThan(0);
  expect(gpuHours).toBeCloseTo(4 * replicaHours, 9);
  expect(replicaHours * 3600).toBeGreaterThan(replicas.mean * 540);
});
