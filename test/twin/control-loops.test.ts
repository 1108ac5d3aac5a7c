import { describe, expect, it } from "vitest";
import type { ControllerTarget } from "../../src/controlplane/controller.ts";
import { controllers } from "../../src/controlplane/controllers/index.ts";
import type { Fact } from "../../src/model/fact.ts";
import { parseQuery } from "../../src/promql/index.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { micros } from "../../src/sim/time.ts";
import { controllersOf } from "../../src/twin/control-loops.ts";
import { enginePerformance } from "../../src/twin/engine-performance.ts";
import type { AutoscalerScenario, ControllerScenario, Scenario, WorkloadScenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, waitingHpa, workload } from "./scenario-fixture.ts";

const targetOf = (of: WorkloadScenario, change: Partial<ControllerTarget> = {}): ControllerTarget => ({
  name: of.name,
  namespace: of.namespace,
  workload: of.name,
  kind: "annotated",
  model: of.modelName,
  accelerator: "H100",
  cost: 10,
  gpusPerReplica: 1,
  role: "both",
  engine: {
    maxNumSeqs: of.engine.maxNumSeqs,
    maxNumBatchedTokens: of.engine.maxNumBatchedTokens,
    maxModelLen: of.engine.maxModelLen,
    blockTokens: of.engine.blockSize,
    kvTokens: of.engine.numGpuBlocks * of.engine.blockSize,
    tensorParallel: 1,
    gpuMemoryUtilization: of.gpuMemoryUtilization,
  },
  ...change,
});

const controlled = (said: Record<string, unknown>, targets: readonly ControllerTarget[]): ControllerScenario => ({
  said: controllers.schema.parse(said),
  targets,
});

/** Quick to start, so that a short run sees what comes of a decision. */
const quick = workload({
  start: {
    scheduleSeconds: { mean: 1, deviation: 0 },
    imagePullSeconds: { mean: 1, deviation: 0 },
    modelLoadSeconds: { mean: 5, deviation: 0 },
    engineInitSeconds: { mean: 5, deviation: 0 },
    probe: { initialDelaySeconds: 1, periodSeconds: 1 },
  },
});

/** With a cache that fills soon. */
const small = { ...quick, engine: { ...quick.engine, numGpuBlocks: 700 } };

const onWanted: AutoscalerScenario = {
  ...waitingHpa(1),
  spec: {
    ...waitingHpa(1).spec,
    metrics: [
      {
        type: "External",
        metric: "wva_desired_replicas",
        selector: { variant_name: "llama", exported_namespace: "inference" },
        target: { type: "AverageValue", milli: 1000 },
      },
    ],
  },
};

const scaled = (said: Scenario): readonly { at: number; from: number; to: number; by: string }[] => {
  const facts: Fact[] = [];
  const world = new World(said, (fact) => facts.push(fact));
  while (world.next !== undefined) world.step();
  return facts.flatMap((fact) => (fact.kind === "scaled" ? [{ ...fact, at: fact.at / 1e6 }] : []));
};

const flood = (rate: number) => ({ kind: "synthetic", synthetic: chat(rate) }) as const;

