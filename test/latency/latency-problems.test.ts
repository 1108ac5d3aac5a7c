import { expect, it } from "vitest";
import { latencyProblems } from "../../src/latency/latency-problems.ts";
import { findGpu } from "../../src/model/catalogue/index.ts";
import { shapeOf } from "./fixtures.ts";

const problems = (model: string, gpu: string, tp: number, said: { mode?: "vllm" | "blis"; name?: string } = {}) => {
  const found = findGpu(gpu);
  if (!found.found) throw new Error(found.message);
  const parallelism = { tp, pp: 1, dp: 1, expertParallel: false };
  const context = { shape: shapeOf(model), hardware: found.hardware, parallelism, mode: said.mode ?? "vllm" };
  return latencyProblems(context, said.name ?? "trained-physics").map((p) => `${p.severity} ${p.reason}`);
};

it.each([
  { name: "what was measured", model: "Qwen/Qwen3-14B", gpu: "H100", tp: 2, found: [] },
  {
    name: "heads that can't be shared",
    model: "Qwen/Qwen3-14B",
    gpu: "H100",
    tp: 3,
    found: ["error TensorParallelSize", "error TensorParallelSize"],
  },
  { name: "KV heads that vLLM replicates", model: "Qwen/Qwen3-30B-A3B", gpu: "H100", tp: 8, found: [] },
  {
    name: "an assumed utilisation",
    model: "Qwen/Qwen3-14B",
    gpu: "B200",
    tp: 1,
    found: ["warning AssumedUtilisation"],
  },
])("$name: $found", ({ model, gpu, tp, found }) => {
  expect(problems(model, gpu, tp)).toEqual(found);
});

it("the reference simulator replicates no KV heads", () => {
  expect(problems("Qwen/Qwen3-30B-A3B", "H100", 8, { mode: "blis" })).toEqual(["error TensorParallelSize"]);
});
