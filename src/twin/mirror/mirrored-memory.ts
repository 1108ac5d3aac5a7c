import type { EngineDefaults } from "../../engine/defaults.ts";
import type { EngineConfig } from "../../engine/engine.ts";
import { type CapacityInput, type KvCapacity, kvCapacity, longestThatFits } from "../../engine/kv-capacity.ts";
import type { LoraSlots } from "../../engine/memory-profile.ts";
import type { ServerKind } from "../../engine/server-defaults.ts";
import { type Known, known } from "../../model/known.ts";
import type { ModelShape, Parallelism } from "../../model/model-shape.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { derived, type Ledger, placeOf, withSource } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import type { MirroredHardware } from "./mirrored-hardware.ts";
import { type CachePage, givenBlocks, warnOfOtherCapacity, warnOfOtherSettings } from "./mirrored-page.ts";
import type { MirroredSpeculation } from "./mirrored-speculation.ts";

type EngineOverride = NonNullable<SimulationSpec["overrides"]["engine"]>;

export interface EngineParts extends MirroredHardware {
  readonly reading: WorkloadReading;
  readonly override: EngineOverride;
  /** Of a real replica. */
  readonly page: CachePage | undefined;
  readonly shape: ModelShape;
  readonly parallelism: Parallelism;
  readonly mode: EngineConfig["mode"];
}

/** What of the other settings takes memory. */
export interface MemoryParts extends EngineParts {
  readonly defaults: EngineDefaults;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly eager: boolean;
  readonly lora: LoraSlots | undefined;
  readonly draft: MirroredSpeculation["draft"] | undefined;
}

export interface Memory {
  readonly gpuMemoryUtilization: number;
  readonly blockSize: number;
  readonly numGpuBlocks: number;
  readonly kvGroups: NonNullable<EngineConfig["kvGroups"]>;
  readonly bytesPerBlock: number;
  readonly maxModelLen: Known<number>;
  /** Of the whole replica. */
  readonly weightBytes: number;
}

const MOST_BLOCKS = 2e7;

/** @param asked --max-model-len as somebody gives it @param longest what the model's config allows */
export const mirrorMemory = (
  parts: MemoryParts,
  asked: Known<number> | undefined,
  longest: Known<number>,
  ledger: Ledger,
  path: string,
): Memory | undefined => {
  const { reading, page, parallelism, defaults, mode } = parts;
  const said = reading.arguments;
  const object = objectText(reading.ref);
  const share = said.number("gpu-memory-utilization") ?? defaults.gpuMemoryUtilization;
  const wanted = said.number("block-size") ?? defaults.blockSize;
  const block = page?.blockSize ?? wanted;
  if (page !== undefined) warnOfOtherSettings(page, { share, blockSize: wanted }, ledger);
  const refused = (value: Known<number>, message: string, fix: string): undefined =>
    ledger.error({ reason: "BadArgument", ...placeOf(value.from, object), message, fix });
  if (!(share.value > 0 && share.value <= 1)) {
    const message = `--gpu-memory-utilization must be above 0 and at most 1, not ${share.value}`;
    return refused(share, message, "set a share such as 0.9");
  }
  if (block.value < 1 || (mode === "vllm" && block.value % 16 !== 0)) {
    const message = `--block-size must be a multiple of 16, as vLLM's attention kernels take it, not ${block.value}`;
    return refused(block, message, "set 16, or leave it out");
  }
  ledger.use(`${path}.gpuMemoryUtilization`, share);
  const capacity = capacityOf(parts, share, block, ledger, path);
  if (capacity === undefined) return undefined;
  const { blockSize, kvGroups, bytesPerBlock } = capacity;
  const lengthened = derived(blockSize, "vLLM: lengthened, so that the state of a linear-attention layer fits a block");
  ledger.use(`${path}.engine.blockSize`, blockSize === block.value ? block : lengthened);
  const numGpuBlocks = ledger.use(`${path}.engine.numGpuBlocks`, capacity.blocks);
  const cache = { blocks: numGpuBlocks, blockSize, kvGroups, budget: parts.maxNumBatchedTokens };
  const holds = longestThatFits(cache, longest.value);
  const fits = said.text("max-model-len")?.value === "auto" && asked === undefined && holds < longest.value;
  const length = fits ? derived(holds, "--max-model-len auto: what the KV cache holds") : (asked ?? longest);
  ledger.use(`${path}.engine.maxModelLen`, length);
  if (asked !== undefined && asked.value > longest.value) {
    const message = `max_model_len ${withSource(asked)} exceeds ${longest.value}, ${describeHow(longest)}; vLLM refuses unless VLLM_ALLOW_LONG_MAX_MODEL_LEN is set`;
    ledger.warn({ reason: "ContextBeyondModel", ...placeOf(asked.from, object), message });
  }
  return {
    gpuMemoryUtilization: share.value,
    blockSize,
    numGpuBlocks,
    kvGroups: kvGroups.map(({ window }) => (window === undefined ? {} : { window })),
    bytesPerBlock,
    maxModelLen: length,
    weightBytes: capacity.weightBytes * (mode === "blis" ? 1 : parallelism.tp * parallelism.pp),
  };
};

