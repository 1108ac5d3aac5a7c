import type { Hardware } from "../model/hardware.ts";
import { type Known, known } from "../model/known.ts";
import type { ModelShape } from "../model/model-shape.ts";
import { atLeast, versionText } from "./vllm-version.ts";

export interface DefaultsInput {
  readonly mode: "vllm" | "blis";
  /** vLLM's version as an image tag has it (`v0.19.1`); undefined or not a number ("latest"): the newest known. */
  readonly version: string | undefined;
  readonly hardware: Hardware;
  readonly maxModelLen: number;
  /** What the user said, since the one bounds the other's default. */
  readonly maxNumSeqs?: number;
  readonly maxNumBatchedTokens?: number;
  /** --performance-mode; left out: balanced. */
  readonly performanceMode?: string;
  /** --max-num-partial-prefills; left out: 1. */
  readonly maxNumPartialPrefills?: number;
  /** What bears on asynchronous scheduling. */
  readonly engine?: AsyncParts;
}

export interface AsyncParts {
  /** Of speculative decoding; left out: none. */
  readonly speculation?: string;
  readonly pipelineStages?: number;
  /** --distributed-executor-backend */
  readonly executor?: string;
  /** --runner pooling, or a task that pools. */
  readonly pooling?: boolean;
}

export interface EngineDefaults {
  readonly maxNumSeqs: Known<number>;
  readonly maxNumBatchedTokens: Known<number>;
  readonly gpuMemoryUtilization: Known<number>;
  readonly blockSize: Known<number>;
  readonly prefixCaching: Known<boolean>;
  readonly chunkedPrefill: Known<boolean>;
  readonly longPrefillTokenThreshold: Known<number>;
  readonly asyncScheduling: Known<boolean>;
}

/**
 * Releases that changed a default: 0.92 of memory (#38284), the tier of 160 GiB, asynchronous scheduling, and that with
 * pipeline stages.
 */
const MINOR = { utilisation92: 20, tier160: 28, asyncByDefault: 14, asyncPipelines: 15 };

/**
 * Settings that nobody gave, as `vllm serve` fills them (vllm/engine/arg_utils.py, get_batch_defaults), or as the
 * reference simulator does. Each says whose default it is.
 */
export const engineDefaults = (input: DefaultsInput): EngineDefaults => {
  const tier = input.mode === "blis" ? BLIS : tierOf(input);
  const since = (minor: number): boolean => input.mode === "vllm" && atLeast(input.version, minor);
  const who = input.mode === "blis" ? "BLIS" : `vLLM ${versionText(input.version)}`;
  const plain = <T>(value: T): Known<T> => known(value, { kind: "default", why: `${who} default` });
  const hinders = asyncHindrance(input.engine ?? {}, input.version);
  const isAsync = since(MINOR.asyncByDefault);
  return {
    ...boundedBatch(input, doubled(tier, input), who),
    gpuMemoryUtilization: plain(since(MINOR.utilisation92) ? 0.92 : 0.9),
    blockSize: plain(16),
    prefixCaching: plain(true),
    chunkedPrefill: plain(true),
    longPrefillTokenThreshold: threshold(input) ?? plain(0),
    asyncScheduling:
      isAsync && hinders !== undefined
        ? known(false, { kind: "default", why: `${who} default with ${hinders}` })
        : plain(isAsync),
  };
};

/** Several prompts at once bring a threshold of 4 % of the context (vllm/config/scheduler.py). */
const threshold = ({
  mode,
  maxNumPartialPrefills: prompts = 1,
  maxModelLen,
}: DefaultsInput): Known<number> | undefined =>
  mode === "blis" || prompts <= 1
    ? undefined
    : known(Math.trunc(maxModelLen * 0.04), {
        kind: "derived",
        how: `--max-num-partial-prefills ${prompts}: 4 % of max_model_len`,
      });

/** --performance-mode throughput doubles what nobody set (vllm/engine/arg_utils.py). */
const doubled = (tier: Tier, { mode, performanceMode }: DefaultsInput): Tier => {
  if (mode === "blis" || performanceMode !== "throughput") return tier;
  const why = `${tier.why}, doubled by --performance-mode throughput`;
  return { sequences: 2 * tier.sequences, tokens: 2 * tier.tokens, why };
};

