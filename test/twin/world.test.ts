import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, waitingHpa, workload } from "./scenario-fixture.ts";

const HOUR = 3600e6;

const run = (said: Scenario): { world: World; facts: Fact[] } => {
  const facts: Fact[] = [];
  const world = new World(said, (fact) => facts.push(fact));
  while (world.next !== undefined) world.step();
  return { world, facts };
};

const ofKind = <K extends Fact["kind"]>(facts: readonly Fact[], kind: K): Extract<Fact, { kind: K }>[] =>
  facts.filter((fact): fact is Extract<Fact, { kind: K }> => fact.kind === kind);

const report = (world: World, said: Scenario) =>
  world.report({ scenarioDigest: "d", version: "v" }, said.horizonMicros as SimTime);

/** Too much for two replicas, with a spike: preempts, queues, scales out and in. */
const busy = (seed: number): Scenario =>
  scenario({
    seed,
    horizonMicros: HOUR / 4,
    workloads: [workload({ engine: { ...workload().engine, numGpuBlocks: 1200 } })],
    autoscalers: [waitingHpa(3)],
    traffic: {
      kind: "synthetic",
      synthetic: chat(10, { pattern: [{ shape: "spike", at: "3m", duration: "3m", factor: 5 }] }),
    },
  });

describe.each([1, 2, 3])("the ledger of a run, seed %i", (seed) => {
  const said = busy(seed);
  const { world, facts } = run(said);

  it("ends every request once, or holds it at the horizon", () => {
    const arrived = ofKind(facts, "arrived").map(({ request }) => request.id);
    const ended = [
      ...ofKind(facts, "finished").map(({ facts: f }) => f.request.id),
      ...ofKind(facts, "refused").map(({ request }) => request.id),
    ];
    expect(new Set(ended).size).toBe(ended.length);
    expect(new Set(arrived).size).toBe(arrived.length);
    const { requests } = report(world, said).kpis;
    expect(requests.arrived).toBe(arrived.length);
    expect(requests.completed + requests.rejected + requests.aborted + requests.inFlightAtEnd).toBe(arrived.length);
    expect(requests.inFlightAtEnd).toBe(arrived.length - ended.length);
  });

  it("gives every completed request the tokens that it came for", () => {
    for (const { facts: f } of ofKind(facts, "finished")) {
      if (f.outcome === "stop" || f.outcome === "length") expect(f.outputTokens).toBe(f.request.outputTokens);
      else expect(f.outputTokens).toBeLessThanOrEqual(f.request.outputTokens);
    }
  });

  it("knows no effect before its cause", () => {
    for (const { facts: f } of ofKind(facts, "finished")) {
      expect(f.queued).toBeGreaterThanOrEqual(f.request.arrival);
      if (f.scheduled !== undefined) expect(f.scheduled).toBeGreaterThanOrEqual(f.queued);
      if (f.firstToken !== undefined) expect(f.firstToken).toBeGreaterThan(f.scheduled as number);
      expect(f.end).toBeGreaterThanOrEqual(f.firstToken ?? f.queued);
    }
  });

  it("serves on ready pods only, and never more than wanted for long", () => {
    const ready = new Set<string>();
    for (const fact of facts) {
      if (fact.kind === "pod" && fact.phase === "ready") ready.add(fact.pod);
      if (fact.kind === "first-token") expect(ready.has(fact.pod)).toBe(true);
    }
    const wanted = ofKind(facts, "scaled").map(({ to }) => to);
    for (const replicas of wanted) expect(replicas).toBeLessThanOrEqual(8);
  });

  it("scales out late: no pod is ready sooner than its start takes", () => {
    const created = new Map<string, number>();
    for (const fact of ofKind(facts, "pod")) {
      if (fact.phase === "pending") created.set(fact.pod, fact.at);
      const since = created.get(fact.pod) ?? 0;
      if (fact.phase === "ready" && since > 0) expect(fact.at - since).toBeGreaterThan(25e6);
    }
    expect(ofKind(facts, "scaled").length).toBeGreaterThan(0);
  });

  it("tells the same facts for the same seed, others for another", () => {
    expect(run(said).facts).toEqual(facts);
    expect(run({ ...said, seed: seed + 100 }).facts).not.toEqual(facts);
  });

  it("is not changed by being looked at", () => {
    const watched = new World(said);
    for (let at = 0; at < (said.horizonMicros as number); at += 7_654_321) {
      watched.runUntil(at as SimTime);
      watched.view(at as SimTime);
      watched.progress(at as SimTime);
    }
    while (watched.next !== undefined) watched.step();
    expect(report(watched, said)).toEqual(report(world, said));
  });
});

