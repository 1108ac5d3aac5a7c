import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { simulationsIn, storeOfFiles } from "../../src/cli/inputs.ts";
import { prepare } from "../../src/cli/prepare.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { averageValue, FORMULA_NAMES, formulaValue } from "./control-math.ts";
import { type Measured, type Stage, serve } from "./open-loop-stage.ts";

/**
 * What others have published about autoscaling, beside what the twin makes of it: `npm run anchor:autoscaling [-- SEEDS]`. The
 * figures are read from published_cases.json; without it there is nothing to compare with, and the command says so.
 *
 * 1. llm-d's token-aware KEDA benchmark (guides/workload-autoscaling/keda-epp-token-aware/README.md@560d420, Apache-2.0), prefill
 *    and decode in one pod, on deploy/examples/keda: three shapes, a fixed replica and the ScaledObject.
 * 2. The same guide's arithmetic, put to the HPA that a world runs.
 * 3. The formula of llm-d's queue guard (…/keda-epp/…/queue-guard/scaledobject.yaml@b06ec63), put to KEDA's formulas.
 */
const CASES = new URL("../../../shared/validation/published_cases.json", import.meta.url);

const benchmark = z.object({
  id: z.literal("autoscale-keda-token-aware-qwen3-32b"),
  setup: z.object({ kv_cache_tokens_tp2: z.int() }),
  workload: z.object({ stage_seconds: z.number(), shapes: z.record(z.string(), z.tuple([z.number(), z.number()])) }),
  measured_values: z.object({ rows: z.array(z.array(z.union([z.string(), z.number()]))) }),
});
const arithmetic = z.object({
  id: z.literal("control-hpa-averagevalue-worked"),
  measured_values: z.object({
    peak_prefill_tok_s: z.number(),
    isl: z.number(),
    threshold_s: z.number(),
    cap: z.number(),
    rows: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
  }),
});
const guard = z.object({
  id: z.literal("control-keda-queue-guard-formula"),
  measured_values: z.object({
    formula: z.string(),
    vectors: z.array(z.record(z.string(), z.number().nullable())),
  }),
});

const compareBenchmark = async (raw: unknown, seeds: number): Promise<void> => {
  const { setup, workload, measured_values } = benchmark.parse(raw);
  const { scenario, kvTokens } = await tokenAware(setup.kv_cache_tokens_tp2);
  console.log(
    `KV cache of ${setup.kv_cache_tokens_tp2} tokens per replica, as published; the twin makes it ${kvTokens}`,
  );
  console.log("llm-d, token-aware KEDA, Qwen3-32B on two H100 per replica; published | ours, and its range over seeds");
  console.log(
    `shape          mode    replicas     ${"TTFT p50 s".padEnd(30)}${"TTFT p99 s".padEnd(31)}${"completed".padEnd(25)}out tok/s`,
  );
  for (const row of measured_values.rows) {
    const [topology, name, mode, replicas, , p50, p99, completed, total, rate] = row as (string & number)[];
    const shape = Object.entries(workload.shapes).find(([key]) => key.startsWith(String(name)))?.[1];
    if (topology !== "P+D" || shape === undefined) continue;
    const stage: Stage = {
      requests: Number(total),
      seconds: workload.stage_seconds,
      promptTokens: shape[0],
      outputTokens: shape[1],
    };
    const runs = Array.from({ length: seeds }, (_, i) =>
      serve({ ...scenario, seed: scenario.seed + i, ...(mode === "static" ? { autoscalers: [] } : {}) }, stage),
    );
    const ours = (read: (run: Measured) => number, digits: number): string => ranged(runs.map(read), digits);
    const cells = [
      [String(name).padEnd(14), 15],
      [String(mode).padEnd(7), 8],
      [`${replicas} | ${ours((run) => run.peakReplicas, 0)}`, 13],
      [`${p50} | ${ours((run) => run.ttftP50Seconds, 2)}`, 30],
      [`${p99} | ${ours((run) => run.ttftP99Seconds, 2)}`, 31],
      [`${completed} | ${ours((run) => run.completed, 0)}`, 25],
      [`${rate} | ${ours((run) => run.outputTokensPerSecond, 0)}`, 1],
    ] as const;
    console.log(cells.map(([text, width]) => text.padEnd(width)).join(""));
  }
};

