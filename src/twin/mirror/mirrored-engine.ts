import { configProblems } from "../../engine/config-problems.ts";
import {
  type AsyncParts,
  asyncRefusal,
  defaultMaxModelLen,
  type EngineDefaults,
  engineDefaults,
} from "../../engine/defaults.ts";
import type { EngineConfig } from "../../engine/engine.ts";
import { serverDefaults } from "../../engine/server-defaults.ts";
import { atLeast, isNumbered } from "../../engine/vllm-version.ts";
import { type Known, known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import { defaulted, derived, type Ledger, overridden, placeOf } from "../ledger.ts";
import { kvLoadFailurePolicy, readKvConnectors } from "./kv-connectors.ts";
import { mirrorLora } from "./mirrored-lora.ts";
import { type EngineParts, mirrorMemory } from "./mirrored-memory.ts";
import { mirrorOffload } from "./mirrored-offload.ts";
import { mirrorSpeculation } from "./mirrored-speculation.ts";
import { type MirroredTier, mirrorTier } from "./mirrored-tier.ts";

export type { EngineParts } from "./mirrored-memory.ts";

export interface MirroredEngine {
  readonly config: EngineConfig;
  readonly gpuMemoryUtilization: number;
  /** Of the whole replica. */
  readonly weightBytes: number;
  /** KV cache of one token, on all GPUs of a rank together. */
  readonly kvBytesPerToken: number;
  /** Without CUDA graphs. */
  readonly eager: boolean;
  /** Left out: no KV is kept below host memory. */
  readonly tier?: MirroredTier;
}

/** Every setting of the engine: overridden, as the flags say, or vLLM's default for this version and GPU. */
export const mirrorEngine = (parts: EngineParts, ledger: Ledger, path: string): MirroredEngine | undefined => {
  const { reading, override, mode, shape, parallelism } = parts;
  const { arguments: said } = reading;
  const use = <T extends string | number | boolean>(name: string, value: Known<T>): T =>
    ledger.use(`${path}.engine.${name}`, value);
  if (said.server === "vllm") {
    use("version", reading.version ?? defaulted("unknown", "the image's tag doesn't tell; the newest that is known"));
  } else use("server", derived(said.server, "by the command that starts the engine's container"));
  const longest = defaultMaxModelLen(shape);
  const asked = overridden(override.maxModelLen, "overrides.engine.maxModelLen") ?? said.number("max-model-len");
  const seqs = overridden(override.maxNumSeqs, "overrides.engine.maxNumSeqs") ?? said.number("max-num-seqs");
  const tokens =
    overridden(override.maxNumBatchedTokens, "overrides.engine.maxNumBatchedTokens") ??
    said.number("max-num-batched-tokens");
  const speculation = mirrorSpeculation(parts, ledger, path);
  const lora = mirrorLora(parts, ledger, path);
  const asynchrony = asyncPartsOf(parts, speculation?.method);
  const prompts = said.number("max-num-partial-prefills");
  const performance = performanceMode(parts, ledger, path);
  const forVllm = engineDefaults({
    mode,
    version: reading.version?.value,
    hardware: parts.hardware,
    maxModelLen: (asked ?? longest).value,
    engine: asynchrony,
    ...(performance === undefined ? {} : { performanceMode: performance }),
    ...(prompts === undefined ? {} : { maxNumPartialPrefills: prompts.value }),
    ...(seqs === undefined ? {} : { maxNumSeqs: seqs.value }),
    ...(tokens === undefined ? {} : { maxNumBatchedTokens: tokens.value }),
  });
  const gpus = parallelism.tp * parallelism.pp;
  const defaults =
    said.server === "vllm" || mode === "blis"
      ? forVllm
      : { ...forVllm, ...serverDefaults(said.server, { hardware: parts.hardware, gpus }) };
  const chunkedPrefill = said.switch("enable-chunked-prefill") ?? defaults.chunkedPrefill;
  const budget = tokens ?? wholePrompts(defaults.maxNumBatchedTokens, chunkedPrefill, asked ?? longest);
  const eager = mirrorEager(parts, ledger, path);
  const memory = mirrorMemory(
    {
      ...parts,
      defaults,
      maxNumSeqs: (seqs ?? defaults.maxNumSeqs).value,
      maxNumBatchedTokens: budget.value,
      eager,
      lora: lora?.slots,
      draft: speculation?.draft,
    },
    asked,
    longest,
    ledger,
    path,
  );
  if (memory === undefined) return undefined;
  const threshold =
    overridden(override.longPrefillTokenThreshold, "overrides.engine.longPrefillTokenThreshold") ??
    said.number("long-prefill-token-threshold");
  const { bytesPerBlock, blockSize, kvGroups } = memory;
  const connectors = readKvConnectors(reading, parallelism.tp * parallelism.pp, ledger);
  const offload = mirrorOffload({ ...parts, bytesPerBlock, said: connectors }, ledger, path);
  const tiered = { ...parts, model: shape.id, blockSize, bytesPerBlock, said: connectors.tier };
  const tier = mirrorTier(tiered, ledger, path);
  const loadFailure = kvLoadFailurePolicy(reading);
  const lockstep = shape.moe !== undefined && parallelism.dp > 1;
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
    asyncScheduling: use("asyncScheduling", asyncScheduling(parts, defaults, asynchrony, ledger)),
    schedulingPolicy: schedulingPolicy(parts, ledger, path),
    ...queueBounds(parts, ledger, path),
    ...(lora === undefined ? {} : { lora: lora.config }),
    ...(offload === undefined ? {} : { offload }),
    ...(tier === undefined ? {} : { tier: tier.config }),
    ...(loadFailure === undefined ? {} : { kvLoadFailurePolicy: use("kvLoadFailurePolicy", loadFailure) }),
    ...(speculation === undefined
      ? {}
      : { speculation: { tokens: speculation.tokens, acceptance: speculation.acceptance } }),
    pipelineStages: use("pipelineStages", derived(parallelism.pp, "the pipeline-parallel size")),
    ranks: use("ranks", derived(parallelism.dp, "the data-parallel size")),
    lockstep: use("lockstep", derived(lockstep, "vLLM: data-parallel ranks of a model with experts step together")),
    kvGroups: memory.kvGroups,
    encoderBudget: use("encoderBudget", derived(budget.value, "vLLM: max_num_batched_tokens")),
    encoderCacheTokens: use("encoderCacheTokens", derived(budget.value, "vLLM: max_num_batched_tokens")),
  };
  if (memory.kvGroups.length > 1) {
    use("kvGroups", derived(memory.kvGroups.length, `KV cache groups of ${shape.id}, as vLLM makes them`));
  }
  const placed = {
    "max-num-seqs": seqs ?? defaults.maxNumSeqs,
    "max-num-batched-tokens": budget,
    "max-model-len": memory.maxModelLen,
  };
  refuse(config, placed, parts, ledger);
  warnOfGaps(config, parts, ledger);
  const { gpuMemoryUtilization, weightBytes } = memory;
  const perGpu = (bytesPerBlock * kvGroups.length) / blockSize;
  const kvBytesPerToken = Math.round(perGpu * parallelism.tp * parallelism.pp);
  return { config, gpuMemoryUtilization, weightBytes, kvBytesPerToken, eager, ...(tier === undefined ? {} : { tier }) };
};

