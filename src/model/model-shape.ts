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
  readonly moe?: MoeShape;
  readonly mla?: MlaShape;
  readonly slidingWindow?: number;
  /** Counts of layers by attention kind, where they differ. */
  readonly layerKinds?: Readonly<Record<string, number>>;
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
}

/** Multi-head latent attention: ranks and per-head widths. */
export interface MlaShape {
  readonly kvLoraRank: number;
  readonly qkRopeHeadDim: number;
  readonly qkNopeHeadDim: number;
  readonly vHeadDim: number;
  /** undefined: queries aren't compressed. */
  readonly qLoraRank?: number;
}

/** How one replica is split over GPUs. */
export interface Parallelism {
  readonly tp: number;
  readonly pp: number;
  readonly dp: number;
  readonly expertParallel: boolean;
}
