/** One experiment of train.json's shape, of a model that no catalogue has. */
export const experiment = {
  id: "x1",
  model: "acme/Nobody-3B",
  gpu: "H200-141GB",
  tp: 1,
  dp: 1,
  precision: "FP16",
  server: { engine: "vLLM 0.15.1", max_num_seqs: 64, max_num_batched_tokens: 2048, max_model_len: 4096 },
  workload: {
    family: "general-lite",
    configured_tokens: { system_prompt: 100, question: 300, output: 40 },
    stages: [
      { stage: 0, rate_rps: 2, duration_s: 60, requests: 120 },
      { stage: 1, rate_rps: 6, duration_s: 30, requests: 180 },
    ],
  },
  measured: {
    overall: { e2e_ms: { mean: 300, p90: 330, p99: 400 }, ttft_ms: { mean: 20 }, itl_ms: { mean_published: 7.3 } },
    stages: [],
  },
  peers: { other: { overall: { e2e_mean: [330, 10], ttft_mean: [null, 50] } } },
};

export const file = {
  models: {
    "acme/Nobody-3B": {
      layers: 28,
      hidden: 3072,
      heads: 24,
      kv_heads: 8,
      head_dim: 128,
      intermediate: 8192,
      vocab: 128256,
      config_dtype: "bfloat16",
    },
  },
  experiments: [experiment],
};

export const closedCase = {
  id: "c1",
  category: "engine_closed_loop",
  setup: { model: "Qwen/Qwen3-8B", gpu: "h100_sxm", tp: 1, precision: "bf16" },
  workload: { kind: "closed_loop", note: "nominal" },
  measured_values: {
    rows: [
      { isl: 256, osl: 32, concurrency: 4, ttft_mean_ms: 30, tpot_mean_ms: 7 },
      { isl: 256, osl: 32, concurrency: 8, ttft_mean_ms: 31, tpot_mean_ms: 70, suspect: "odd" },
    ],
  },
};
