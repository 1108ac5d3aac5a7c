import { flagTable, rows } from "../flags/flag.ts";

/**
 * Flags of `trtllm-serve`.
 * Source: TensorRT-LLM 1.0 to 1.2, tensorrt_llm/commands/serve.py.
 */
export const TRTLLM_FLAGS = [
  ...rows("modelled", "text", "model backend served-model-name"),
  ...rows(
    "modelled",
    "whole",
    `tensor-parallel-size pipeline-parallel-size moe-expert-parallel-size max-batch-size max-num-tokens max-seq-len`,
  ),
  ...rows("modelled", "number", "free-gpu-memory-fraction"),
  ...rows("modelled", "switch", "enable-chunked-prefill"),

  ...rows("ignored-breaks", "text", "config server-role metadata-server-config-file disagg-cluster-uri"),
  ...rows("ignored-matters", "whole", "max-beam-width context-parallel-size moe-cluster-parallel-size"),
  ...rows("harmless", "text", "tokenizer custom-tokenizer host log-level revision reasoning-parser tool-parser"),
  ...rows("harmless", "text", "otlp-traces-endpoint media-io-kwargs chat-template"),
  ...rows("harmless", "texts", "custom-module-dirs"),
  ...rows("harmless", "whole", "port gpus-per-node num-postprocess-workers"),
  ...rows("harmless", "switch", "trust-remote-code fail-fast-on-attention-window-too-large"),
];

export const TRTLLM_ALIASES = {
  "tp-size": "tensor-parallel-size",
  "pp-size": "pipeline-parallel-size",
  "cp-size": "context-parallel-size",
  "ep-size": "moe-expert-parallel-size",
  "cluster-size": "moe-cluster-parallel-size",
  "kv-cache-free-gpu-memory-fraction": "free-gpu-memory-fraction",
  "extra-llm-api-options": "config",
};

export const TRTLLM_BREAKS = {
  config:
    "the file that it names (by --extra_llm_api_options too, or Dynamo's --extra-engine-args) is not read, and what it says wins over flags; give the same as flags",
  "server-role": "TensorRT-LLM's own disaggregation is not modelled; the replica is simulated as if alone",
  "metadata-server-config-file":
    "TensorRT-LLM's own disaggregation is not modelled; the replica is simulated as if alone",
  "disagg-cluster-uri": "TensorRT-LLM's own disaggregation is not modelled; the replica is simulated as if alone",
};

export const TRTLLM = flagTable({
  server: "trtllm-serve",
  flags: TRTLLM_FLAGS,
  aliases: TRTLLM_ALIASES,
  breaks: TRTLLM_BREAKS,
});