it("hands every request to a replica in turn under round robin", () => {
  const { facts } = run(
    scenario({ gateway: { kind: "policy", policy: { policy: "round-robin" }, scrapeIntervalMicros: 50_000 } }),
  );
  const pods = new Map<string, number>();
  for (const { pod } of ofKind(facts, "first-token")) pods.set(pod, (pods.get(pod) ?? 0) + 1);
  const [a = 0, b = 0] = pods.values();
  expect(Math.abs(a - b)).toBeLessThan(10);
});

it("cuts the streams of a pod that is taken away, and lets them end where the engine may drain", () => {
  const spike = chat(2, { pattern: [{ shape: "spike", at: "2m", duration: "2m", factor: 20 }] });
  const within = (shutdownTimeoutSeconds: number) =>
    report(
      ...(() => {
        const said = scenario({
          horizonMicros: HOUR,
          workloads: [
            workload({ replicas: 1, stop: { gracePeriodSeconds: 300, preStopSeconds: 0, shutdownTimeoutSeconds } }),
          ],
          autoscalers: [waitingHpa(1)],
          traffic: { kind: "synthetic", synthetic: spike },
        });
        return [run(said).world, said] as const;
      })(),
    ).kpis;
  const [cut, drained] = [within(0), within(200)];
  expect(cut.scaleDowns).toBeGreaterThan(0);
  expect(cut.requests.aborted).toBeGreaterThan(0);
  expect(drained.requests.aborted).toBe(0);
});

it("lets another write the scale where the autoscaler is External", () => {
  const said = scenario({ autoscalers: [{ ...waitingHpa(1), driver: "External" }], horizonMicros: 900e6 });
  const facts: Fact[] = [];
  const world = new World(said, (fact) => facts.push(fact));
  world.inject(60e6 as SimTime, { kind: "scale-written", workload: "llama", replicas: 5, by: "somebody" });
  while (world.next !== undefined) world.step();
  expect(ofKind(facts, "synced")).toHaveLength(0);
  expect(ofKind(facts, "scaled")).toMatchObject([{ from: 2, to: 5, by: "somebody" }]);
  expect(world.view(said.horizonMicros as SimTime).workloads[0]?.readyReplicas).toBe(5);
});

it("shows the series of pods that are there, and of no others", () => {
  const said = busy(1);
  const world = new World(said);
  const seen = new Set<string>();
  for (let at = 30e6; at <= (said.horizonMicros as number); at += 30e6) {
    world.runUntil(at as SimTime);
    const view = world.view(at as SimTime);
    const engines = familiesOf(view).filter(({ name }) => name.startsWith("vllm:"));
    const shown = new Set(engines.flatMap(({ samples }) => samples.map(({ labels }) => labels.pod)));
    expect(shown).toEqual(new Set(view.replicas.map(({ pod }) => pod)));
    for (const { pod } of view.replicas) seen.add(pod);
  }
  expect(seen.size).toBeGreaterThan(world.view().replicas.length);
});

it("answers 503 while no replica is ready", () => {
  const { facts } = run(scenario({ workloads: [workload({ replicas: 0 })] }));
  expect(ofKind(facts, "refused").length).toBe(ofKind(facts, "arrived").length);
});
