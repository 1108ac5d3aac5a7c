import type { ModelShape, Parallelism } from "../model/model-shape.ts";

export type KvKind = "full" | "sliding" | "chunked" | "linear";

/** Layers that share a block table. A block of any group takes the same memory, so one pool serves all. */
export interface KvLayerGroup {
  readonly kind: KvKind;
  /** Tokens that its layers look back; left out: all. */
  readonly window?: number;
}

export interface KvLayoutInput {
  readonly shape: ModelShape;
  readonly parallelism: Pick<Parallelism, "tp" | "pp">;
  readonly blockSize: number;
  /** Bytes of one element; left out: the checkpoint's own, or the model's. */
  readonly kvElementBytes?: number;
  /** false: layers of all kinds hold KV as full ones do (--disable-hybrid-kv-cache-manager). */
  readonly hybrid?: boolean;
  /** Bytes per token of a draft model's own layers, per GPU. */
  readonly draftBytesPerToken?: number;
}

/** How vLLM lays out one GPU's KV cache. */
export interface KvLayout {
  readonly groups: readonly KvLayerGroup[];
  /** Tokens of a block. More than asked where a linear layer's state needs the room. */
  readonly blockSize: number;
  /** Of one block of one group, on one GPU. */
  readonly bytesPerBlock: number;
  /** What is only roughly so, as sentences without full stop. */
  readonly roughly: readonly string[];
}

interface Kind extends KvLayerGroup {
  readonly layers: number;
  /** Bytes of one layer's page of `blockSize` tokens. */
  readonly page: number;
}

/**
 * vLLM 0.22, vllm/v1/core/kv_cache_utils.py: layers of one kind form one group. Layers of several kinds are cut into
 * groups of equally many, as many as the rarest kind has, or as the commonest if that is not 1.5 times as many; each
 * group has a block table of its own over a shared pool. Layers of unlike page size are padded to the widest.
 */
export const kvLayout = (input: KvLayoutInput): KvLayout => {
  const { shape, parallelism } = input;
  const blockSize = blockSizeFor(input);
  const kinds = kindsOf(input, blockSize);
  const draft = (input.draftBytesPerToken ?? 0) * blockSize;
  const [only] = kinds;
  if (kinds.length === 1 && only !== undefined) {
    const bytesPerBlock = Math.ceil(only.layers / parallelism.pp) * only.page + draft;
    return { groups: [groupOf(only)], blockSize, bytesPerBlock, roughly: [] };
  }
  const counts = kinds.map(({ layers }) => layers);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const size = most < least * 1.5 ? most : least;
  const page = Math.max(...kinds.map((kind) => kind.page));
  const groups = kinds.flatMap((kind) => Array<KvLayerGroup>(Math.ceil(kind.layers / size)).fill(groupOf(kind)));
  const roughly = kinds.some((kind) => kind.kind !== "linear" && kind.page !== page)
    ? [`layers of ${shape.id} with narrower KV are counted as the widest, where vLLM gives them longer blocks`]
    : [];
  return { groups, blockSize, bytesPerBlock: Math.ceil(size / parallelism.pp) * page + draft, roughly };
};

const groupOf = ({ kind, window }: Kind): KvLayerGroup => (window === undefined ? { kind } : { kind, window });

const kindsOf = (input: KvLayoutInput, blockSize: number): readonly Kind[] => {
  const { shape } = input;
  const { slidingWindow, attentionChunk } = shape;
  const named = shape.layerKinds ?? {
    [slidingWindow === undefined ? "full_attention" : "sliding_attention"]: shape.layers,
  };
  const several = Object.values(named).filter((layers) => layers > 0).length > 1;
  const looking = (name: string): KvLayerGroup => {
    if (name === "linear_attention") return { kind: "linear", window: 1 };
    if (several && input.hybrid === false) return { kind: "full" };
    if (name === "sliding_attention" && slidingWindow !== undefined) return { kind: "sliding", window: slidingWindow };
    if (name === "chunked_attention" && attentionChunk !== undefined)
      return { kind: "chunked", window: attentionChunk };
    return { kind: "full" };
  };
  const merged = new Map<string, Kind>();
  for (const [name, layers] of Object.entries(named)) {
    if (layers === 0) continue;
    const group = looking(name);
    const page = group.kind === "linear" ? 0 : bytesPerTokenOfLayer(input, name) * blockSize;
    const same = merged.get(group.kind);
    merged.set(group.kind, { ...group, layers: layers + (same?.layers ?? 0), page: Math.max(page, same?.page ?? 0) });
  }
  return [...merged.values()].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
};

