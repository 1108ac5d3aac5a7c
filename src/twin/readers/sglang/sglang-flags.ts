import { flagTable, rows } from "../flags/flag.ts";

/**
 * Flags of `sglang.launch_server`.
 * Source: SGLang 0.4 to 0.5.9, python/sglang/srt/server_args.py.
 */
const FLAGS = [
  ...rows(
    "modelled",
    "text",
    `model-path served-model-name dtype quantization kv-cache-dtype load-format download-dir schedule-policy
    disaggregation-mode`,
  ),
  ...rows("modelled", "texts", "lora-paths"),
  ...rows(
    "modelled",
    "whole",
    `tp-size pp-size dp-size ep-size context-length max-running-requests max-queued-requests max-total-tokens
    max-prefill-tokens page-size max-loras-per-batch max-lora-rank`,
  ),
  ...rows("modelled", "integer", "chunked-prefill-size"),
  ...rows("modelled", "number", "mem-fraction-static"),
  ...rows(
    "modelled",
    "switch",
    `disable-radix-cache disable-cuda-graph disable-overlap-schedule enable-dp-attention enable-priority-scheduling
    enable-mixed-chunk enable-lora`,
  ),

  ...rows("ignored-breaks", "text", "config speculative-algorithm"),
  ...rows("ignored-breaks", "whole", "nnodes"),
  ...rows("ignored-breaks", "switch", "enable-hierarchical-cache enable-two-batch-overlap"),

  ...rows(
    "ignored-matters",
    "text",
    `attention-backend prefill-attention-backend decode-attention-backend sampling-backend grammar-backend moe-a2a-backend
    moe-runner-backend deepep-mode model-impl json-model-override-args cuda-graph-config radix-eviction-policy
    speculative-draft-model-path retraction-policy hicache-io-backend hicache-mem-layout hicache-write-policy
    hicache-storage-backend load-balance-method model-loader-extra-config mamba-ssm-dtype lora-backend`,
  ),
  ...rows("ignored-matters", "texts", "cuda-graph-bs piecewise-cuda-graph-tokens"),
  ...rows(
    "ignored-matters",
    "whole",
    `stream-interval cuda-graph-max-bs piecewise-cuda-graph-max-tokens num-continuous-decode-steps prefill-max-requests
    prefill-decode-interval speculative-num-steps speculative-eagle-topk speculative-num-draft-tokens ep-num-redundant-experts
    torch-compile-max-bs moe-dense-tp-size attention-context-parallel-size hicache-size tokenizer-worker-num swa-full-tokens-ratio`,
  ),
  ...rows("ignored-matters", "number", "schedule-conservativeness cpu-offload-gb hicache-ratio"),
  ...rows(
    "ignored-matters",
    "switch",
    `enable-torch-compile enable-eplb enable-deepep-moe enable-ep-moe enable-flashinfer-mla disable-chunked-prefix-cache
    disable-custom-all-reduce enable-mscclpp enable-nccl-nvls enable-symm-mem disable-cuda-graph-padding
    enable-piecewise-cuda-graph enable-dynamic-chunking enable-single-batch-overlap disable-hybrid-swa-memory
    enable-torch-symm-mem enable-dp-lm-head disable-flashinfer-autotune`,
  ),

  ...rows(
    "harmless",
    "text",
    `tokenizer-path tokenizer-mode tokenizer-backend host log-level log-level-http chat-template completion-template
    file-storage-path api-key admin-api-key reasoning-parser tool-call-parser revision device dist-init-addr nccl-port
    crash-dump-folder disaggregation-transfer-backend disaggregation-ib-device kv-events-config weight-version
    sampling-defaults preferred-sampling-params quantization-param-path modelopt-quant fp8-gemm-backend ssl-keyfile
    ssl-certfile otlp-traces-endpoint lora-eviction-policy`,
  ),
  ...rows("harmless", "texts", "lora-target-modules bucket-time-to-first-token"),
  ...rows(
    "harmless",
    "whole",
    `port node-rank random-seed watchdog-timeout dist-timeout base-gpu-id gpu-id-step detokenizer-worker-num
    decode-log-interval disaggregation-bootstrap-port max-lora-chunk-size`,
  ),
  ...rows("harmless", "number", "sleep-on-idle soft-watchdog-timeout"),
  ...rows(
    "harmless",
    "switch",
    `trust-remote-code enable-metrics log-requests skip-tokenizer-init skip-server-warmup show-time-cost enable-cache-report
    enable-p2p-check allow-auto-truncate enable-multimodal enable-custom-logit-processor is-embedding enable-memory-saver
    disable-outlines-disk-cache enable-trace enable-metrics-for-all-schedulers disable-priority-preemption`,
  ),
];

export const SGLANG = flagTable({
  server: "sglang.launch_server",
  flags: FLAGS,
  aliases: {
    model: "model-path",
    tp: "tp-size",
    "tensor-parallel-size": "tp-size",
    "pipeline-parallel-size": "pp-size",
    dp: "dp-size",
    "data-parallel-size": "dp-size",
    ep: "ep-size",
    "expert-parallel-size": "ep-size",
  },
  breaks: {
    config: "the file that it names is not read; give what it says as flags",
    "speculative-algorithm": "speculative decoding of SGLang is not modelled; it is simulated without",
    nnodes: "an engine that spans pods is not modelled; the pod is simulated as a replica of its own",
    "enable-hierarchical-cache": "the second tier of the KV cache is not modelled for SGLang; it is simulated without",
    "enable-two-batch-overlap": "overlapping two batches is not modelled; it is simulated without",
  },
});