/**
 * deploy/examples/keda with its token-aware ScaledObject, and a KV cache of so many tokens, since the benchmark tells its size
 * and not the share of memory that its engines were given.
 */
const tokenAware = async (tokens: number): Promise<{ readonly scenario: Scenario; readonly kvTokens: number }> => {
  const store = storeOfFiles([fileURLToPath(new URL("../../deploy/examples/keda", import.meta.url))]);
  const [stored] = simulationsIn(store, "token-aware");
  if (stored === undefined) throw new Error("the example is there");
  const { scenario } = await prepare(store, stored, DEFAULT_LIMITS, []);
  const [workload] = scenario.workloads;
  if (workload === undefined) throw new Error("the example has a workload");
  const { engine } = workload;
  const sized = { ...workload, engine: { ...engine, numGpuBlocks: Math.floor(tokens / engine.blockSize) } };
  return { scenario: { ...scenario, workloads: [sized] }, kvTokens: engine.numGpuBlocks * engine.blockSize };
};

const ranged = (values: readonly number[], digits: number): string => {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, middle, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)] as [number, number, number];
  const range = least === most ? "" : ` (${least.toFixed(digits)}–${most.toFixed(digits)})`;
  return `${middle.toFixed(digits)}${range}`;
};

const compareArithmetic = (raw: unknown): void => {
  const { peak_prefill_tok_s: peak, isl, threshold_s: target, cap, rows } = arithmetic.parse(raw).measured_values;
  console.log("\nllm-d's arithmetic: seconds of backlog, AverageValue 1.5, at most four replicas");
  console.log("req/s   tokens/s      replicas' worth   replicas published | HPA without tolerance, with 0.1 from 1");
  for (const [rate, tokens, worth, published] of rows) {
    const value = (rate * isl) / peak;
    const of = (tolerance: number) => averageValue({ value, target, replicas: 1, maxReplicas: cap, tolerance });
    console.log(
      `${rate.toFixed(2).padEnd(8)}${`${tokens} | ${(rate * isl).toFixed(0)}`.padEnd(14)}${`${worth} | ${value.toFixed(2)}`.padEnd(18)}${published} | ${of(0)}, ${of(0.1)}`,
    );
  }
  const full = [1, 2, 4].map((replicas) =>
    averageValue({ value: 1, target: 0.8, replicas, maxReplicas: 10, tolerance: 0.1 }),
  );
  console.log(`avg() of full caches against 0.8, from 1, 2 and 4 replicas: published at most 2 | ${full.join(", ")}`);
  console.log(
    "  1.52 is within the controller's tolerance of 1.5: from one replica a real HPA stays there, where the guide rounds up;" +
      "\n  the guide's last row is what builds up behind an overloaded pool, not the rate's own worth of 4.25 / 1.5",
  );
};

const compareGuard = (raw: unknown): void => {
  const { formula, vectors } = guard.parse(raw).measured_values;
  console.log("\nllm-d's queue guard: its formula on queue, running, pending and replicas");
  for (const { out, ...inputs } of vectors) {
    const given = FORMULA_NAMES.map((name) => `${name} ${inputs[name] ?? "nil"}`).join(", ");
    console.log(`${given.padEnd(50)} published ${out} | ${formulaValue(formula, inputs)}`);
  }
};

if (existsSync(CASES)) {
  const { cases } = z
    .object({ cases: z.array(z.looseObject({ id: z.string() })) })
    .parse(JSON.parse(readFileSync(CASES, "utf8")));
  const caseOf = (id: string): unknown => cases.find((one) => one.id === id);
  const began = performance.now();
  await compareBenchmark(caseOf("autoscale-keda-token-aware-qwen3-32b"), Number(process.argv[2] ?? 1));
  compareArithmetic(caseOf("control-hpa-averagevalue-worked"));
  compareGuard(caseOf("control-keda-queue-guard-formula"));
  console.log(`\nsimulated, not measured; ${((performance.now() - began) / 1000).toFixed(1)} s of wall time`);
} else {
  console.log(`${fileURLToPath(CASES)} is absent, and with it what was published: nothing to compare with`);
}
