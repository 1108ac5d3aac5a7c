import * as z from "zod";
import { durationOf, durationSeconds, durationText } from "../../model/duration.ts";
import type { Problem } from "../../model/problem.ts";
import { type ControllerTarget, controller } from "../controller.ts";
import { DynamoPlanner, type PlannedGraph } from "../dynamo-planner/dynamo-planner.ts";
import { ConstantPredictor, KalmanPredictor, type LoadPredictor } from "../dynamo-planner/predictor.ts";
import { performanceOf, profileProblems } from "../dynamo-planner/profile.ts";

const positive = (description: string) => z.number().min(0.000001).max(1e9).meta({ description });

const prefillPoint = z.strictObject({
  isl: positive("Tokens of a prompt."),
  ttftMs: positive("Its time to first token, alone on an engine."),
  tokensPerGpu: positive("Prompt tokens per second and GPU."),
});

const decodePoint = z.strictObject({
  kvUsage: z.number().min(0).max(1).meta({ description: "Share of the KV cache in use." }),
  contextLength: positive("Tokens of each context."),
  itlMs: positive("Time between two tokens."),
  tokensPerGpu: positive("Output tokens per second and GPU."),
});

const params = () =>
  z.object({
    optimizationTarget: z.enum(["throughput", "latency", "sla"]).default("throughput").meta({
      description:
        "optimization_target. throughput, latency: load mode by how full the engines are. sla: by ttft and itl.",
    }),
    throughputScaling: z
      .boolean()
      .default(true)
      .meta({ description: "enable_throughput_scaling, of sla: by what is predicted to come." }),
    loadScaling: z
      .boolean()
      .default(false)
      .meta({ description: "enable_load_scaling, of sla: by what the engines have to do." }),
    throughputInterval: durationText.default("180s").meta({ description: "throughput_adjustment_interval" }),
    loadInterval: durationText.default("5s").meta({ description: "load_adjustment_interval" }),
    ttft: durationText.default("500ms").meta({ description: "Objective for the time to first token." }),
    itl: durationText.default("50ms").meta({ description: "Objective for the time between two tokens." }),
    minEndpoint: z.int().min(1).max(10_000).default(1).meta({ description: "min_endpoint, of each component." }),
    maxGpuBudget: z.int().min(-1).max(1_000_000).default(8).meta({ description: "max_gpu_budget; -1: no limit." }),
    loadScalingDownSensitivity: z.int().min(0).max(100).default(80).meta({
      description: "load_scaling_down_sensitivity: percent of an objective that one engine fewer has to keep.",
    }),
    loadPredictor: z
      .enum(["constant", "kalman", "arima", "prophet"])
      .default("constant")
      .meta({ description: "load_predictor. arima, the planner's own default, and prophet are not simulated." }),
    loadPredictorLog1p: z.boolean().default(false).meta({ description: "load_predictor_log1p, of kalman." }),
    kalmanQLevel: z.number().min(0).max(1e9).default(1).meta({ description: "kalman_q_level" }),
    kalmanQTrend: z.number().min(0).max(1e9).default(0.1).meta({ description: "kalman_q_trend" }),
    kalmanR: z.number().min(0).max(1e9).default(10).meta({ description: "kalman_r" }),
    correction: z
      .boolean()
      .default(false)
      .meta({ description: "Whether observed latencies correct the profile, as they did in 2025 (no_correction)." }),
    trafficSource: z.enum(["engines", "frontend"]).default("engines").meta({
      description:
        "frontend: dynamo_frontend_* metrics, as the planner has it. engines: the same quantities of vllm:*.",
    }),
    profile: z
      .strictObject({
        prefill: z.array(prefillPoint).min(4).max(256).meta({ description: "selected_prefill_interpolation" }),
        decode: z
          .array(decodePoint)
          .min(1)
          .max(4096)
          .meta({ description: "selected_decode_interpolation, a full grid." }),
        maxKvTokens: positive("max_kv_tokens: KV cache of a decode engine."),
      })
      .optional()
      .meta({ description: "Measured profile of the engines. Left out: by the latency model of the simulation." }),
  });
type PlannerSaid = z.output<ReturnType<typeof params>>;