describe("in a world", () => {
  it("WVA's wish reaches the HPA through its metrics page, one replica at a time", () => {
    const said = scenario({
      horizonMicros: 400e6,
      workloads: [small],
      autoscalers: [onWanted],
      controllers: [controlled({ name: "wva" }, [targetOf(small)])],
      traffic: flood(40),
    });
    const steps = scaled(said);
    expect(steps.length).toBeGreaterThanOrEqual(3);
    expect(steps.every(({ by }) => by === "HorizontalPodAutoscaler/inference/llama")).toBe(true);
    expect(steps.every(({ from, to }) => to - from === 1)).toBe(true);
    expect(scaled(said)).toEqual(steps);
  });

  it("BLIS's autoscaler writes the scale when its delay is over", () => {
    const said = scenario({
      horizonMicros: 200e6,
      workloads: [{ ...quick, replicas: 1 }],
      controllers: [
        controlled({ name: "blis-autoscaler", scrapeDelay: { mean: "7s" } }, [targetOf(quick, { kind: "workload" })]),
      ],
      traffic: flood(40),
    });
    const [first] = scaled(said);
    expect(first).toMatchObject({ from: 1, by: "BlisAutoscaler/inference/test" });
    expect((first?.at as number) % 30).toBeCloseTo(7, 9);
  });

  it("Dynamo's planner goes by what Prometheus has scraped", () => {
    const said = scenario({
      horizonMicros: 300e6,
      workloads: [{ ...small, replicas: 1 }],
      controllers: [controlled({ name: "dynamo-planner", maxGpuBudget: 3 }, [targetOf(small)])],
      traffic: flood(40),
    });
    const steps = scaled(said);
    expect(steps.map(({ to }) => to)).toContain(3);
    expect(Math.max(...steps.map(({ to }) => to))).toBe(3);
    expect(steps.every(({ from, to }) => Math.abs(to - from) === 1)).toBe(true);
    expect(steps[0]?.by).toBe("DynamoPlanner/inference/test");
  });

  it("a scenario without controllers has no loops", () =>
    expect(controllersOf(scenario(), rngOf(1), { engines: () => [], queuedAtPicker: () => 0 })).toEqual([]));
});

it("all queries of all controllers are PromQL", () => {
  const [prefill, decode] = [
    targetOf(workload({ name: "a.prefill" }), { role: "prefill", model: 'o"dd\\name' }),
    targetOf(workload({ name: "decode" }), { role: "decode" }),
  ];
  const said = [
    controlled({ name: "wva", analyzer: "tokens", scaleToZero: true }, [prefill, decode]),
    ...["engines", "frontend"].map((trafficSource) =>
      controlled({ name: "dynamo-planner", optimizationTarget: "sla", loadScaling: true, trafficSource }, [
        prefill,
        decode,
      ]),
    ),
  ];
  const loops = controllersOf(scenario({ controllers: said }), rngOf(1), {
    engines: () => [],
    queuedAtPicker: () => 0,
  });
  const queries = loops.flatMap((loop) => loop.queries);
  expect(queries.length).toBeGreaterThan(25);
  for (const text of queries) expect(parseQuery(text), text).toMatchObject({ ok: true });
});

describe("the profile by the latency model", () => {
  const profile = enginePerformance(workload());

  it("prompts take longer the longer they are, and steps the fuller they are", () => {
    const ttfts = [100, 1000, 4000, 8000].map((isl) => profile.ttftSeconds(isl));
    expect(ttfts).toEqual([...ttfts].sort((a, b) => a - b));
    expect(profile.itlSeconds(32, 2000)).toBeGreaterThan(profile.itlSeconds(1, 2000));
  });
  it("the best throughput within an ITL keeps it, and grows with what is allowed", () => {
    const best = [0.005, 0.01, 0.02, 0.05].map((itl) => profile.bestDecodeTokensPerGpu(itl, 1000));
    expect(best).toEqual([...best].sort((a, b) => a - b));
    const [least, most] = [1, 64].map((n) => n / profile.itlSeconds(n, 1000));
    expect(profile.bestDecodeTokensPerGpu(1e-9, 1000)).toBeCloseTo(least as number, 9);
    expect(profile.bestDecodeTokensPerGpu(9, 1000)).toBeCloseTo(most as number, 6);
  });
  it("does not depend on how many GPUs a replica has, but per GPU", () => {
    const two = enginePerformance(workload({ gpusPerReplica: 2 }));
    expect(two.ttftSeconds(1000)).toBe(profile.ttftSeconds(1000));
    expect(two.prefillTokensPerGpu(1000)).toBeCloseTo(profile.prefillTokensPerGpu(1000) / 2, 6);
    expect(micros(Math.round(two.itlSeconds(8, 500) * 1e6))).toBeGreaterThan(0);
  });
});