const describeHow = ({ from }: Known<unknown>): string => (from.kind === "derived" ? from.how : "the model's own");

/** As the formula has it, but for blocks that somebody gives. */
type Capacity = Omit<KvCapacity, "blocks"> & { readonly blocks: Known<number> };

/** KV blocks: overridden, of a real replica, given by a flag, or what fits beside the weights. */
const capacityOf = (
  parts: MemoryParts,
  share: Known<number>,
  block: Known<number>,
  ledger: Ledger,
  path: string,
): Capacity | undefined => {
  const { reading, override, page, shape, visibleMiB, mode } = parts;
  const said = reading.arguments;
  const element = kvElementBytes(reading, shape, ledger);
  ledger.use(`${path}.engine.kvElementBytes`, element);
  if (visibleMiB !== undefined) ledger.use(`${path}.gpuMemoryMiB`, visibleMiB);
  const own = capacityInput(parts, share, block, said.text("kv-cache-dtype") === undefined ? undefined : element);
  const input = mode === "vllm" ? { ...own, ...SHARE_OF[said.server] } : own;
  const found = kvCapacity(input);
  const capacity = found.ok && said.server === "tensorrt-llm" ? { ...found, value: partOf(found.value, share) } : found;
  const blocks = givenBlocks(override, page);
  if (!capacity.ok) {
    const place = said.number("tensor-parallel-size") ?? said.text("model");
    // Whoever gives the blocks knows better than the formula; what can't be split stays wrong.
    const mends = blocks !== undefined && capacity.problems.every(({ reason }) => reason === "ModelDoesNotFit");
    const roomy = mends ? kvCapacity({ ...input, overheadGiB: 0, gpuMemoryUtilization: 1000 }) : capacity;
    if (roomy.ok && blocks !== undefined) return { ...roomy.value, blocks };
    ledger.add(capacity.problems, placeOf(place?.from ?? share.from, objectText(reading.ref)));
    return undefined;
  }
  ledger.add(capacity.warnings, { object: objectText(reading.ref) });
  if (blocks !== undefined && blocks === page?.numGpuBlocks) {
    warnOfOtherCapacity(blocks, capacity.value.blocks, ledger);
    return { ...capacity.value, blocks };
  }
  const given = blocks ?? said.number("num-gpu-blocks-override") ?? byBytes(capacity.value, reading);
  if (given !== undefined && !credible(given, capacity.value, reading, ledger)) return undefined;
  return { ...capacity.value, blocks: given ?? known(capacity.value.blocks, howMany(capacity.value, parts, share)) };
};

/**
 * What a server's share of memory is of: vLLM's holds activations too, SGLang's mem_fraction_static only weights and KV cache,
 * TensorRT-LLM's is of what weights and buffers leave, so that its cache is a part of what fits with all of the memory.
 */
const SHARE_OF: Readonly<Record<ServerKind, Partial<CapacityInput>>> = {
  vllm: {},
  sglang: { overheadGiB: 0 },
  "tensorrt-llm": { gpuMemoryUtilization: 1 },
};

const partOf = (whole: KvCapacity, { value }: Known<number>): KvCapacity => ({
  ...whole,
  blocks: Math.floor(whole.blocks * value),
});