/** NVIDIA Dynamo's planner. */
export const dynamoPlanner = controller({
  name: "dynamo-planner",
  summary: "NVIDIA Dynamo's planner, which scales prefill and decode engines by forecast, by load, or both",
  params,
  create: (said, { name, targets, performance: modelled }) => {
    const tables = said.profile && performanceOf(said.profile);
    const profiles = targets.flatMap(({ workload }) => {
      const profile = tables ?? modelled(workload);
      return profile === undefined ? [] : [[workload, profile] as const];
    });
    const graph = graphOf(targets);
    if (graph === undefined) throw new Error("targets that plannerProblems has refused");
    const bySla = said.optimizationTarget === "sla";
    const options = {
      optimizationTarget: said.optimizationTarget,
      trafficSource: said.trafficSource,
      // Without objectives there is load mode alone (PlannerConfig).
      throughputScaling: bySla && said.throughputScaling,
      loadScaling: !bySla || said.loadScaling,
      throughputMicros: durationOf(said.throughputInterval),
      loadMicros: durationOf(said.loadInterval),
      correction: said.correction,
      ttftSeconds: durationSeconds(said.ttft),
      itlSeconds: durationSeconds(said.itl),
      downSensitivity: said.loadScalingDownSensitivity / 100,
      minEndpoint: said.minEndpoint,
      maxGpus: said.maxGpuBudget,
    };
    const predictors = { requests: predictorOf(said), isl: predictorOf(said), osl: predictorOf(said) };
    return [new DynamoPlanner(`DynamoPlanner/${name}`, graph, options, predictors, new Map(profiles))];
  },
});

const predictorOf = (said: PlannerSaid): LoadPredictor =>
  said.loadPredictor === "kalman"
    ? new KalmanPredictor(
        { qLevel: said.kalmanQLevel, qTrend: said.kalmanQTrend, r: said.kalmanR },
        said.loadPredictorLog1p,
      )
    : new ConstantPredictor();

/** One component that does both, or one of each kind; undefined: neither. */
const graphOf = (targets: readonly ControllerTarget[]): PlannedGraph | undefined => {
  const of = (role: ControllerTarget["role"]) => targets.filter((target) => target.role === role);
  const [[both], [prefill], [decode]] = [of("both"), of("prefill"), of("decode")];
  if (both !== undefined && targets.length === 1) return { kind: "aggregated", both };
  if (prefill === undefined || decode === undefined || targets.length !== 2) return undefined;
  return { kind: "disaggregated", prefill, decode };
};

/** What would keep the planner from being simulated as it was said. Fields are its parameters. */
export const plannerProblems = (
  said: PlannerSaid,
  targets: readonly ControllerTarget[],
): readonly Omit<Problem, "severity">[] => {
  const problems: Omit<Problem, "severity">[] = [];
  const refuse = (reason: string, field: string, message: string, fix: string) =>
    problems.push({ reason, field, message, fix });
  if (said.loadPredictor === "arima" || said.loadPredictor === "prophet") {
    refuse("NotModelled", "loadPredictor", `${said.loadPredictor} is not simulated`, "set it to constant or kalman");
  }
  const graph = graphOf(targets);
  if (graph === undefined) {
    const found = targets.map(({ workload, role }) => `${workload} (${role})`).join(", ");
    const message = `the planner scales one workload of both, or one of prefill and one of decode; there are ${found}`;
    refuse("BadGraph", "name", message, "mirror those alone, and label their pods llm-d.ai/role: prefill and decode");
  }
  if (said.optimizationTarget === "sla") {
    if (!said.throughputScaling && !said.loadScaling) {
      refuse("NoScaling", "throughputScaling", "neither mode is on", "set throughputScaling or loadScaling to true");
    }
    if (graph?.kind === "aggregated") {
      const message = "objectives of workloads that both prefill and decode are not simulated";
      refuse("NotModelled", "optimizationTarget", message, "set it to throughput or latency");
    }
    const [load, throughput] = [durationOf(said.loadInterval), durationOf(said.throughputInterval)];
    if (said.throughputScaling && said.loadScaling && load >= throughput) {
      const message = `loadInterval ${said.loadInterval} must be shorter than throughputInterval ${said.throughputInterval}`;
      refuse("BadPeriod", "loadInterval", message, "set loadInterval to 5s, or throughputInterval to 180s");
    }
  }
  for (const one of said.profile === undefined ? [] : profileProblems(said.profile)) {
    problems.push({ ...one, field: `profile.${one.field}` });
  }
  return problems;
};
