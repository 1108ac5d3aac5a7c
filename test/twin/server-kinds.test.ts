import { expect, it } from "vitest";
import { describeSource } from "../../src/model/known.ts";
import { describeProblem } from "../../src/model/problem.ts";
import type { Mirrored } from "../../src/twin/mirror.ts";
import { Quickstart } from "./quickstart.ts";

const mirrored = (command: readonly string[], args: readonly string[]): Mirrored => {
  const quick = new Quickstart();
  quick.container.command = command;
  quick.container.args = args;
  quick.container.env = [];
  const read = quick.mirror();
  if (!read.ok) throw new Error(read.problems.map(describeProblem).join("\n"));
  return read.value;
};
const engineOf = ({ scenario }: Mirrored) => scenario.workloads[0]?.engine;
const explained = ({ values }: Mirrored, name: string): string => {
  const found = values.find(({ path }) => path.endsWith(`.engine.${name}`));
  return found === undefined ? "" : `${String(found.value)} ${describeSource(found.from)}`;
};
const MODEL = "meta-llama/Llama-3.1-8B-Instruct";
const SGLANG = ["python3", "-m", "sglang.launch_server"];

it("SGLang's defaults are SGLang's, by the GPU's memory", () => {
  const read = mirrored(SGLANG, ["--model-path", MODEL]);
  expect(engineOf(read)).toMatchObject({ maxNumSeqs: 2048, maxNumBatchedTokens: 8192, blockSize: 16 });
  expect(explained(read, "maxNumBatchedTokens")).toMatch(/SGLang default on GPUs with 80 GiB/);
  expect(explained(read, "server")).toMatch(/^sglang /);
});

it("a static share holds weights and KV cache, and nothing else", () => {
  const [less, more] = ["0.7", "0.8"].map((share) =>
    engineOf(mirrored(SGLANG, ["--model-path", MODEL, "--mem-fraction-static", share])),
  );
  // 8 GiB of 80, less what the driver keeps, in blocks of 16 tokens of 128 KiB.
  const gained = (more?.numGpuBlocks ?? 0) - (less?.numGpuBlocks ?? 0);
  expect((gained * 16 * 131_072) / 2 ** 30).toBeCloseTo(7.9, 0);
});

it("TensorRT-LLM's share is of what weights and buffers leave", () => {
  const [half, all] = ["0.5", "1.0"].map((share) =>
    engineOf(mirrored(["trtllm-serve"], [MODEL, "--kv_cache_free_gpu_memory_fraction", share])),
  );
  expect(half?.numGpuBlocks).toBe(Math.floor((all?.numGpuBlocks ?? 0) / 2));
  expect(all).toMatchObject({ maxNumSeqs: 2048, maxNumBatchedTokens: 8192, blockSize: 32 });
});