const capacityInput = (
  parts: MemoryParts,
  share: Known<number>,
  block: Known<number>,
  element: Known<number> | undefined,
): CapacityInput => {
  const { mode, hardware, parallelism, visibleMiB, override, maxNumSeqs, maxNumBatchedTokens, eager, lora, draft } =
    parts;
  const { arguments: said, version } = parts.reading;
  const state = { float32: 4, float16: 2, bfloat16: 2 }[said.text("mamba-ssm-cache-dtype")?.value ?? ""];
  const { linear } = parts.shape;
  const shape =
    linear === undefined || state === undefined
      ? parts.shape
      : { ...parts.shape, linear: { ...linear, stateElementBytes: state } };
  return {
    mode,
    shape,
    hardware,
    parallelism,
    gpuMemoryUtilization: share.value,
    blockSize: block.value,
    maxNumSeqs,
    maxNumBatchedTokens,
    eager,
    hybrid: said.switch("disable-hybrid-kv-cache-manager")?.value !== true,
    ...(version === undefined ? {} : { version: version.value }),
    ...(element === undefined ? {} : { kvElementBytes: element.value }),
    ...(visibleMiB === undefined ? {} : { visibleMiB: visibleMiB.value }),
    ...(override.overheadGiB === undefined ? {} : { overheadGiB: override.overheadGiB }),
    ...(lora === undefined ? {} : { lora }),
    ...(draft === undefined ? {} : { draft }),
  };
};

/** Blocks given by hand are believed, with a word where the memory can't hold them. */
const credible = (given: Known<number>, { blocks }: KvCapacity, reading: WorkloadReading, ledger: Ledger): boolean => {
  const place = placeOf(given.from, objectText(reading.ref));
  if (given.value > MOST_BLOCKS) {
    const message = `${given.value} KV blocks are more than any GPU holds`;
    ledger.error({ reason: "TooManyBlocks", ...place, message, fix: `about ${blocks} fit; leave it out` });
    return false;
  }
  if (given.value > 1.25 * blocks) {
    const message = `${given.value} KV blocks are given, but about ${blocks} fit: the real server may run out of memory`;
    ledger.warn({ reason: "BlocksBeyondMemory", ...place, message });
  }
  return true;
};

const byBytes = ({ bytesPerBlock }: KvCapacity, { arguments: said }: WorkloadReading): Known<number> | undefined => {
  const bytes = said.number("kv-cache-memory-bytes");
  return bytes === undefined ? undefined : known(Math.floor(bytes.value / bytesPerBlock), bytes.from);
};

const howMany = (
  { weightBytes, overheadBytes, bytesPerBlock, kvGroups }: KvCapacity,
  { hardware, visibleMiB, mode, reading }: EngineParts,
  share: Known<number>,
): Known<number>["from"] => {
  if (mode === "blis") return { kind: "derived", how: "the formula of the reference simulator (BLIS)" };
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(2);
  const memory = gib((visibleMiB?.value ?? hardware.visibleMiB ?? hardware.memoryGiB * 1024) * 2 ** 20);
  const groups = kvGroups.length > 1 ? `, of ${kvGroups.length} groups of layers` : "";
  const less = `less ${gib(weightBytes)} GiB of weights and ${gib(overheadBytes)} GiB for activations and the rest`;
  if (reading.arguments.server === "tensorrt-llm") {
    const how = `per GPU, ${share.value} of ${memory} GiB (less the driver's) ${less}, over ${bytesPerBlock} bytes per block${groups}`;
    return { kind: "derived", how };
  }
  return {
    kind: "derived",
    how: `per GPU, ${memory} GiB (less the driver's) x ${share.value}, ${less}, over ${bytesPerBlock} bytes per block${groups}`,
  };
};

const kvElementBytes = (reading: WorkloadReading, shape: ModelShape, ledger: Ledger): Known<number> => {
  const said = reading.arguments.text("kv-cache-dtype");
  const own =
    shape.kvElementBytes === undefined
      ? derived(shape.dtypeBytes, "--kv-cache-dtype auto: as the model's activations")
      : derived(shape.kvElementBytes, "--kv-cache-dtype auto: as the checkpoint says");
  if (said === undefined || said.value === "auto") return own;
  if (/^fp8(_e4m3|_e5m2|_inc|_ds_mla)?$/.test(said.value)) return known(1, said.from);
  if (/^(b?float16|half)$/.test(said.value)) return known(2, said.from);
  // Per head, with scales of 4 bytes beside its values; 4-bit values with one byte per 16 (vllm/v1/kv_cache_interface.py).
  if (/^(int8|fp8)_per_token_head$/.test(said.value)) return known(1 + 4 / shape.headDim, said.from);
  if (said.value === "nvfp4") return known(0.5625, said.from);
  const message = `--kv-cache-dtype ${said.value} is not modelled; the cache is simulated as at auto`;
  ledger.warn({ reason: "NotModelled", ...placeOf(said.from, objectText(reading.ref)), message });
  return own;
};
