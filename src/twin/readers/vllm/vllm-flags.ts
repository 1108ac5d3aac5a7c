import { type FlagTable, flagTable, rows } from "../flags/flag.ts";

/**
 * Flags of `vllm serve`.
 * Source: vLLM 0.6 to 0.33, vllm/engine/arg_utils.py and vllm/entrypoints/openai/cli_args.py (since 0.29 launchers, in 0.33 common).
 */
export const FLAGS = [
  ...rows("modelled", "text", "model dtype quantization kv-cache-dtype download-dir load-format"),
  ...rows(
    "modelled",
    "text",
    `scheduling-policy performance-mode kv-offloading-backend mamba-ssm-cache-dtype distributed-executor-backend runner
    speculative-model spec-method spec-model`,
  ),
  ...rows("modelled", "json", "speculative-config kv-transfer-config compilation-config"),
  ...rows("modelled", "texts", "served-model-name lora-modules"),
  ...rows(
    "modelled",
    "whole",
    `tensor-parallel-size pipeline-parallel-size data-parallel-size max-model-len max-num-seqs max-num-batched-tokens
    block-size num-gpu-blocks-override kv-cache-memory-bytes long-prefill-token-threshold max-num-partial-prefills
    max-long-partial-prefills max-num-queued-reqs max-num-queued-tokens max-loras max-lora-rank max-cpu-loras
    num-speculative-tokens spec-tokens`,
  ),
  ...rows("modelled", "number", "gpu-memory-utilization shutdown-timeout kv-offloading-size"),
  ...rows(
    "modelled",
    "switch",
    `enable-prefix-caching enable-chunked-prefill async-scheduling enforce-eager enable-expert-parallel enable-lora
    fully-sharded-loras disable-hybrid-kv-cache-manager`,
  ),

  ...rows("ignored-breaks", "text", "ec-transfer-config config custom-histogram-buckets"),
  ...rows("ignored-breaks", "switch", "headless"),
  ...rows("ignored-breaks", "switch", "disable-log-stats"),
  ...rows("ignored-breaks", "whole", "nnodes data-parallel-size-local"),

  ...rows(
    "ignored-matters",
    "text",
    `all2all-backend model-impl gdn-prefill-backend mamba-backend mamba-cache-mode linear-backend ir-op-priority
    quantization-config mm-encoder-attn-dtype numa-bind-cpus offload-params optimization-level attention-backend attention-config
    moe-backend kernel-config hf-overrides rope-scaling
    mm-encoder-tp-mode limit-mm-per-prompt eplb-config mamba-cache-dtype additional-config
    scheduler-cls kv-cache-dtype-skip-layers model-loader-extra-config safetensors-load-strategy offload-backend
    structured-outputs-config guided-decoding-backend quantization-param-path override-attention-dtype
    sparse-indexer-topk-backend kda-decode-backend kda-prefill-backend ec-manager-config watermark-config mamba-ssu-algorithm
    model-class-overrides mm-processor-device engram-config diffusion-config`,
  ),
  ...rows("ignored-matters", "texts", "cudagraph-capture-sizes cuda-graph-sizes numa-bind-nodes"),
  ...rows(
    "ignored-matters",
    "whole",
    `stream-interval max-cudagraph-capture-size max-seq-len-to-capture max-context-len-to-capture
    prefill-context-parallel-size decode-context-parallel-size dbo-decode-token-threshold dbo-prefill-token-threshold
    ubatch-size num-redundant-experts num-lookahead-slots num-scheduler-steps api-server-count mamba-block-size
    max-num-active-seqs max-num-scheduled-tokens prefill-schedule-interval prefix-cache-retention-interval prefix-match-unit
    dp-sync-interval offload-group-size offload-num-in-group offload-prefetch-step replayssm-buffer-len`,
  ),
  ...rows(
    "ignored-matters",
    "number",
    "cpu-offload-gb mm-processor-cache-gb scheduler-delay-factor rope-theta watermark",
  ),
  ...rows(
    "ignored-matters",
    "switch",
    `enable-elastic-ep enable-return-routed-experts enable-mamba-cache-stochastic-rounding numa-bind
    use-fp64-gumbel specialize-active-lora enable-multimodal-encoder-data-parallel enable-dbo enable-eplb disable-sliding-window disable-cascade-attn disable-custom-all-reduce
    kv-sharing-fast-prefill calculate-kv-scales enable-sleep-mode
    scheduler-reserve-full-isl use-v2-block-manager multi-step-stream-outputs disable-chunked-mm-input
    mm-encoder-only skip-mm-profiling enable-flashinfer-autotune long-prefill-token-threshold-adaptive dcp-q-replicate
    enable-batch-sharded-sampling enable-hc-sp enable-mamba-shared-prefix-checkpoint enable-moe-shared-loras swa-bounded-replay
    use-replayssm monokernel enable-bf16x3-router-gemm enable-mamba-fine-grained-prefix-cache`,
  ),

  ...rows(
    "harmless",
    "text",
    `reasoning-config mm-encoder-fp8-scale-path mm-encoder-fp8-scale-save-path mm-tensor-ipc lora-target-modules host uds cohere-format fingerprint-mode fingerprint-value long-lora-scaling-factors override-neuron-config
    tokenizer-pool-type tokenizer-pool-extra-config speculative-model-quantization spec-decoding-acceptance-method uvicorn-log-level chat-template chat-template-content-format default-chat-template-kwargs
    response-role ssl-keyfile ssl-certfile ssl-ca-certs ssl-ciphers root-path tool-call-parser
    tool-parser-plugin tool-server log-config-file allowed-origins allowed-methods allowed-headers
    disable-access-log-for-endpoints convert task tokenizer tokenizer-mode hf-config-path
    allowed-local-media-path allowed-media-domains revision code-revision tokenizer-revision logprobs-mode
    config-format hf-token pooler-config override-pooler-config logits-processor-pattern generation-config
    override-generation-config io-processor-plugin ignore-patterns pt-load-map-location
    qlora-adapter-name-or-path reasoning-parser reasoning-parser-plugin     data-parallel-address data-parallel-backend expert-placement-strategy worker-cls worker-extension-cls
    prefix-caching-hash-algo media-io-kwargs mm-processor-kwargs mm-processor-cache-type mm-encoder-attn-backend
    lora-dtype default-mm-loras show-hidden-metrics-for-version otlp-traces-endpoint collect-detailed-traces
    preemption-mode kv-events-config profiler-config weight-transfer-config device master-addr dcp-comm-backend
    cpu-offload-params aux-output-config fault-tolerance-config jit-monitor-mode log-level logging-config mm-hasher-algorithm
    per-request-spec-decode-metrics sleep-mode-backend video-pruning-method watchdog-config anthropic-disabled-thinking-effort
    chat-template-text-format reasoning-effort-map tool-strict-level`,
  ),
  ...rows(
    "harmless",
    "texts",
    "api-key middleware logits-processors prompt-adapters device-ids sleep-preserve-parameter-names",
  ),
  ...rows(
    "harmless",
    "whole",
    `cpu-distributed-timeout-seconds mamba-cache-philox-rounds safetensors-prefetch-block-size
    safetensors-prefetch-num-threads port ssl-cert-reqs data-parallel-supervisor-port dp-supervisor-probe-failure-threshold max-prompt-adapters
    max-prompt-adapter-token tokenizer-pool-size speculative-draft-tensor-parallel-size speculative-max-model-len
    speculative-disable-by-batch-size ngram-prompt-lookup-max ngram-prompt-lookup-min max-log-len h11-max-incomplete-event-size h11-max-header-count seed max-logprobs swap-space
    master-port node-rank distributed-timeout-seconds data-parallel-rank data-parallel-start-rank
    data-parallel-rpc-port eplb-window-size eplb-step-interval max-parallel-loading-workers
    dcp-kv-cache-interleave-size cp-kv-cache-interleave-size mm-shm-cache-max-object-size-mb     lora-extra-vocab-size renderer-num-workers
    elastic-ep-max-dp-size max-lora-cls-labels grpc-port sse-keep-alive-interval`,
  ),
  ...rows(
    "harmless",
    "number",
    `mm-encoder-fp8-scale-save-margin video-pruning-rate kv-cache-metrics-sample dp-supervisor-probe-interval-s dp-supervisor-probe-timeout-s
    typical-acceptance-sampler-posterior-threshold typical-acceptance-sampler-posterior-alpha mm-ipc-gpu-memory-gb`,
  ),
  ...rows(
    "harmless",
    "switch",
    `aggregate-engine-logging data-parallel-multi-port-external-lb enable-cumem-allocator enable-mixed-moe-lora-format
    fail-on-environ-validation trust-remote-code disable-uvicorn-access-log allow-credentials trust-request-chat-template enable-ssl-refresh
    return-tokens-as-token-ids disable-frontend-multiprocessing enable-request-id-headers enable-auto-tool-choice
    exclude-tools-when-tool-choice-none disable-fastapi-docs enable-prompt-tokens-details enable-per-request-metrics
    cohere-is-reasoning-model enable-flash-late-interaction speculative-disable-mqa-scorer
    disable-logprobs-during-spec-decoding
    enable-server-load-tracking enable-force-include-usage enable-tokenizer-info-endpoint enable-log-outputs
    enable-log-deltas log-error-stack tokens-only enable-log-requests disable-log-requests grpc
    enable-offline-docs skip-tokenizer-init enable-prompt-embeds use-tqdm-on-load enable-reasoning
    data-parallel-hybrid-lb data-parallel-external-lb disable-nccl-for-dp-synchronization eplb-log-balancedness
    ray-workers-use-nsight enable-ep-weight-filter
    disable-mm-preprocessor-cache interleave-mm-strings enable-mm-embeds language-model-only enable-lora-bias
    enable-tower-connector-lora kv-cache-metrics cudagraph-metrics
    enable-layerwise-nvtx-tracing enable-mfu-metrics enable-logging-iteration-details disable-async-output-proc
    worker-use-ray engine-use-ray enable-prompt-adapter allow-deprecated-quantization enable-fault-tolerance
    enable-nccl-comm-suspend enable-shm-tensor-arena enable-trace-replay jit-monitor-verbose return-sampling-mask
    sleep-mode-offload-cudagraph mm-device-do-normalize enable-scale-out expand-tools-even-if-tool-choice-none
    guided-decoding-disable-additional-properties guided-decoding-disable-any-whitespace guided-decoding-disable-fallback
    mm-cache-preprocessor trust-request-mm-kwargs use-gpu-for-pooling-score`,
  ),
];