/** Without chunks a prompt must fit the budget, so vLLM's default is raised to the longest (get_batch_defaults). */
const wholePrompts = (tokens: Known<number>, chunked: Known<boolean>, length: Known<number>): Known<number> =>
  chunked.value || tokens.value >= length.value
    ? tokens
    : derived(length.value, "vLLM: raised to max_model_len, since prompts are not chunked");

/** Bounds as spec.overrides.engine has them: nothing real comes near, and what lies beyond would only fill memory. */
const MOST = { "max-num-seqs": 1e6, "max-num-batched-tokens": 1e7, "max-model-len": 1e9 } as const;
type Placed = Readonly<Record<keyof typeof MOST, Known<number>>>;

/** What the engine refuses to start with, at the fields that say so. */
const refuse = (config: EngineConfig, from: Placed, parts: EngineParts, ledger: Ledger): void => {
  const object = objectText(parts.reading.ref);
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
  if (config.mode === "vllm") refusePartialPrefills(config, parts, ledger);
};

/** vllm/config/scheduler.py, verify_max_model_len; vllm/engine/arg_utils.py, _check_feature_supported. */
const refusePartialPrefills = (config: EngineConfig, { reading }: EngineParts, ledger: Ledger): void => {
  const { arguments: said, version } = reading;
  const prompts = said.number("max-num-partial-prefills");
  const long = said.number("max-long-partial-prefills");
  const refused = (value: Known<number>, message: string, fix: string): void =>
    ledger.error({ reason: "BadArgument", ...placeOf(value.from, objectText(reading.ref)), message, fix });
  const most = prompts?.value ?? 1;
  if (long !== undefined && long.value > most) {
    const message = `max_long_partial_prefills (${long.value}) must be less than or equal to max_num_partial_prefills (${most})`;
    refused(long, message, `set at most ${most}`);
  }
  if (prompts === undefined || most === 1) return;
  if (most < 1) return refused(prompts, "max_num_partial_prefills must be at least 1", "set 1, or leave it out");
  if (!config.chunkedPrefill) {
    return refused(prompts, "chunked prefill must be enabled to set max_num_partial_prefills > 1", "allow it");
  }
  if (isNumbered(version?.value) && !atLeast(version?.value, 23)) {
    const message = `Concurrent Partial Prefill is not supported by vLLM ${version?.value}: it refuses to start`;
    return refused(prompts, message, "leave --max-num-partial-prefills out");
  }
  const message =
    "--max-num-partial-prefills: only its long_prefill_token_threshold is simulated, not the number itself";
  ledger.warn({ reason: "NotModelled", ...placeOf(prompts.from, objectText(reading.ref)), message });
};

