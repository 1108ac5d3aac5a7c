import { known } from "../../../model/known.ts";
import type { FlagTable } from "../flags/flag.ts";
import { FlagParser } from "../flags/flag-parser.ts";
import { ServerArguments } from "../flags/server-arguments.ts";
import { Translation } from "../flags/translation.ts";
import type { Launch } from "../servers/server-program.ts";
import { TRTLLM } from "./trtllm-flags.ts";

const SAME = {
  model: "model",
  "tensor-parallel-size": "tensor-parallel-size",
  "pipeline-parallel-size": "pipeline-parallel-size",
  "max-batch-size": "max-num-seqs",
  "max-num-tokens": "max-num-batched-tokens",
  "max-seq-len": "max-model-len",
  "free-gpu-memory-fraction": "gpu-memory-utilization",
};

/**
 * What the flags of one TensorRT-LLM server say, in vLLM's words; what has none is told.
 * Source: TensorRT-LLM 1.2, tensorrt_llm/commands/serve.py.
 */
export const trtllmArguments = (launch: Launch, object: string, table: FlagTable = TRTLLM): ServerArguments => {
  const parser = new FlagParser(table, launch, object);
  parser.tellUnmodelled();
  const translation = new Translation(parser, object);
  translation.warn(
    "TensorRT-LLM is simulated by vLLM's engine with TensorRT-LLM's settings: step times are those fitted to vLLM, and " +
      "metrics bear vLLM's names",
  );
  translation.rename(SAME);
  const served = translation.said("served-model-name");
  if (typeof served?.value === "string") translation.put("served-model-name", known([served.value], served.from));
  const experts = translation.number("moe-expert-parallel-size");
  if (experts !== undefined && experts.value > 1) translation.put("enable-expert-parallel", known(true, experts.from));
  if (!translation.isOn("enable-chunked-prefill")) {
    translation.warn(
      "without --enable_chunked_prefill the real server refuses prompts longer than --max_num_tokens; they are simulated in chunks",
      translation.said("max-num-tokens"),
    );
  }
  const backend = translation.said("backend");
  if (backend !== undefined && backend.value !== "pytorch") {
    const message = `--backend ${String(backend.value)}: a compiled engine has limits of its own, which are not read; flags and defaults are simulated`;
    translation.warn(message, backend);
  }
  return new ServerArguments("tensorrt-llm", translation.values, translation.problems);
};
