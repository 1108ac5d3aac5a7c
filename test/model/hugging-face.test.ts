import { describe, expect, it } from "vitest";
import { findModel, shapeOfConfig } from "../../src/model/catalogue/index.ts";
import type { ModelShape } from "../../src/model/model-shape.ts";

type Json = Readonly<Record<string, unknown>>;

const read = (config: Json, id = "acme/model") => shapeOfConfig(id, JSON.stringify(config), "test");
const shapeOf = (config: Json, id?: string): ModelShape => {
  const result = read(config, id);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join("\n"));
  return result.value;
};

const LLAMA = {
  model_type: "llama",
  num_hidden_layers: 32,
  hidden_size: 4096,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14336,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  torch_dtype: "bfloat16",
  tie_word_embeddings: false,
};
const GPT_OSS = {
  model_type: "gpt_oss",
  num_hidden_layers: 24,
  hidden_size: 2880,
  num_attention_heads: 64,
  num_key_value_heads: 8,
  head_dim: 64,
  intermediate_size: 2880,
  vocab_size: 201088,
  max_position_embeddings: 131072,
  num_local_experts: 32,
  num_experts_per_tok: 4,
  experts_per_token: 4,
  sliding_window: 128,
  layer_types: Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? "sliding_attention" : "full_attention")),
  rope_scaling: { rope_type: "yarn", factor: 32, original_max_position_embeddings: 4096, truncate: false },
  tie_word_embeddings: false,
  quantization_config: {
    quant_method: "mxfp4",
    modules_to_not_convert: ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
  },
};
const DEEPSEEK = {
  model_type: "deepseek_v3",
  num_hidden_layers: 61,
  hidden_size: 7168,
  num_attention_heads: 128,
  num_key_value_heads: 128,
  intermediate_size: 18432,
  moe_intermediate_size: 2048,
  vocab_size: 129280,
  max_position_embeddings: 163840,
  n_routed_experts: 256,
  n_shared_experts: 1,
  num_experts_per_tok: 8,
  first_k_dense_replace: 3,
  moe_layer_freq: 1,
  kv_lora_rank: 512,
  q_lora_rank: 1536,
  qk_rope_head_dim: 64,
  qk_nope_head_dim: 128,
  v_head_dim: 128,
  rope_scaling: { type: "yarn", factor: 40, original_max_position_embeddings: 4096 },
  torch_dtype: "bfloat16",
  tie_word_embeddings: false,
  quantization_config: { quant_method: "fp8", fmt: "e4m3", weight_block_size: [128, 128] },
};
const SCOUT = {
  model_type: "llama4",
  text_config: {
    model_type: "llama4_text",
    num_hidden_layers: 48,
    hidden_size: 5120,
    num_attention_heads: 40,
    num_key_value_heads: 8,
    head_dim: 128,
    intermediate_size: 8192,
    intermediate_size_mlp: 16384,
    vocab_size: 202048,
    max_position_embeddings: 10485760,
    num_local_experts: 16,
    num_experts_per_tok: 1,
    interleave_moe_layer_step: 1,
    attention_chunk_size: 8192,
    rope_scaling: { rope_type: "llama3", factor: 16, original_max_position_embeddings: 8192 },
    torch_dtype: "bfloat16",
  },
  vision_config: { hidden_size: 1408, num_hidden_layers: 34, intermediate_size: 5632 },
  tie_word_embeddings: false,
  quantization_config: {
    quant_method: "compressed-tensors",
    format: "float-quantized",
    config_groups: { group_0: { weights: { num_bits: 8, type: "float", strategy: "channel", symmetric: true } } },
    ignore: ["language_model.model.layers.0.self_attn.q_proj", "language_model.lm_head"],
  },
};
const QWEN35 = {
  model_type: "qwen3_5_moe",
  text_config: {
    num_hidden_layers: 40,
    hidden_size: 2048,
    num_attention_heads: 16,
    num_key_value_heads: 2,
    head_dim: 256,
    vocab_size: 248320,
    max_position_embeddings: 262144,
    num_experts: 256,
    num_experts_per_tok: 8,
    moe_intermediate_size: 512,
    shared_expert_intermediate_size: 512,
    full_attention_interval: 4,
    linear_num_key_heads: 16,
    linear_num_value_heads: 32,
    linear_key_head_dim: 128,
    linear_value_head_dim: 128,
    linear_conv_kernel_dim: 4,
    mamba_ssm_dtype: "float32",
    dtype: "bfloat16",
    tie_word_embeddings: false,
  },
};

