import { describe, expect, it } from "vitest";
import { FlagParser } from "../../../src/twin/readers/flags/flag-parser.ts";
import { serverPrograms } from "../../../src/twin/readers/servers/index.ts";
import { SGLANG } from "../../../src/twin/readers/sglang/sglang-flags.ts";
import { TRTLLM } from "../../../src/twin/readers/tensorrt-llm/trtllm-flags.ts";
import { argumentsOf, type Container } from "./container.ts";

const said = (container: Container) => {
  const found = argumentsOf(container);
  if (found === undefined) throw new Error("no server was found");
  return found;
};
const warnings = (container: Container): readonly string[] => said(container).problems.map(({ message }) => message);

describe("a server is found by its command", () => {
  it.each<[string, Container, string | undefined, string | undefined]>([
    [
      "SGLang's module",
      { command: ["python3", "-m", "sglang.launch_server"], args: ["--model-path", "m"] },
      "sglang",
      "m",
    ],
    ["SGLang's command", { command: ["sglang", "serve", "--model-path=m"] }, "sglang", "m"],
    ["within a shell", { command: ["bash", "-c", "exec python3 -m sglang.launch_server --model m"] }, "sglang", "m"],
    ["TensorRT-LLM's", { command: ["trtllm-serve"], args: ["m", "--tp_size", "2"] }, "tensorrt-llm", "m"],
    ["TensorRT-LLM's, with its verb", { args: ["/usr/bin/trtllm-serve", "serve", "m"] }, "tensorrt-llm", "m"],
    ["behind a launcher", { command: ["trtllm-llmapi-launch", "trtllm-serve", "serve", "m"] }, "tensorrt-llm", "m"],
    ["Dynamo around vLLM", { command: ["python3", "-m", "dynamo.vllm"], args: ["--model", "m"] }, "vllm", "m"],
    ["Dynamo around SGLang", { command: ["python3", "-m", "dynamo.sglang", "--model-path", "m"] }, "sglang", "m"],
    [
      "Dynamo around TensorRT-LLM",
      { args: ["python3", "-m", "dynamo.trtllm", "--model-path", "m"] },
      "tensorrt-llm",
      "m",
    ],
    [
      "KServe's server, by its image",
      { image: "kserve/huggingfaceserver:v0.17.0-gpu", args: ["--model_name=n", "--model_id=m"] },
      "vllm",
      "m",
    ],
    ["none", { command: ["nginx"], args: ["-g", "daemon off;"] }, undefined, undefined],
  ])("%s", (_, container, server, model) => {
    const found = argumentsOf(container);
    expect(found?.server).toBe(server);
    expect(found?.text("model")?.value).toBe(model);
  });

  it("each says what to look for", () => {
    for (const { lookedFor } of serverPrograms) expect(lookedFor).toMatch(/^`.+`$/);
  });
});

describe("SGLang's flags in vLLM's words", () => {
  const of = (...args: readonly string[]) => said({ command: ["python3", "-m", "sglang.launch_server"], args });

  it.each([
    [["--tp", "4"], "tensor-parallel-size", 4],
    [["--context-length=32k"], "max-model-len", 32_000],
    [["--mem-fraction-static", "0.85"], "gpu-memory-utilization", 0.85],
    [["--max-running-requests", "64"], "max-num-seqs", 64],
    [["--chunked-prefill-size", "4096"], "max-num-batched-tokens", 4096],
    [["--page-size", "64"], "block-size", 64],
    [["--max-total-tokens", "160000"], "num-gpu-blocks-override", 10_000],
    [["--max-total-tokens", "160000", "--page-size=64"], "num-gpu-blocks-override", 2500],
    [["--tp=8", "--dp=8", "--enable-dp-attention"], "tensor-parallel-size", 1],
  ])("%j is --%s %j", (args, flag, value) => {
    const found = of(...args).number(flag);
    expect(found?.value).toBe(value);
    expect(found?.from).toMatchObject({ kind: "field", object: "Deployment/ns/app" });
  });

  it.each([
    [["--disable-radix-cache"], "enable-prefix-caching", false],
    [["--disable-overlap-schedule"], "async-scheduling", false],
    [["--disable-cuda-graph"], "enforce-eager", true],
    [["--chunked-prefill-size", "-1"], "enable-chunked-prefill", false],
    [["--ep-size", "8"], "enable-expert-parallel", true],
    [["--tp=8", "--dp=8", "--enable-dp-attention"], "enable-expert-parallel", true],
  ])("%j is --%s %j", (args, flag, value) => expect(of(...args).switch(flag)?.value).toBe(value));

  it("names what can't be put so", () => {
    const told = warnings({
      command: ["python3", "-m", "sglang.launch_server"],
      args: [
        "--model=m",
        "--schedule-policy=lpm",
        "--speculative-algorithm=EAGLE",
        "--attention-backend=fa3",
        "--modle=x",
      ],
    }).join("\n");
    expect(told).toMatch(/simulated by vLLM's engine/);
    expect(told).toMatch(/--schedule-policy lpm is not modelled; it is simulated as fcfs/);
    expect(told).toMatch(/speculative decoding of SGLang is not modelled/);
    expect(told).toMatch(/--attention-backend changes performance and is not modelled/);
    expect(told).toMatch(/--modle is no flag of sglang.launch_server that is known here/);
    expect(told).toMatch(/a page of SGLang's KV cache has 1 token/);
  });
});

describe("TensorRT-LLM's flags in vLLM's words", () => {
  const of = (...args: readonly string[]) => said({ command: ["trtllm-serve"], args: ["m", ...args] });

  it.each([
    [["--tp_size", "4"], "tensor-parallel-size", 4],
    [["--tensor_parallel_size=2"], "tensor-parallel-size", 2],
    [["--max_batch_size", "64"], "max-num-seqs", 64],
    [["--max_num_tokens=4096"], "max-num-batched-tokens", 4096],
    [["--max_seq_len=8192"], "max-model-len", 8192],
    [["--kv_cache_free_gpu_memory_fraction=0.8"], "gpu-memory-utilization", 0.8],
  ])("%j is --%s %j", (args, flag, value) => expect(of(...args).number(flag)?.value).toBe(value));

  it("names what can't be put so", () => {
    const told = of("--extra_llm_api_options=/etc/options.yaml", "--backend=tensorrt").problems.map(
      (one) => one.message,
    );
    expect(told.join("\n")).toMatch(/--config: the file that it names .*--extra_llm_api_options.* is not read/);
    expect(told.join("\n")).toMatch(/refuses prompts longer than --max_num_tokens/);
    expect(told.join("\n")).toMatch(/--backend tensorrt: a compiled engine/);
  });
});

it.each([SGLANG, TRTLLM])("$server has each flag once, and aliases lead to flags", (table) => {
  const names = table.flags.map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  for (const target of Object.values(table.aliases)) expect(table.named(target)).toBeDefined();
  for (const { name, role } of table.flags) if (role === "ignored-breaks") expect(table.breaks[name]).toBeDefined();
  expect(new FlagParser(table, { words: [], byEntrypoint: true, others: 0 }, "o").values.size).toBe(0);
});
