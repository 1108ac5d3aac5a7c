import { describe, expect, it } from "vitest";
import type { Fact, SyncMetric } from "../../src/model/fact.ts";
import type { LoopSetup } from "../../src/report/control-loop/loop-setup.ts";
import type { Finding } from "../../src/report/finding.ts";
import { findingRules, findingsOfAll } from "../../src/report/findings/index.ts";
import { ReportFold } from "../../src/report/fold.ts";
import { at, finished, pod, request, sample, scaled, view, workload } from "./views.ts";

const setup: LoopSetup = {
  autoscaler: "inference/chat",
  object: "HorizontalPodAutoscaler/inference/chat",
  workload: "chat",
  gpusPerReplica: 1,
  minReplicas: 1,
  maxReplicas: 10,
  toleranceUp: 0.1,
  scaleDownStabilizationSeconds: 300,
  metrics: [{ field: "spec.metrics[0]" }],
};

const found = (facts: readonly Fact[], over: Partial<LoopSetup> = {}): readonly Finding[] => {
  const fold = new ReportFold({
    horizonMicros: 3600e6,
    warmUpMicros: 0,
    gpusPerReplica: { chat: 1 },
    loops: [{ ...setup, ...over }],
  });
  sample(fold, { ...view(0, []), workloads: [workload(1)] });
  for (const fact of facts) fold.tell(fact);
  const identity = { scenario: "baseline", seed: 1, scenarioDigest: "d", version: "0", notes: [] };
  return fold.report(identity, view(3600, []), []).findings ?? [];
};

/** Syncs of one metric, one every 15 s. */
const syncs = (count: number, of: (i: number) => Partial<SyncMetric> & { readonly replicas?: number }): Fact[] =>
  Array.from({ length: count }, (_, i): Fact => {
    const { replicas = 1, ...over } = of(i);
    const metric: SyncMetric = {
      name: "m",
      source: "External",
      seen: 1,
      target: 10,
      targetType: "average",
      proposal: 1,
      ...over,
    };
    const sync = {
      currentReplicas: replicas,
      desiredReplicas: replicas,
      metrics: [metric],
      reason: "ReadyForNewScale",
    };
    return { kind: "synced", at: at(15 * i), autoscaler: "inference/chat", sync };
  });

/** A metric that does what it should: it asks for more now and then. */
const sound = syncs(30, (i) => (i === 7 ? { seen: 25, proposal: 3 } : {}));
/** The mean of a ratio that falls short of 1, as the controller sees it: shared by the replicas. */
const ratio = (i: number) => ({
  replicas: 1 + (i % 2),
  target: 0.5,
  seen: Math.ceil((((i % 9) + 0.55) / 10 / (1 + (i % 2))) * 1000) / 1000,
  proposal: 1 + (i % 2),
});
const noData = { seen: undefined, proposal: undefined };
const starts = (seconds: number): Fact[] => [pod("pending", 500, "b"), pod("ready", 500 + seconds, "b")];
const flaps = (times: number): Fact[] =>
  Array.from({ length: times + 1 }, (_, i) => scaled(i % 2 === 0 ? 1 : 3, i % 2 === 0 ? 3 : 1, 400 * i));
const by = (fact: Fact, by: string): Fact => ({ ...fact, by }) as Fact;
const quarrel = (gap: number): Fact[] =>
  [0, 1, 2].flatMap((i) => [scaled(1, 3, 1000 * i), by(scaled(3, 1, 1000 * i + gap), "kubectl")]);

