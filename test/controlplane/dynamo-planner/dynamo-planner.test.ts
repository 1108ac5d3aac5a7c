import { describe, expect, it } from "vitest";
import type { ControlLoop } from "../../../src/controlplane/control-loop.ts";
import type { ControllerTarget, EnginePerformance } from "../../../src/controlplane/controller.ts";
import { controllers } from "../../../src/controlplane/controllers/index.ts";
import { controllerProblems } from "../../../src/controlplane/controllers/problems.ts";
import type { QueryElement } from "../../../src/controlplane/monitoring-server.ts";
import { byPod, contextOf, monitoringOf, one, Scales, scaleOf, target } from "../controller-fixtures.ts";
import { at } from "../hpa/fixtures.ts";

const prefill = target("prefill", { role: "prefill" });
const decode = target("decode", { role: "decode" });
const profile: EnginePerformance = {
  ttftSeconds: (isl) => isl / 20_000,
  prefillTokensPerGpu: () => 20_000,
  itlSeconds: (concurrency) => 0.01 + concurrency / 1000,
  bestDecodeTokensPerGpu: () => 1000,
};
const planner = (said: Record<string, unknown>, targets: readonly ControllerTarget[]): ControlLoop =>
  controllers.create(
    controllers.schema.parse({ name: "dynamo-planner", ...said }),
    contextOf(targets, { performance: () => profile }),
  )[0] as ControlLoop;
type Answers = readonly (readonly [string, readonly QueryElement[] | "unreachable"])[];

describe("load mode by fill", () => {
  /** KV usage and waiting requests of each of two pods of `of`; prompts of 1000 tokens. */
  const wanted = (
    of: ControllerTarget,
    usage: readonly [number, number],
    waiting: readonly [number, number],
    said: Record<string, unknown> = {},
  ): number | undefined => {
    const { workload } = of;
    const pods = (values: readonly number[]) =>
      byPod(Object.fromEntries(values.map((value, i) => [`${workload}-${i}`, value])));
    const other = of.role === "both" ? [] : [of === prefill ? decode : prefill];
    const idle = other.flatMap(
      (one): Answers => [
        [
          `kv_cache_usage_perc{namespace="serving",model_name="llama",pod=~"${one.workload}`,
          byPod({ [`${one.workload}-0`]: 0.2 }),
        ],
        [`num_requests_waiting{namespace="serving",model_name="llama",pod=~"${one.workload}`, []],
      ],
    );
    const answers: Answers = [
      ...idle,
      ["kv_cache_usage_perc", pods(usage)],
      ["num_requests_waiting", pods(waiting)],
      ["request_prompt_tokens", one(1000)],
    ];
    const scales = new Scales(
      Object.fromEntries([[workload, scaleOf(workload, 2)], ...other.map((o) => [o.workload, scaleOf(o.workload, 1)])]),
      monitoringOf(answers),
    );
    const step = planner(said, [of, ...other]).run(scales.view(at(5)));
    return step.scales.find((scale) => scale.workload === workload)?.replicas;
  };

  it.each([
    ["throughput", [1, 0.2], [0, 0], 2],
    ["throughput", [0.9, 0.2], [2, 0], 3],
    ["throughput", [0.5, 0.5], [0, 0], 1],
    ["throughput", [0.6, 0.5], [0, 0], 2],
    ["latency", [0.41, 0], [0, 0], 3],
    ["latency", [0.4, 0.2], [0, 0], 2],
    ["latency", [0.09, 0.09], [0, 0], 1],
  ] as const)("both in one, %s: KV %j and %j waiting of two", (optimizationTarget, usage, waiting, count) =>
    expect(wanted(target("both"), usage, waiting, { optimizationTarget })).toBe(count),
  );
  it.each([
    // Of a context length of 8192: 9 prompts are more, 8 are less.
    ["throughput", [9, 0], 3],
    ["throughput", [8, 0], 2],
    ["throughput", [0, 0], 1],
    ["latency", [1, 0], 3],
    ["latency", [0, 0], 1],
  ] as const)("prefill, %s: %j waiting of two", (optimizationTarget, waiting, count) =>
    expect(wanted(prefill, [0, 0], waiting, { optimizationTarget })).toBe(count),
  );
  it("decode counts the prompts that wait for it", () => {
    expect(wanted(decode, [0.9, 0.7], [2, 0])).toBe(3);
    expect(wanted(decode, [0.9, 0.7], [1, 0])).toBe(2);
    expect(wanted(decode, [0.5, 0.5], [0, 0])).toBe(1);
  });
  it("keeps the least and the budget", () => {
    expect(wanted(target("both"), [0.1, 0.1], [0, 0], { minEndpoint: 2 })).toBe(2);
    expect(wanted(target("both"), [1, 1], [5, 5], { maxGpuBudget: 2 })).toBe(2);
  });
});

