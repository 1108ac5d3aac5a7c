import { known } from "../../../model/known.ts";
import type { FlagTable } from "../flags/flag.ts";
import { FlagParser } from "../flags/flag-parser.ts";
import { ServerArguments } from "../flags/server-arguments.ts";
import { Translation } from "../flags/translation.ts";
import type { Launch, LaunchOptions } from "../servers/server-program.ts";
import { SGLANG } from "./sglang-flags.ts";

/** Flags that mean what vLLM's do. */
const SAME = {
  "model-path": "model",
  "pp-size": "pipeline-parallel-size",
  "context-length": "max-model-len",
  quantization: "quantization",
  "load-format": "load-format",
  "download-dir": "download-dir",
  "max-running-requests": "max-num-seqs",
  "max-queued-requests": "max-num-queued-reqs",
  "mem-fraction-static": "gpu-memory-utilization",
  "disable-cuda-graph": "enforce-eager",
  "enable-lora": "enable-lora",
  "lora-paths": "lora-modules",
  "max-loras-per-batch": "max-loras",
  "max-lora-rank": "max-lora-rank",
};
const OPPOSITE = { "disable-radix-cache": "enable-prefix-caching", "disable-overlap-schedule": "async-scheduling" };
const DTYPES: Readonly<Record<string, string>> = { half: "float16", float: "float32", bf16: "bfloat16" };
/** Tokens of a simulated KV block. */
const BLOCK = 16;

/**
 * What the flags of one SGLang server say, in vLLM's words; what has none is told.
 * Source: SGLang 0.5.9, python/sglang/srt/server_args.py and managers/scheduler.py.
 */
export const sglangArguments = (
  launch: Launch,
  object: string,
  { spansPods }: LaunchOptions,
  table: FlagTable = SGLANG,
): ServerArguments => {
  const parser = new FlagParser(table, launch, object);
  parser.tellUnmodelled(spansPods ? ["nnodes"] : []);
  const translation = new Translation(parser, object);
  translation.warn(
    "SGLang is simulated by vLLM's engine with SGLang's settings: step times are those fitted to vLLM, and metrics bear " +
      "vLLM's names (vllm:num_requests_waiting for sglang:num_queue_reqs)",
  );
  translation.rename(SAME);
  translation.invert(OPPOSITE);
  names(translation);
  ranks(translation);
  batches(translation);
  cache(translation);
  return new ServerArguments("sglang", translation.values, translation.problems);
};

const names = (translation: Translation): void => {
  const served = translation.said("served-model-name");
  if (typeof served?.value === "string") translation.put("served-model-name", known([served.value], served.from));
  for (const flag of ["dtype", "kv-cache-dtype"]) {
    const said = translation.said(flag);
    if (said !== undefined) translation.put(flag, known(DTYPES[String(said.value)] ?? said.value, said.from));
  }
};

/** With data-parallel attention the ranks share the tensor-parallel GPUs; without, each has its own. */
const ranks = (translation: Translation): void => {
  const [tp, dp, ep] = [translation.number("tp-size"), translation.number("dp-size"), translation.number("ep-size")];
  const shared = translation.isOn("enable-dp-attention") && tp !== undefined && dp !== undefined && dp.value > 1;
  const own = shared && tp.value % dp.value === 0 ? known(tp.value / dp.value, tp.from) : tp;
  translation.put("tensor-parallel-size", own);
  translation.put("data-parallel-size", dp);
  if (ep !== undefined && ep.value > 1) translation.put("enable-expert-parallel", known(true, ep.from));
  else if (shared) translation.put("enable-expert-parallel", known(true, dp.from));
};

const batches = (translation: Translation): void => {
  const chunk = translation.number("chunked-prefill-size");
  if (chunk !== undefined && chunk.value > 0) translation.put("max-num-batched-tokens", chunk);
  if (chunk !== undefined && chunk.value <= 0) {
    translation.put("enable-chunked-prefill", known(false, chunk.from));
    translation.put("max-num-batched-tokens", translation.number("max-prefill-tokens"));
  } else if (translation.said("max-prefill-tokens") !== undefined) {
    const message =
      "--max-prefill-tokens bounds a prefill batch beside --chunked-prefill-size, which alone is simulated";
    translation.warn(message, translation.said("max-prefill-tokens"));
  }
  if (!translation.isOn("enable-mixed-chunk")) {
    translation.warn(
      "SGLang computes prompts and decodes in batches of their own unless --enable-mixed-chunk is given; they are simulated " +
        "in one, so real gaps between tokens are less even",
    );
  }
  if (translation.isOn("enable-priority-scheduling")) {
    const said = translation.said("enable-priority-scheduling");
    translation.put("scheduling-policy", said && known("priority", said.from));
  }
  const policy = translation.said("schedule-policy");
  if (policy !== undefined && policy.value !== "fcfs" && policy.value !== "priority") {
    translation.warn(`--schedule-policy ${String(policy.value)} is not modelled; it is simulated as fcfs`, policy);
  }
};

const cache = (translation: Translation): void => {
  const page = translation.number("page-size");
  if (page !== undefined && page.value >= BLOCK && page.value % BLOCK === 0) translation.put("block-size", page);
  else if (!translation.isOn("disable-radix-cache")) {
    const size = page?.value ?? 1;
    translation.warn(
      `a page of SGLang's KV cache has ${size} token${size === 1 ? "" : "s"}; it is simulated in blocks of ${BLOCK}, of which a shared prefix counts the full ones`,
      page,
    );
  }
  const tokens = translation.number("max-total-tokens");
  const blocks = page !== undefined && page.value % BLOCK === 0 && page.value > 0 ? page.value : BLOCK;
  if (tokens !== undefined) {
    translation.put("num-gpu-blocks-override", known(Math.floor(tokens.value / blocks), tokens.from));
  }
  const mode = translation.said("disaggregation-mode");
  if (mode !== undefined && mode.value !== "null") {
    const message = `--disaggregation-mode ${String(mode.value)}: SGLang's own router sends prompts there, which is not modelled; the replica is simulated as the gateway in front of it has it`;
    translation.warn(message, mode);
  }
};
