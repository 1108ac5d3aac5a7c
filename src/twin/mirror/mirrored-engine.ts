import { configProblems } from "../../engine/config-problems.ts";
import { defaultMaxModelLen, type EngineDefaults, engineDefaults } from "../../engine/defaults.ts";
import type { EngineConfig } from "../../engine/engine.ts";
import { type KvCapacity, kvCapacity } from "../../engine/kv-capacity.ts";
import { type Known, known } from "../../model/known.ts";
import type { ModelShape, Parallelism } from "../../model/model-shape.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, derived, type Ledger, overridden, placeOf, withSource } from "../ledger.ts";
import { objectText } from "../manifest.ts";
import type { WorkloadReading } from "../reader.ts";
import type { MirroredHardware } from "./mirrored-hardware.ts";

type EngineOverride = NonNullable<SimulationSpec["overrides"]["engine"]>;

export interface EngineParts extends MirroredHardware {
  readonly reading: WorkloadReading;
  readonly override: EngineOverride;
  readonly shape: ModelShape;
  readonly parallelism: Parallelism;
  readonly mode: EngineConfig["mode"];
}

export interface MirroredEngine {
  readonly config: EngineConfig;
  readonly gpuMemoryUtilization: number;
  /** Of the whole replica. */
  readonly weightBytes: number;
}

export const mirrorParallelism = (reading: WorkloadReading, ledger: Ledger, path: string): Parallelism | undefined => {
  const { arguments: said } = reading;
  const object = objectText(reading.ref);
  const size = (flag: string, name: string): number => {
    const found = said.number(flag) ?? defaulted(1, `vLLM: --${flag} is 1`);
    if (found.value < 1) {
      const fix = `set --${flag} to 1 or more`;
      ledger.error({
        reason: "BadArgument",
        ...placeOf(found.from, object),
        message: `--${flag} must be at least 1`,
        fix,
      });
    } else if (found.value > 1 && name !== "tp") {
      const message =
        name === "pp"
          ? `--${flag} ${found.value}: pipeline stages share the memory, but their overlap is not modelled; steps are timed as on one stage`
          : `--${flag} ${found.value}: data-parallel ranks are simulated as one engine with all their memory`;
      ledger.warn({ reason: "NotModelled", ...placeOf(found.from, object), message });
    }
    return ledger.use(`${path}.parallelism.${name}`, found);
  };
  const expertParallel = said.switch("enable-expert-parallel") ?? defaulted(false, "vLLM: experts are not spread");
  const parallelism = {
    tp: size("tensor-parallel-size", "tp"),
    pp: size("pipeline-parallel-size", "pp"),
    dp: size("data-parallel-size", "dp"),
    expertParallel: ledger.use(`${path}.parallelism.expertParallel`, expertParallel),
  };
  return Math.min(parallelism.tp, parallelism.pp, parallelism.dp) < 1 ? undefined : parallelism;
};

/** Every setting of the engine: overridden, as the flags say, or vLLM's default for this version and GPU. */
export const mirrorEngine = (parts: EngineParts, ledger: Ledger, path: string): MirroredEngine | undefined => {
  const { reading, override, mode } = parts;
  const { arguments: said } = reading;
  const use = <T extends string | number | boolean>(name: string, value: Known<T>): T =>
    ledger.use(`${path}.engine.${name}`, value);
  use("version", reading.version ?? defaulted("unknown", "the image's tag doesn't tell; the newest that is known"));
  const longest = defaultMaxModelLen(parts.shape);
  const asked = overridden(override.maxModelLen, "overrides.engine.maxModelLen") ?? said.number("max-model-len");
  const seqs = overridden(override.maxNumSeqs, "overrides.engine.maxNumSeqs") ?? said.number("max-num-seqs");
  const tokens =
    overridden(override.maxNumBatchedTokens, "overrides.engine.maxNumBatchedTokens") ??
    said.number("max-num-batched-tokens");
  const defaults = engineDefaults({
    mode,
    version: reading.version?.value,
    hardware: parts.hardware,
    maxModelLen: (asked ?? longest).value,
    ...(seqs === undefined ? {} : { maxNumSeqs: seqs.value }),
    ...(tokens === undefined ? {} : { maxNumBatchedTokens: tokens.value }),
  });
  const memory = mirrorMemory(parts, defaults, asked, longest, ledger, path);
  if (memory === undefined) return undefined;
  const chunkedPrefill = said.switch("enable-chunked-prefill") ?? defaults.chunkedPrefill;
  const budget = tokens ?? wholePrompts(defaults.maxNumBatchedTokens, chunkedPrefill, memory.maxModelLen);
  const threshold =
    overridden(override.longPrefillTokenThreshold, "overrides.engine.longPrefillTokenThreshold") ??
    said.number("long-prefill-token-threshold");
  const config: EngineConfig = {
    mode,
    maxNumSeqs: use("maxNumSeqs", seqs ?? defaults.maxNumSeqs),
    maxNumBatchedTokens: use("maxNumBatchedTokens", budget),
    maxModelLen: memory.maxModelLen.value,
    blockSize: memory.blockSize,
    numGpuBlocks: memory.numGpuBlocks,
    prefixCaching: use("prefixCaching", said.switch("enable-prefix-caching") ?? defaults.prefixCaching),
    chunkedPrefill: use("chunkedPrefill", chunkedPrefill),
    longPrefillTokenThreshold: use("longPrefillTokenThreshold", threshold ?? defaults.longPrefillTokenThreshold),
    asyncScheduling: use("asyncScheduling", said.switch("async-scheduling") ?? defaults.asyncScheduling),
  };
  const placed = {
    "max-num-seqs": seqs ?? defaults.maxNumSeqs,
    "max-num-batched-tokens": budget,
    "max-model-len": memory.maxModelLen,
  };
  refuse(config, placed, parts, ledger);
  return { config, gpuMemoryUtilization: memory.gpuMemoryUtilization, weightBytes: memory.weightBytes };
};