describe("its passes", () => {
  const quiet: Answers = [["kv_cache_usage_perc", byPod({ "both-0": 0.1, "both-1": 0.1 })]];
  const both = target("both");

  it("come every 5 s in load mode, every 180 s in throughput mode", () => {
    const scales = new Scales({ both: scaleOf("both", 2) }, monitoringOf(quiet));
    const load = planner({}, [both]);
    expect(load.firstAfter).toBe(5e6);
    expect(load.run(scales.view(at(5)))).toEqual({
      scales: [{ workload: "both", replicas: 1, reason: "throughput target" }],
      againAfter: 5e6,
    });
    expect(planner({ optimizationTarget: "sla" }, [prefill, decode]).firstAfter).toBe(180e6);
  });
  it.each([
    ["an engine isn't ready", scaleOf("both", 2, 1), quiet],
    ["an engine hasn't told yet", scaleOf("both", 2), [["kv_cache_usage_perc", byPod({ "both-0": 0.1 })]] as Answers],
    ["Prometheus doesn't answer", scaleOf("both", 2), [["vllm", "unreachable"]] as Answers],
  ])("hold while %s", (_name, scale, answers) =>
    expect(planner({}, [both]).run(new Scales({ both: scale }, monitoringOf(answers)).view(at(5))).scales).toEqual([]),
  );
});