/** Settings that the engine is handed and does not simulate yet: one goes when it does. */
const warnOfGaps = ({ speculation, asyncScheduling }: EngineConfig, { reading }: EngineParts, ledger: Ledger): void => {
  if (speculation === undefined || !asyncScheduling) return;
  const message =
    "speculative decoding is simulated without asynchronous scheduling: each step is scheduled after the last";
  ledger.warn({ reason: "NotModelled", object: objectText(reading.ref), message });
};

const MODES = ["balanced", "interactivity", "throughput"];

/** vllm/config/vllm.py; interactivity only captures more CUDA graphs of small batches. */
const performanceMode = ({ reading }: EngineParts, ledger: Ledger, path: string): string | undefined => {
  const said = reading.arguments.text("performance-mode");
  if (said === undefined) return undefined;
  if (MODES.includes(said.value)) return ledger.use(`${path}.engine.performanceMode`, said);
  const message = `--performance-mode must be one of ${MODES.join(", ")}, not ${said.value}`;
  const fix = "set one of these";
  return ledger.error({ reason: "BadArgument", ...placeOf(said.from, objectText(reading.ref)), message, fix });
};

/** No CUDA graphs: by --enforce-eager, or by --compilation-config, whose other fields are not modelled. */
const mirrorEager = ({ reading }: EngineParts, ledger: Ledger, path: string): boolean => {
  const said = reading.arguments.switch("enforce-eager");
  const compilation = reading.arguments.json("compilation-config");
  const without = String(compilation?.value.cudagraph_mode ?? "").toUpperCase() === "NONE";
  if (compilation !== undefined && Object.keys(compilation.value).some((name) => name !== "cudagraph_mode")) {
    const message = "--compilation-config changes performance and is not modelled but for cudagraph_mode NONE";
    ledger.warn({ reason: "NotModelled", ...placeOf(compilation.from, objectText(reading.ref)), message });
  }
  const eager = said?.value !== true && without && compilation !== undefined ? known(true, compilation.from) : said;
  return ledger.use(`${path}.engine.eager`, eager ?? defaulted(false, "vLLM: CUDA graphs are captured"));
};