const ORDER: readonly KvKind[] = ["full", "sliding", "chunked", "linear"];

/** Of DeepSeek's sparse attention: 512 one-byte values, 4 scales and 64 two-byte values (vLLM: fp8_ds_mla). */
const SPARSE_MLA_BYTES = 656;

/** Of one GPU. Latent attention keeps its whole width on each; few KV heads are replicated, so that each has one. */
const bytesPerTokenOfLayer = (input: KvLayoutInput, kind: string): number => {
  const { shape, parallelism } = input;
  const { mla, fullAttention } = shape;
  const element = input.kvElementBytes ?? shape.kvElementBytes ?? shape.dtypeBytes;
  if (mla !== undefined) {
    const latent = mla.kvLoraRank + mla.qkRopeHeadDim;
    if (mla.indexerHeadDim === undefined) return latent * element;
    const indexer = mla.indexerHeadDim + (4 * mla.indexerHeadDim) / 128;
    return (input.kvElementBytes === 2 ? latent * 2 : SPARSE_MLA_BYTES) + indexer;
  }
  const { kvHeads, headDim } = kind === "full_attention" && fullAttention !== undefined ? fullAttention : shape;
  return 2 * headDim * Math.max(1, kvHeads / parallelism.tp) * element;
};

/** Bytes per token and GPU of all layers, for whoever adds a draft model's to another's. */
export const kvBytesPerToken = (shape: ModelShape, { tp, pp }: Pick<Parallelism, "tp" | "pp">): number => {
  const { bytesPerBlock, groups } = kvLayout({ shape, parallelism: { tp, pp }, blockSize: 1, hybrid: false });
  return bytesPerBlock * groups.length;
};

/**
 * A linear layer's state has to fit a block, so vLLM lengthens blocks, in steps of 16 tokens (vllm/platforms/interface.py;
 * it reports 528 for Qwen3.6-35B-A3B on 4 GPUs).
 */
const blockSizeFor = (input: KvLayoutInput): number => {
  const { shape, parallelism, blockSize } = input;
  const { linear } = shape;
  if (linear === undefined || blockSize === 1) return blockSize;
  const { keyHeads, valueHeads, keyHeadDim, valueHeadDim, convKernel, stateElementBytes } = linear;
  const convolved = 2 * keyHeads * keyHeadDim + valueHeads * valueHeadDim;
  const state =
    (convolved * (convKernel - 1) * shape.dtypeBytes + valueHeads * keyHeadDim * valueHeadDim * stateElementBytes) /
    parallelism.tp;
  const needed = Math.ceil(state / bytesPerTokenOfLayer(input, "full_attention"));
  return Math.max(blockSize, Math.ceil(needed / 16) * 16);
};

/** What one request of a length needs at most, in blocks of all groups (vLLM: max_admission_blocks_per_request). */
export const blocksForLength = (
  groups: readonly { readonly window?: number }[],
  blockSize: number,
  budget: number,
  length: number,
): number => {
  const whole = Math.ceil(length / blockSize);
  return groups.reduce((sum, { window }) => {
    if (window === undefined) return sum + whole;
    const held = Math.min(window - 1 + budget, length);
    return sum + Math.min(whole, Math.ceil(held / blockSize) + 1);
  }, 0);
};