/** Without chunks a prompt must fit the budget, so vLLM's default is raised to the longest (get_batch_defaults). */
const wholePrompts = (tokens: Known<number>, chunked: Known<boolean>, length: Known<number>): Known<number> =>
  chunked.value || tokens.value >= length.value
    ? tokens
    : derived(length.value, "vLLM: raised to max_model_len, since prompts are not chunked");

/** Bounds as spec.overrides.engine has them: nothing real comes near, and what lies beyond would only fill memory. */
const MOST = { "max-num-seqs": 1e6, "max-num-batched-tokens": 1e7, "max-model-len": 1e9 } as const;
const MOST_BLOCKS = 2e7;
type Placed = Readonly<Record<keyof typeof MOST, Known<number>>>;

/** What the engine refuses to start with, at the fields that say so. */
const refuse = (config: EngineConfig, from: Placed, { reading }: EngineParts, ledger: Ledger): void => {
  const object = objectText(reading.ref);
  for (const flag of Object.keys(MOST) as (keyof Placed)[]) {
    const { value, from: place } = from[flag];
    if (value >= 1 && value <= MOST[flag]) continue;
    const message = `--${flag} must be from 1 to ${MOST[flag]}, not ${value}`;
    ledger.error({ reason: "BadArgument", ...placeOf(place, object), message, fix: "set a number within" });
  }
  for (const problem of configProblems(config)) {
    const flag = problem.reason === "TokenBudget" ? "max-num-batched-tokens" : "max-model-len";
    ledger.add([problem], placeOf(from[flag].from, object));
  }
};

interface Memory {
  readonly gpuMemoryUtilization: number;
  readonly blockSize: number;
  readonly numGpuBlocks: number;
  readonly maxModelLen: Known<number>;
  readonly weightBytes: number;
}

const mirrorMemory = (
  parts: EngineParts,
  defaults: EngineDefaults,
  asked: Known<number> | undefined,
  longest: Known<number>,
  ledger: Ledger,
  path: string,
): Memory | undefined => {
  const { reading, parallelism } = parts;
  const said = reading.arguments;
  const object = objectText(reading.ref);
  const share = said.number("gpu-memory-utilization") ?? defaults.gpuMemoryUtilization;
  const block = said.number("block-size") ?? defaults.blockSize;
  if (!(share.value > 0 && share.value <= 1)) {
    const message = `--gpu-memory-utilization must be above 0 and at most 1, not ${share.value}`;
    return ledger.error({
      reason: "BadArgument",
      ...placeOf(share.from, object),
      message,
      fix: "set a share such as 0.9",
    });
  }
  if (block.value < 1) {
    const message = "--block-size must be at least 1";
    return ledger.error({
      reason: "BadArgument",
      ...placeOf(block.from, object),
      message,
      fix: "set 16, or leave it out",
    });
  }
  ledger.use(`${path}.gpuMemoryUtilization`, share);
  ledger.use(`${path}.engine.blockSize`, block);
  const capacity = capacityOf(parts, share, block, ledger, path);
  if (capacity === undefined) return undefined;
  const numGpuBlocks = ledger.use(`${path}.engine.numGpuBlocks`, capacity.blocks);
  const holds = (numGpuBlocks - 1) * block.value;
  const fits = said.text("max-model-len")?.value === "auto" && asked === undefined && holds < longest.value;
  const length = fits ? derived(holds, "--max-model-len auto: what the KV cache holds") : (asked ?? longest);
  ledger.use(`${path}.engine.maxModelLen`, length);
  if (asked !== undefined && asked.value > longest.value) {
    const message = `max_model_len ${withSource(asked)} exceeds ${longest.value}, ${describeHow(longest)}; vLLM refuses unless VLLM_ALLOW_LONG_MAX_MODEL_LEN is set`;
    ledger.warn({ reason: "ContextBeyondModel", ...placeOf(asked.from, object), message });
  }
  return {
    gpuMemoryUtilization: share.value,
    blockSize: block.value,
    numGpuBlocks,
    maxModelLen: length,
    weightBytes: capacity.weightBytes * (parts.mode === "blis" ? 1 : parallelism.tp * parallelism.pp),
  };
};