describe("each finding", () => {
  it.each<{ name: string; when: string; facts: readonly Fact[]; over?: Partial<LoopSetup>; severity: string }>([
    { name: "query-without-answer", when: "never a value", facts: syncs(30, () => noData), severity: "error" },
    {
      name: "query-without-answer",
      when: "no value at a third of the syncs",
      facts: syncs(30, (i) => (i % 3 === 0 ? noData : { proposal: 2 })),
      severity: "warning",
    },
    {
      name: "query-without-answer",
      when: "nothing, taken for 0",
      facts: syncs(30, () => ({ seen: 0, elements: 0 })),
      severity: "error",
    },
    {
      name: "query-without-answer",
      when: "several elements, once",
      facts: syncs(30, (i) => (i === 4 ? { ...noData, elements: 4 } : { proposal: 2, elements: 1 })),
      severity: "error",
    },
    { name: "metric-cannot-grow", when: "a ratio per replica", facts: syncs(30, ratio), severity: "error" },
    {
      name: "metric-cannot-grow",
      when: "an avg() per replica",
      facts: syncs(30, (i) => ({ seen: 7 * i, proposal: i })),
      over: { metrics: [{ field: "spec.metrics[0]", query: "avg(vllm:num_requests_waiting)" }] },
      severity: "warning",
    },
    {
      name: "threshold-never-triggered",
      when: "far below its target",
      facts: syncs(30, () => ({ seen: 3 })),
      severity: "info",
    },
    { name: "min-equals-max", when: "one count", facts: sound, over: { minReplicas: 10 }, severity: "warning" },
    {
      name: "stabilization-below-start-up",
      when: "400 s to start, 300 s to go",
      facts: [...sound, ...starts(400)],
      severity: "info",
    },
    {
      name: "scale-in-aborts-streams",
      when: "a stream was cut",
      facts: [
        ...sound,
        pod("ready", 500),
        scaled(2, 1, 510),
        pod("terminating", 510),
        finished(request(1, 505), "aborted", { end: 9 }),
      ],
      severity: "error",
    },
    { name: "flapping", when: "five turns in an hour", facts: [...sound, ...flaps(5)], severity: "warning" },
    { name: "two-owners", when: "a second one undoes it", facts: [...sound, ...quarrel(60)], severity: "error" },
  ])("$name: $when", ({ name, facts, over, severity }) => {
    const of = found(facts, over).filter((one) => one.name === name);
    expect(of).toMatchObject([{ severity, object: "HorizontalPodAutoscaler/inference/chat" }]);
    for (const { message, fix, evidence } of of) {
      expect(message.length).toBeGreaterThan(20);
      expect(fix.length).toBeGreaterThan(10);
      for (const figure of Object.values(evidence)) expect(Number.isFinite(figure)).toBe(true);
    }
  });

  it.each<{ what: string; facts: readonly Fact[]; over?: Partial<LoopSetup>; not: string }>([
    { what: "a loop that does what it should", facts: sound, not: "" },
    {
      what: "no value before the first scrapes",
      facts: syncs(30, (i) => (i < 2 ? noData : i === 9 ? { seen: 20, proposal: 2 } : {})),
      not: "",
    },
    {
      what: "a ratio against a target of type Value",
      facts: syncs(30, (i) => ({ ...ratio(i), targetType: "value" as const })),
      not: "metric-cannot-grow",
    },
    {
      what: "a ratio per pod, which is averaged",
      facts: syncs(30, (i) => ({ ...ratio(i), source: "Pods" })),
      not: "metric-cannot-grow",
    },
    {
      what: "a ratio that may reach the most",
      facts: syncs(30, ratio),
      over: { maxReplicas: 2 },
      not: "metric-cannot-grow",
    },
    {
      what: "whole totals, as of a queue",
      facts: syncs(30, (i) => ({ seen: i % 2, target: 0.5 })),
      not: "metric-cannot-grow",
    },
    { what: "too little to judge by", facts: syncs(10, () => ({ seen: 3 })), not: "threshold-never-triggered" },
    { what: "a start-up within the window", facts: [...sound, ...starts(200)], not: "stabilization-below-start-up" },
    { what: "two turns", facts: [...sound, ...flaps(2)], not: "flapping" },
    { what: "another writer much later", facts: [...sound, ...quarrel(400)], not: "two-owners" },
  ])("isn't there for $what", ({ facts, over, not }) => {
    const names = found(facts, over).map(({ name }) => name);
    if (not === "") expect(names).toEqual([]);
    else expect(names).not.toContain(not);
  });

  it("is more severe where requests suffered", () => {
    const one = request(1, 1);
    const refused: Fact[] = [
      { kind: "arrived", at: at(1), request: one },
      { kind: "refused", at: at(1), request: one, outcome: "unroutable" },
    ];
    expect(found([...refused, ...syncs(30, () => ({ seen: 3 }))])).toMatchObject([
      { name: "threshold-never-triggered", severity: "warning", evidence: { largestSeen: 3, target: 10 } },
    ]);
  });
});

describe("findings together", () => {
  it("have names of their own, and come once for all replications, the most severe first", () => {
    expect(new Set(findingRules.map(({ name }) => name)).size).toBe(findingRules.length);
    const some = found(
      syncs(30, () => ({ seen: 3 })),
      { minReplicas: 10 },
    );
    const others = found(syncs(30, () => noData));
    const all = findingsOfAll([{ findings: some }, { findings: others }, {}, { findings: others }]);
    expect(all.map(({ severity }) => severity)).toEqual(["error", "warning"]);
    expect(all.map(({ name }) => name)).toEqual(["query-without-answer", "min-equals-max"]);
  });
});