describe("throughput mode", () => {
  const traffic = (requests: number, change: Answers = []): Answers => [
    ...change,
    ["request_success_total", one(requests)],
    ["request_prompt_tokens", one(3000)],
    ["request_generation_tokens", one(150)],
    ["time_to_first_token", one(0.2)],
    ["inter_token_latency", one(0.02)],
    ["e2e_request_latency", one(4)],
  ];
  const pass = (answers: Answers, said: Record<string, unknown> = {}): Record<string, number> => {
    const scales = new Scales({ prefill: scaleOf("prefill", 1), decode: scaleOf("decode", 1) }, monitoringOf(answers));
    const loop = planner({ optimizationTarget: "sla", maxGpuBudget: -1, ...said }, [prefill, decode]);
    const { scales: written } = loop.run(scales.view(at(180)));
    return Object.fromEntries(written.map(({ workload, replicas }) => [workload, replicas]));
  };

  it("wants as many as carry what came", () => {
    // 3600 x 3000 / 180 = 60000 of 20000; 3600 x 150 / 180 = 3000 of 1000.
    expect(pass(traffic(3600))).toEqual({ prefill: 3, decode: 3 });
    expect(pass(traffic(1))).toEqual({ prefill: 1, decode: 1 });
  });
  it("keeps the budget, prefill and decode in proportion", () =>
    expect(pass(traffic(36_000), { maxGpuBudget: 8 })).toEqual({ prefill: 4, decode: 4 }));
  it("corrects by what was observed, where it is told to", () =>
    // TTFT 0.075 of 0.15 s profiled: half of the prompts' work.
    expect(pass(traffic(3600, [["time_to_first_token", one(0.075)]]), { correction: true })).toMatchObject({
      prefill: 2,
    }));
  it.each([
    ["nothing came", traffic(0, [["request_prompt_tokens", one(Number.NaN)]])],
    ["nothing is told", []],
  ])("changes nothing where %s", (_name, answers) => expect(pass(answers)).toEqual({}));
  it("reads Dynamo's frontend where there is one", () => {
    const monitoring = monitoringOf([]);
    const loop = planner({ optimizationTarget: "sla", trafficSource: "frontend" }, [
      prefill,
      target("decode", { role: "decode", model: "Org/LLaMA" }),
    ]);
    loop.run(new Scales({ prefill: scaleOf("prefill", 1), decode: scaleOf("decode", 1) }, monitoring).view(at(180)));
    expect(monitoring.asked[0]).toBe('sum(increase(dynamo_frontend_requests_started_total{model="org/llama"}[180s]))');
  });
  it("is the floor of load mode where both are on", () => {
    const idle: Answers = [
      [
        'kv_cache_usage_perc{namespace="serving",model_name="llama",pod=~"prefill',
        byPod({ "prefill-0": 0, "prefill-1": 0, "prefill-2": 0, "prefill-3": 0 }),
      ],
      ["kv_cache_usage_perc", byPod({ "decode-0": 0, "decode-1": 0, "decode-2": 0, "decode-3": 0 })],
    ];
    const scales = new Scales(
      { prefill: scaleOf("prefill", 4), decode: scaleOf("decode", 4) },
      monitoringOf([...idle, ...traffic(3600)]),
    );
    const loop = planner({ optimizationTarget: "sla", loadScaling: true, maxGpuBudget: -1 }, [prefill, decode]);
    let now = 5;
    const seen: number[] = [];
    for (let i = 0; i < 40; i += 1) {
      now += scales.pass(loop, at(now)).againAfter / 1e6;
      seen.push(scales.of.get("prefill")?.specReplicas ?? -1);
    }
    // Down to fewer at first; from the forecast at 180 s on no fewer than 3, which then tell nothing of the fourth.
    expect(Math.min(...seen)).toBeLessThan(4);
    expect(now).toBeGreaterThan(180);
    expect(seen.at(-1)).toBe(3);
  });
});

describe("what isn't simulated is said", () => {
  const reasons = (said: Record<string, unknown>, targets: readonly ControllerTarget[]) =>
    controllerProblems(controllers.schema.parse({ name: "dynamo-planner", ...said }), targets).map(
      ({ field }) => field,
    );
  it.each([
    [{}, [target("both")], []],
    [{ loadPredictor: "arima" }, [target("both")], ["loadPredictor"]],
    [{ loadPredictor: "prophet" }, [target("both")], ["loadPredictor"]],
    [{}, [prefill], ["name"]],
    [{}, [target("a"), target("b")], ["name"]],
    [{ optimizationTarget: "sla" }, [target("both")], ["optimizationTarget"]],
    [{ optimizationTarget: "sla", throughputScaling: false }, [prefill, decode], ["throughputScaling"]],
    [{ optimizationTarget: "sla", loadScaling: true, loadInterval: "180s" }, [prefill, decode], ["loadInterval"]],
  ])("%j", (said, targets, fields) => expect(reasons(said, targets)).toEqual(fields));
  it("thresholds that cross are refused of the others", () => {
    const of = (said: Record<string, unknown>) =>
      controllerProblems(controllers.schema.parse(said), [target("a")]).map(({ field }) => field);
    expect(of({ name: "blis-autoscaler", scaleDownBoundary: 0.8 })).toEqual(["scaleDownBoundary"]);
    expect(of({ name: "wva", kvSpareTrigger: 0.9 })).toEqual(["kvSpareTrigger"]);
    expect(of({ name: "wva", analyzer: "tokens", gpus: { H100: 8 } })).toEqual(["gpus"]);
    expect(of({ name: "wva" })).toEqual([]);
  });
});