/** Short names, and long ones that mean the same. */
export const SHORT = {
  "-tp": "tensor-parallel-size",
  "-pp": "pipeline-parallel-size",
  "-dp": "data-parallel-size",
  "-dpn": "data-parallel-rank",
  "-dpr": "data-parallel-start-rank",
  "-dpl": "data-parallel-size-local",
  "-dpa": "data-parallel-address",
  "-dpp": "data-parallel-rpc-port",
  "-dpb": "data-parallel-backend",
  "-dph": "data-parallel-hybrid-lb",
  "-dpe": "data-parallel-external-lb",
  "-ep": "enable-expert-parallel",
  "-dcp": "decode-context-parallel-size",
  "-pcp": "prefill-context-parallel-size",
  "-asc": "api-server-count",
  "-cc": "compilation-config",
  "-ac": "attention-config",
  "-sc": "speculative-config",
  "spec-config": "speculative-config",
  "device-memory-utilization": "gpu-memory-utilization",
  "-n": "nnodes",
  "-r": "node-rank",
  "-q": "quantization",
  "-O": "optimization-level",
};

const BREAKS = {
  "ec-transfer-config": "disaggregated encoding is not modelled; the replica is simulated as if alone",
  "disable-log-stats":
    "the real server exports no metrics with it, so an autoscaler sees none; the simulated one exports them",
  "custom-histogram-buckets":
    "the real server's histograms have other buckets with it, and so other percentiles; the simulated ones have vLLM's own",
  config: "the file that it names is not read; give what it says as flags",
  headless: "a rank without a front end is not modelled",
  nnodes: "an engine that spans pods is not modelled; the pod is simulated as a replica of its own",
  "data-parallel-size-local": "data-parallel ranks in several pods are not modelled",
};

export const VLLM: FlagTable = flagTable({ server: "vllm serve", flags: FLAGS, aliases: SHORT, breaks: BREAKS });