const describeHow = ({ from }: Known<unknown>): string => (from.kind === "derived" ? from.how : "the model's own");

/** KV blocks: overridden, given by a flag, or what fits beside the weights. */
const capacityOf = (
  parts: EngineParts,
  share: Known<number>,
  block: Known<number>,
  ledger: Ledger,
  path: string,
): { readonly blocks: Known<number>; readonly weightBytes: number } | undefined => {
  const { reading, override, shape, hardware, visibleMiB, parallelism, mode } = parts;
  const said = reading.arguments;
  const element = kvElementBytes(reading, shape, ledger);
  ledger.use(`${path}.engine.kvElementBytes`, element);
  if (visibleMiB !== undefined) ledger.use(`${path}.gpuMemoryMiB`, visibleMiB);
  const capacity = kvCapacity({
    mode,
    shape,
    hardware,
    parallelism,
    gpuMemoryUtilization: share.value,
    blockSize: block.value,
    kvElementBytes: element.value,
    ...(visibleMiB === undefined ? {} : { visibleMiB: visibleMiB.value }),
  });
  const blocks = overridden(override.numGpuBlocks, "overrides.engine.numGpuBlocks");
  if (!capacity.ok) {
    // Whoever gives the blocks knows better than the formula; what can't be split stays wrong.
    const mends = blocks !== undefined && capacity.problems.every(({ reason }) => reason === "ModelDoesNotFit");
    const place = said.number("tensor-parallel-size") ?? said.text("model");
    if (mends) return { blocks, weightBytes: 0 };
    ledger.add(capacity.problems, placeOf(place?.from ?? share.from, objectText(reading.ref)));
    return undefined;
  }
  ledger.add(capacity.warnings, { object: objectText(reading.ref) });
  const { weightBytes } = capacity.value;
  const given = blocks ?? said.number("num-gpu-blocks-override") ?? byBytes(capacity.value, reading);
  if (given !== undefined && !credible(given, capacity.value, reading, ledger)) return undefined;
  return { blocks: given ?? known(capacity.value.blocks, howMany(capacity.value, parts, share)), weightBytes };
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
  { weightBytes, bytesPerBlock }: KvCapacity,
  { hardware, visibleMiB, mode }: EngineParts,
  share: Known<number>,
): Known<number>["from"] => {
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(2);
  const memory = gib((visibleMiB?.value ?? hardware.visibleMiB ?? hardware.memoryGiB * 1024) * 2 ** 20);
  const how =
    mode === "blis"
      ? "the formula of the reference simulator (BLIS)"
      : `per GPU, ${memory} GiB x ${share.value}, less ${gib(weightBytes)} GiB of weights and an overhead, over ${bytesPerBlock} bytes per block`;
  return { kind: "derived", how };
};

const kvElementBytes = (reading: WorkloadReading, shape: ModelShape, ledger: Ledger): Known<number> => {
  const said = reading.arguments.text("kv-cache-dtype");
  const own = derived(shape.dtypeBytes, "--kv-cache-dtype auto: as the model's activations");
  if (said === undefined || said.value === "auto") return own;
  if (/^fp8(_e4m3|_e5m2|_inc)?$/.test(said.value)) return known(1, said.from);
  if (/^(b?float16|half)$/.test(said.value)) return known(2, said.from);
  const message = `--kv-cache-dtype ${said.value} is not modelled; the cache is simulated as at auto`;
  ledger.warn({ reason: "NotModelled", ...placeOf(said.from, objectText(reading.ref)), message });
  return own;
};