describe("a Hugging Face config.json", () => {
  it.each([
    { id: "meta-llama/Llama-3.1-8B-Instruct", config: LLAMA },
    { id: "openai/gpt-oss-20b", config: GPT_OSS },
    { id: "deepseek-ai/DeepSeek-V3", config: DEEPSEEK },
    { id: "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic", config: SCOUT },
    { id: "Qwen/Qwen3.5-35B-A3B", config: QWEN35 },
  ])("of $id gives the catalogue's figures", ({ id, config }) => {
    const { scaleBytes: _, ...shape } = shapeOf(config, id);
    const known = findModel(id)?.shape as ModelShape;
    expect({ quantizedParts: "linear", ...shape }).toEqual({ quantizedParts: "linear", ...known, source: "test" });
  });

  it.each([
    { name: "block FP8", said: { quant_method: "fp8", weight_block_size: [128, 128] }, width: [1, 4 / 16384] },
    { name: "FP8", said: { quant_method: "fp8" }, width: [1, 0] },
    {
      name: "compressed-tensors w4a16",
      said: {
        quant_method: "compressed-tensors",
        config_groups: { group_0: { weights: { num_bits: 4, type: "int", group_size: 128, symmetric: true } } },
      },
      width: [0.5, 2 / 128],
    },
    {
      name: "compressed-tensors w8a8",
      said: {
        quant_method: "compressed-tensors",
        config_groups: { group_0: { weights: { num_bits: 8, type: "int", group_size: null, strategy: "channel" } } },
      },
      width: [1, 0],
    },
    {
      name: "compressed-tensors nvfp4",
      said: {
        quant_method: "compressed-tensors",
        format: "nvfp4-pack-quantized",
        config_groups: { group_0: { weights: { num_bits: 4, type: "float", group_size: 16 } } },
      },
      width: [0.5, 1 / 16],
    },
    { name: "AWQ", said: { quant_method: "awq", bits: 4, group_size: 128, zero_point: true }, width: [0.5, 2.5 / 128] },
    { name: "GPTQ", said: { quant_method: "gptq", bits: 4, group_size: 32, sym: true }, width: [0.5, 2.5 / 32] },
    { name: "GPTQ, 8 bit, one group", said: { quant_method: "gptq", bits: 8, group_size: -1 }, width: [1, 0] },
    { name: "MXFP4", said: { quant_method: "mxfp4" }, width: [0.53125, 0] },
    { name: "ModelOpt NVFP4", said: { quant_method: "modelopt", quant_algo: "NVFP4" }, width: [0.5, 1 / 16] },
    { name: "ModelOpt FP8", said: { quant_method: "modelopt", quant_algo: "FP8" }, width: [1, 0] },
    { name: "bitsandbytes", said: { quant_method: "bitsandbytes", load_in_4bit: true }, width: [0.5, 0] },
  ])("$name", ({ said, width }) => {
    const { weightBytes, scaleBytes = 0 } = shapeOf({ ...LLAMA, quantization_config: said });
    expect([weightBytes, scaleBytes]).toEqual(width);
  });

  it.each([
    { name: "kv_cache_scheme", said: { quant_method: "compressed-tensors", kv_cache_scheme: { num_bits: 8 } } },
    { name: "ModelOpt", said: { quant_method: "modelopt", quant_algo: "FP8", kv_cache_quant_algo: "FP8" } },
  ])("an 8-bit KV cache by $name", ({ said }) => {
    expect(shapeOf({ ...LLAMA, quantization_config: said }).kvElementBytes).toBe(1);
  });

  it.each([
    { name: "a word in the name", id: "acme/model-fp8", bytes: 1 },
    { name: "w4a16 in the name", id: "acme/model-quantized.w4a16", bytes: 0.5 },
    { name: "no word", id: "acme/fp8000", bytes: 2 },
  ])("of last resort: $name", ({ id, bytes }) => expect(shapeOf(LLAMA, id).weightBytes).toBe(bytes));

  it.each([
    { name: "all layers slide", more: { sliding_window: 4096 }, kinds: undefined, window: 4096 },
    { name: "none, though a window is named", more: { sliding_window: 4096, use_sliding_window: false } },
    {
      name: "the later layers",
      more: { sliding_window: 4096, use_sliding_window: true, max_window_layers: 28 },
      kinds: { full_attention: 28, sliding_attention: 4 },
      window: 4096,
    },
    {
      name: "a pattern",
      more: { sliding_window: 1024, sliding_window_pattern: 4 },
      kinds: { full_attention: 8, sliding_attention: 24 },
      window: 1024,
    },
    {
      name: "the pattern of Gemma 3",
      more: { sliding_window: 1024, model_type: "gemma3_text" },
      kinds: { full_attention: 5, sliding_attention: 27 },
      window: 1024,
    },
  ])("windows: $name", ({ more, kinds, window }) => {
    const shape = shapeOf({ ...LLAMA, ...more });
    expect([shape.layerKinds, shape.slidingWindow]).toEqual([kinds, window]);
  });

  it.each([
    { name: "heads of another name", more: { num_key_value_heads: undefined, num_kv_heads: 4 }, kvHeads: 4 },
    { name: "as many as attention heads", more: { num_key_value_heads: undefined }, kvHeads: 32 },
    { name: "one for all", more: { num_key_value_heads: undefined, multi_query: true }, kvHeads: 1 },
  ])("KV heads: $name", ({ more, kvHeads }) => expect(shapeOf({ ...LLAMA, ...more }).kvHeads).toBe(kvHeads));

  it("fields of text_config stand before the outer ones", () => {
    expect(shapeOf({ ...LLAMA, vocab_size: 7, text_config: { vocab_size: 100 } }).vocab).toBe(100);
  });

  it("rope_parameters may be one per kind of layer", () => {
    const rope_parameters = { full_attention: { rope_type: "linear", factor: 8 }, sliding_attention: {} };
    expect(shapeOf({ ...LLAMA, rope_parameters }).ropeScaling).toEqual({ type: "linear", factor: 8 });
  });

  it.each(["num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size", "intermediate_size"])(
    "names %s where it is missing",
    (field) => {
      const result = read({ ...LLAMA, [field]: undefined });
      expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([
        `the config of acme/model lacks ${field}`,
      ]);
    },
  );

  it.each([
    { config: GPT_OSS, lacks: ["num_experts_per_tok"], gone: ["num_experts_per_tok", "experts_per_token"] },
    { config: DEEPSEEK, lacks: ["v_head_dim"], gone: ["v_head_dim"] },
    { config: DEEPSEEK, lacks: ["moe_intermediate_size"], gone: ["moe_intermediate_size", "intermediate_size"] },
  ])("names $lacks where it is missing", ({ config, lacks, gone }) => {
    const result = read({ ...config, ...Object.fromEntries(gone.map((name) => [name, undefined])) });
    expect(result.ok ? [] : result.problems.map(({ message }) => message.replace(/.* lacks /, ""))).toEqual(lacks);
  });

  it.each(["", "[]", "{", "null"])("is a JSON object, not %j", (text) => {
    expect(shapeOfConfig("a/b", text, "test")).toMatchObject({ ok: false, problems: [{ reason: "BadModelConfig" }] });
  });

  it("says what it assumes", () => {
    const untyped = read({ ...LLAMA, torch_dtype: undefined });
    expect(untyped.ok && untyped.warnings).toMatchObject([{ reason: "AssumedDtype" }]);
    const quantised = read({ ...LLAMA, quantization_config: { quant_method: "squeezellm" } });
    expect(quantised.ok && quantised.warnings).toMatchObject([{ reason: "UnknownQuantization" }]);
  });
});