const asyncPartsOf = ({ reading, parallelism }: EngineParts, method: string | undefined): AsyncParts => {
  const executor = reading.arguments.text("distributed-executor-backend");
  return {
    pipelineStages: parallelism.pp,
    pooling: reading.arguments.text("runner")?.value === "pooling",
    ...(method === undefined ? {} : { speculation: method }),
    ...(executor === undefined ? {} : { executor: executor.value }),
  };
};

const asyncScheduling = (
  { reading, override, mode }: EngineParts,
  defaults: EngineDefaults,
  asynchrony: AsyncParts,
  ledger: Ledger,
): Known<boolean> => {
  const said =
    overridden(override.asyncScheduling, "overrides.engine.asyncScheduling") ??
    reading.arguments.switch("async-scheduling");
  const why = mode === "vllm" && said?.value === true ? asyncRefusal(asynchrony, reading.version?.value) : undefined;
  if (said !== undefined && why !== undefined) {
    const message = `async scheduling is not supported with ${why}`;
    const fix = "leave --async-scheduling out";
    ledger.error({ reason: "BadArgument", ...placeOf(said.from, objectText(reading.ref)), message, fix });
  }
  return said ?? defaults.asyncScheduling;
};

type Policy = NonNullable<EngineConfig["schedulingPolicy"]>;
const POLICIES: readonly string[] = ["fcfs", "priority"];

const schedulingPolicy = ({ reading, override, mode }: EngineParts, ledger: Ledger, path: string): Policy => {
  const object = objectText(reading.ref);
  const own = overridden(override.schedulingPolicy, "overrides.engine.schedulingPolicy");
  const said =
    own ?? reading.arguments.text("scheduling-policy") ?? defaulted("fcfs", "vLLM: first come, first served");
  if (!POLICIES.includes(said.value) && (own === undefined || mode !== "blis")) {
    const message =
      own === undefined
        ? `--scheduling-policy must be one of ${POLICIES.join(", ")}, not ${said.value}`
        : `vLLM has no scheduling policy ${said.value}; only the reference simulator (engine.mode: blis) has`;
    ledger.error({ reason: "BadArgument", ...placeOf(said.from, object), message, fix: "set fcfs or priority" });
  }
  return ledger.use(`${path}.engine.schedulingPolicy`, said) as Policy;
};

/** vLLM 0.29 and newer: more than these are answered with 503. */
const queueBounds = (
  { reading, override }: EngineParts,
  ledger: Ledger,
  path: string,
): Pick<EngineConfig, "maxQueuedRequests" | "maxQueuedTokens"> => {
  const bound = (flag: string, field: "maxQueuedRequests" | "maxQueuedTokens"): number | undefined => {
    const said = overridden(override[field], `overrides.engine.${field}`) ?? reading.arguments.number(flag);
    if (said === undefined) return undefined;
    if (said.value >= 1) return ledger.use(`${path}.engine.${field}`, said);
    const message = `--${flag} must be at least 1`;
    const fix = "set 1 or more, or leave it out";
    return ledger.error({ reason: "BadArgument", ...placeOf(said.from, objectText(reading.ref)), message, fix });
  };
  const [requests, tokens] = [
    bound("max-num-queued-reqs", "maxQueuedRequests"),
    bound("max-num-queued-tokens", "maxQueuedTokens"),
  ];
  return {
    ...(requests === undefined ? {} : { maxQueuedRequests: requests }),
    ...(tokens === undefined ? {} : { maxQueuedTokens: tokens }),
  };
};
