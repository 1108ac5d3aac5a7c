import type { MlaShape, ModelShape, MoeShape } from "../model-shape.ts";
import { bad, good, type Problem, type Result } from "../problem.ts";
import { attentionOf } from "./hugging-face-attention.ts";
import { precisionOf } from "./hugging-face-precision.ts";
import { type Config, mergedConfig, type Reading, readingOf } from "./hugging-face-reading.ts";
import { LLAMA4_VISION } from "./models.ts";

/**
 * A model by its Hugging Face config.json, as it is. Fields of `text_config` stand before the outer ones; names are those
 * that vLLM and the models of the hub use. What is needed and isn't there is a problem that names the field.
 */
export const shapeOfConfig = (id: string, text: string, source: string): Result<ModelShape> => {
  const config = mergedConfig(text);
  if (config === undefined) {
    const message = `the config of ${id} is no JSON object`;
    return bad({ severity: "error", reason: "BadModelConfig", message, fix: "give its config.json as it is" });
  }
  const read = readingOf(config);
  const experts = read.first(
    ["num_experts", "moe_num_experts", "n_routed_experts", "num_local_experts", "num_routed_experts"],
    2,
  );
  const layers = read.needed(["num_hidden_layers", "n_layer", "n_layers", "num_layers"]);
  const hidden = read.needed(["hidden_size", "n_embd", "d_model"]);
  const heads = read.needed(["num_attention_heads", "n_head", "n_heads"]);
  const vocab = read.needed(["vocab_size"]);
  const intermediate =
    experts === undefined
      ? read.needed(["intermediate_size", "ffn_hidden_size", "n_inner"])
      : (read.first(["intermediate_size", "ffn_hidden_size"]) ?? 0);
  const moe = experts === undefined ? undefined : moeOf(read, experts, intermediate, layers);
  const mla = mlaOf(read);
  const warnings: Problem[] = [];
  const { padHiddenTo, ...precision } = precisionOf(id, config, moe !== undefined, warnings);
  const headDim = read.first(["head_dim"]);
  const attention = attentionOf(read, layers);
  if (read.missing.length > 0) {
    return bad(
      ...read.missing.map((field): Problem => {
        const message = `the config of ${id} lacks ${field}`;
        return { severity: "error", reason: "BadModelConfig", message, fix: `add ${field}` };
      }),
    );
  }
  const { tie_word_embeddings: tied } = config;
  return good(
    {
      id,
      layers,
      hidden,
      heads,
      kvHeads: kvHeadsOf(read, heads),
      headDim: headDim ?? Math.floor(hidden / heads),
      headDimExplicit: headDim !== undefined,
      intermediate,
      vocab,
      maxPositionEmbeddings:
        read.first([
          "max_position_embeddings",
          "n_positions",
          "max_sequence_length",
          "seq_length",
          "model_max_length",
        ]) ?? 2048,
      ...(typeof tied === "boolean" ? { tieWordEmbeddings: tied } : {}),
      ...precision,
      ...(moe === undefined ? {} : { moe: padHiddenTo === undefined ? moe : { ...moe, padHiddenTo } }),
      ...(mla === undefined ? {} : { mla }),
      ...attention,
      ...visionOf(config),
      source,
    },
    warnings,
  );
};

const kvHeadsOf = (read: Reading, heads: number): number =>
  read.config.multi_query === true
    ? 1
    : (read.first(["num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"]) ?? heads);

const moeOf = (read: Reading, experts: number, intermediate: number, layers: number): MoeShape => {
  const own = read.first(["moe_intermediate_size", "moe_ffn_hidden_size", "expert_ffn_hidden_size"]);
  const expertIntermediate = own ?? (intermediate > 0 ? intermediate : read.needed(["moe_intermediate_size"]));
  const llama4 = String(read.config.model_type).startsWith("llama4");
  const shared =
    read.first([
      "shared_expert_intermediate_size",
      "moe_shared_expert_intermediate_size",
      "shared_intermediate_size",
    ]) ?? (read.first(["n_shared_experts", "num_shared_experts"]) ?? 0) * expertIntermediate;
  const dense = Array.isArray(read.config.mlp_only_layers) ? read.config.mlp_only_layers.length : 0;
  const every = read.first(["interleave_moe_layer_step"]) ?? read.first(["decoder_sparse_step"], 2) ?? 0;
  return {
    experts,
    expertsPerToken: read.needed([
      "num_experts_per_tok",
      "num_experts_per_token",
      "experts_per_token",
      "moe_topk",
      "moe_k",
      "top_k_experts",
    ]),
    expertIntermediate,
    expertIntermediateOwn: own !== undefined,
    sharedIntermediate: shared,
    ...(llama4 ? { unlistedSharedIntermediate: intermediate } : {}),
    denseLayersFirst: Math.min(layers, (read.first(["first_k_dense_replace"]) ?? 0) + dense),
    interleaveStep: every,
    denseIntermediate: read.first(["intermediate_size_mlp"]) ?? 0,
  };
};

const mlaOf = (read: Reading): MlaShape | undefined => {
  const kvLoraRank = read.first(["kv_lora_rank"]);
  if (kvLoraRank === undefined) return undefined;
  const qLoraRank = read.first(["q_lora_rank"]);
  const indexerHeadDim = read.first(["index_head_dim"]);
  return {
    kvLoraRank,
    qkRopeHeadDim: read.needed(["qk_rope_head_dim"]),
    qkNopeHeadDim: read.needed(["qk_nope_head_dim"]),
    vHeadDim: read.needed(["v_head_dim"]),
    ...(qLoraRank === undefined ? {} : { qLoraRank }),
    ...(indexerHeadDim === undefined ? {} : { indexerHeadDim }),
  };
};

/** Attention of four matrices and a feed-forward of two per layer; patches and projectors are left out. */
const visionOf = ({ vision_config: said, model_type: type }: Config): Pick<ModelShape, "vision"> => {
  if (String(type).startsWith("llama4") && said !== undefined) return { vision: LLAMA4_VISION };
  if (typeof said !== "object" || said === null) return {};
  const read = readingOf(said as Config);
  const [layers, hidden] = [read.first(["num_hidden_layers", "depth"]), read.first(["hidden_size"])];
  if (layers === undefined || hidden === undefined) return {};
  const wide = read.first(["intermediate_size"]) ?? 4 * hidden;
  return { vision: { parameters: layers * (4 * hidden * hidden + 2 * hidden * wide) } };
};
