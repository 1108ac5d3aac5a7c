import { isMapping } from "../mapping.ts";
import type { ModelShape } from "../model-shape.ts";
import type { Reading } from "./hugging-face-reading.ts";

type Attention = Pick<
  ModelShape,
  "slidingWindow" | "attentionChunk" | "layerKinds" | "fullAttention" | "linear" | "ropeScaling"
>;

/** Which layers look back how far, and how far positions are stretched. */
export const attentionOf = (read: Reading, layers: number): Attention => {
  const { config } = read;
  const kinds = kindsOf(read, layers);
  const window = config.use_sliding_window === false ? undefined : read.first(["sliding_window"], 1);
  const chunk = read.first(["attention_chunk_size"], 1);
  const [globalHeadDim, globalKvHeads] = [
    read.first(["global_head_dim"], 1),
    read.first(["num_global_key_value_heads"], 1),
  ];
  const several = kinds !== undefined && Object.keys(kinds).length > 1;
  return {
    ...(window === undefined ? {} : { slidingWindow: window }),
    ...(chunk === undefined ? {} : { attentionChunk: chunk }),
    ...(kinds === undefined ? {} : { layerKinds: kinds }),
    ...(several && globalHeadDim !== undefined && globalKvHeads !== undefined
      ? { fullAttention: { kvHeads: globalKvHeads, headDim: globalHeadDim } }
      : {}),
    ...linearOf(read),
    ...ropeOf(read),
  };
};

/** By `layer_types`, else by a pattern; undefined: all layers are of one kind. */
const kindsOf = (read: Reading, layers: number): Readonly<Record<string, number>> | undefined => {
  const { layer_types: types, no_rope_layers: rope, model_type: type } = read.config;
  if (Array.isArray(types) && types.length > 0) {
    const counts: Record<string, number> = {};
    for (const one of types.slice(0, layers)) counts[String(one)] = (counts[String(one)] ?? 0) + 1;
    return counts;
  }
  if (read.config.use_sliding_window === false) return undefined;
  const every = (step: number, others: string): Readonly<Record<string, number>> => {
    const full = Math.floor(layers / step);
    return { [others]: layers - full, full_attention: full };
  };
  if (String(type).startsWith("llama4")) {
    const full =
      Array.isArray(rope) && rope.length > 0 ? rope.filter((one) => one === 0).length : Math.floor(layers / 4);
    return { chunked_attention: layers - full, full_attention: full };
  }
  const interval = read.first(["full_attention_interval"], 2);
  if (interval !== undefined) return every(interval, "linear_attention");
  const pattern = read.first(["sliding_window_pattern"], 2) ?? PATTERNS[String(type)];
  if (pattern !== undefined && read.first(["sliding_window"], 1) !== undefined)
    return every(pattern, "sliding_attention");
  const full = read.first(["max_window_layers"], 1);
  return read.config.use_sliding_window === true && full !== undefined && full < layers
    ? { full_attention: full, sliding_attention: layers - full }
    : undefined;
};

/** Every how many layers one sees all, where the class of transformers knows it and the config doesn't say. */
const PATTERNS: Readonly<Record<string, number>> = { gemma2: 2, gemma3: 6, gemma3_text: 6 };

const linearOf = (read: Reading): Pick<ModelShape, "linear"> => {
  const keyHeads = read.first(["linear_num_key_heads"], 1);
  if (keyHeads === undefined) return {};
  return {
    linear: {
      keyHeads,
      valueHeads: read.needed(["linear_num_value_heads"]),
      keyHeadDim: read.needed(["linear_key_head_dim"]),
      valueHeadDim: read.needed(["linear_value_head_dim"]),
      convKernel: read.needed(["linear_conv_kernel_dim"]),
      stateElementBytes: read.config.mamba_ssm_dtype === "float32" ? 4 : 2,
    },
  };
};

/** `rope_scaling`, or `rope_parameters` of newer configs, which may be one per kind of layer. */
const ropeOf = ({ config }: Reading): Pick<ModelShape, "ropeScaling"> => {
  const parameters = isMapping(config.rope_parameters) ? config.rope_parameters : undefined;
  const nested = isMapping(parameters?.full_attention) ? parameters.full_attention : parameters;
  const rope = isMapping(config.rope_scaling) ? config.rope_scaling : nested;
  const type = rope?.rope_type ?? rope?.type;
  const factor = rope?.factor;
  if (rope === undefined || typeof type !== "string" || typeof factor !== "number" || !(factor > 0)) return {};
  const original = rope.original_max_position_embeddings;
  return { ropeScaling: { type, factor, ...(typeof original === "number" ? { originalMax: original } : {}) } };
};
