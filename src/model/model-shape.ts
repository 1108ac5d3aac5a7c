/** Architecture of a model: what step time and memory depend on. Names follow Hugging Face configs, units in the names. */
export interface ModelShape {
  /** Hugging Face id, `meta-llama/Llama-3.1-8B-Instruct`. */
  readonly id: string;
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Whether the config gives `head_dim` itself, rather than hidden / heads. */
  readonly headDimExplicit: boolean;
  /** Width of the dense feed-forward; 0 where every layer is MoE and the config gives none. */
  readonly intermediate: number;
  readonly vocab: number;
  readonly maxPositionEmbeddings: number;
  /** undefined: the source doesn't say. */
  readonly tieWordEmbeddings?: boolean;
  /** Bytes of one activation and one unquantised weight: 2 for float16 and bfloat16. */
  readonly dtypeBytes: number;
  /** Effective bytes of a quantised weight; equals `dtypeBytes` without quantisation. */
  readonly weightBytes: number;
  /** What is quantised: all linear layers, or only the experts. undefined: linear layers, if anything. */
  readonly quantizedParts?: "linear" | "experts";
  /** Bytes of scales and zero points per quantised weight, where `weightBytes` leaves them out; count for memory only. */
  readonly scaleBytes?: number;
  readonly moe?: MoeShape;
  readonly mla?: MlaShape;
  /** Tokens that sliding layers look back; without `layerKinds` all layers do. */
  readonly slidingWindow?: number;
  /** Tokens of a chunk that chunked layers look back within (Llama 4). */
  readonly attentionChunk?: number;
  /** Counts of layers by attention kind, where they differ: full_, sliding_, chunked_ or linear_attention. */
  readonly layerKinds?: Readonly<Record<string, number>>;
  /** KV heads of full-attention layers where they differ from the others (Gemma 4). */
  readonly fullAttention?: { readonly kvHeads: number; readonly headDim: number };
  /** Linear-attention layers, which hold a state instead of KV. */
  readonly linear?: LinearShape;
  /** Bytes of one element of the KV cache by the checkpoint's own word; left out: `dtypeBytes`. */
  readonly kvElementBytes?: number;
  readonly vision?: VisionShape;
  readonly ropeScaling?: { readonly type: string; readonly factor: number; readonly originalMax?: number };
  readonly source: string;
}

export interface MoeShape {
  readonly experts: number;
  readonly expertsPerToken: number;
  /** Width of one expert. */
  readonly expertIntermediate: number;
  /** Whether that width is a field of its own (`moe_intermediate_size`), not `intermediate_size`. */
  readonly expertIntermediateOwn: boolean;
  /** Total width of all shared experts. */
  readonly sharedIntermediate: number;
  /** Width of a shared expert that no field of the config names (Llama 4: vLLM llama4.py); counts for memory only. */
  readonly unlistedSharedIntermediate?: number;
  readonly denseLayersFirst: number;
  /** 0: every layer; step n: layer i is MoE if (i + 1) mod n = 0. */
  readonly interleaveStep: number;
  /** Width of the dense layers of an interleaved model. */
  readonly denseIntermediate: number;
  /** The kernels pad the experts' hidden width to a multiple of this; counts for memory only. */
  readonly padHiddenTo?: number;
}

/** Gated delta nets, as Qwen3-Next and Qwen3.5 have them. */
export interface LinearShape {
  readonly keyHeads: number;
  readonly valueHeads: number;
  readonly keyHeadDim: number;
  readonly valueHeadDim: number;
  readonly convKernel: number;
  /** Bytes of one element of the recurrent state; the convolution's is of the model's own type. */
  readonly stateElementBytes: number;
}

/** The tower that turns images into tokens; counts for memory only. */
export interface VisionShape {
  readonly parameters: number;
  /** Per GPU, what its profile run leaves unexplained, fitted to recorded block counts. Left out: not known, 0. */
  readonly profileGiB?: number;
}

/** Multi-head latent attention: ranks and per-head widths. */
export interface MlaShape {
  readonly kvLoraRank: number;
  readonly qkRopeHeadDim: number;
  readonly qkNopeHeadDim: number;
  readonly vHeadDim: number;
  /** undefined: queries aren't compressed. */
  readonly qLoraRank?: number;
  /** Width of the sparse indexer's own cache (DeepSeek-V3.2). */
  readonly indexerHeadDim?: number;
}

/** How one replica is split over GPUs. */
export interface Parallelism {
  readonly tp: number;
  readonly pp: number;
  readonly dp: number;
  readonly expertParallel: boolean;
}