/** Methods of vllm/config/speculative.py whose drafts are made on the GPU without the scheduler. */
const DRAFTED_ASIDE = /^(eagle3?|mtp|.*_mtp|ngram_gpu|dflash|extract_hidden_states)$/;

/** Why vLLM leaves asynchronous scheduling off where nobody asks for it (vllm/config/vllm.py). */
const asyncHindrance = (parts: AsyncParts, version: string | undefined): string | undefined => {
  const { speculation, pipelineStages = 1 } = parts;
  if (speculation !== undefined && !DRAFTED_ASIDE.test(speculation)) return `${speculation} speculation`;
  if (parts.pooling === true) return "a pooling model";
  if (parts.executor === "ray" || parts.executor === "external_launcher") return `the ${parts.executor} executor`;
  return pipelineStages > 1 && !atLeast(version, MINOR.asyncPipelines) ? "pipeline stages" : undefined;
};

/** Why vLLM refuses asynchronous scheduling where it is asked for; a draft model is taken then. */
export const asyncRefusal = (parts: AsyncParts, version: string | undefined): string | undefined =>
  parts.speculation === "draft_model"
    ? asyncRefusal({ ...parts, speculation: "eagle" }, version)
    : parts.pooling === true
      ? undefined
      : asyncHindrance(parts, version);

interface Tier {
  readonly sequences: number;
  readonly tokens: number;
  readonly why: string;
}

const BLIS: Tier = { sequences: 256, tokens: 2048, why: "" };

const tierOf = ({ version, hardware }: DefaultsInput): Tier => {
  const gib = hardware.visibleMiB === undefined ? hardware.memoryGiB : hardware.visibleMiB / 1024;
  if (hardware.id.includes("A100")) return { sequences: 256, tokens: 2048, why: " on A100, which it excludes by name" };
  if (gib >= 160 && atLeast(version, MINOR.tier160)) {
    return { sequences: 1024, tokens: 16384, why: " on GPUs with 160 GiB or more" };
  }
  if (gib >= 70) return { sequences: 1024, tokens: 8192, why: " on GPUs with 70 GiB or more" };
  return { sequences: 256, tokens: 2048, why: " on GPUs with less than 70 GiB" };
};

/** vLLM cuts its own defaults, never the user's figures: tokens to sequences x context, sequences to tokens. */
const boundedBatch = (input: DefaultsInput, tier: Tier, who: string) => {
  const said = (value: number, cut: boolean, by: string): Known<number> =>
    known(value, { kind: "default", why: `${who} default${tier.why}${cut ? `, cut to ${by}` : ""}` });
  const most = (input.maxNumSeqs ?? tier.sequences) * input.maxModelLen;
  const tokens = input.mode === "blis" ? tier.tokens : Math.min(tier.tokens, most);
  const budget = input.maxNumBatchedTokens ?? tokens;
  const sequences = input.mode === "blis" ? tier.sequences : Math.min(tier.sequences, budget);
  return {
    maxNumBatchedTokens: said(tokens, tokens < tier.tokens, "max_num_seqs x max_model_len"),
    maxNumSeqs: said(sequences, sequences < tier.sequences, "max_num_batched_tokens"),
  };
};

/**
 * Longest context that vLLM derives from the model's config (vllm/config/model.py, _get_and_verify_max_len):
 * `max_position_embeddings`, scaled where its rope scaling means a longer context than it was trained for.
 */
export const defaultMaxModelLen = (shape: ModelShape): Known<number> => {
  const { ropeScaling: rope, maxPositionEmbeddings: trained } = shape;
  const derived = (value: number, how: string): Known<number> => known(value, { kind: "derived", how });
  if (rope === undefined || !["linear", "dynamic", "yarn", "default", "mrope"].includes(rope.type)) {
    return derived(trained, `max_position_embeddings of ${shape.id}`);
  }
  const base = rope.type === "yarn" ? (rope.originalMax ?? trained) : trained;
  return derived(Math.floor(base * rope.factor), `${rope.type} rope scaling of ${shape.id}: ${base} x ${rope.factor}`);
};
