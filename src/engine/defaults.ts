import type { Hardware } from "../model/hardware.ts";
import { type Known, known } from "../model/known.ts";
import type { ModelShape } from "../model/model-shape.ts";

export interface DefaultsInput {
  readonly mode: "vllm" | "blis";
  /** vLLM's version as an image tag has it (`v0.19.1`); undefined or not a number ("latest"): the newest known. */
  readonly version: string | undefined;
  readonly hardware: Hardware;
  readonly maxModelLen: number;
  /** What the user said, since the one bounds the other's default. */
  readonly maxNumSeqs?: number;
  readonly maxNumBatchedTokens?: number;
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

/** Releases that changed a default: 0.92 of memory (#38284), the tier of 160 GiB, asynchronous scheduling. */
const MINOR = { utilisation92: 20, tier160: 28, asyncByDefault: 14 };
const NEWEST = { major: 0, minor: 32 };

/**
 * Settings that nobody gave, as `vllm serve` fills them (vllm/engine/arg_utils.py, get_batch_defaults), or as the
 * reference simulator does. Each says whose default it is.
 */
export const engineDefaults = (input: DefaultsInput): EngineDefaults => {
  const tier = input.mode === "blis" ? BLIS : tierOf(input);
  const since = (minor: number): boolean => input.mode === "vllm" && atLeast(input.version, minor);
  const who = input.mode === "blis" ? "BLIS" : `vLLM ${versionText(input.version)}`;
  const plain = <T>(value: T): Known<T> => known(value, { kind: "default", why: `${who} default` });
  return {
    ...boundedBatch(input, tier, who),
    gpuMemoryUtilization: plain(since(MINOR.utilisation92) ? 0.92 : 0.9),
    blockSize: plain(16),
    prefixCaching: plain(true),
    chunkedPrefill: plain(true),
    longPrefillTokenThreshold: plain(0),
    asyncScheduling: plain(since(MINOR.asyncByDefault)),
  };
};

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

const parse = (version: string | undefined): { major: number; minor: number } => {
  const match = /^v?(\d+)\.(\d+)/.exec(version ?? "");
  return match === null ? NEWEST : { major: Number(match[1]), minor: Number(match[2]) };
};

const atLeast = (version: string | undefined, minor: number): boolean => {
  const parsed = parse(version);
  return parsed.major > 0 || parsed.minor >= minor;
};

const versionText = (version: string | undefined): string => {
  const { major, minor } = parse(version);
  return /^v?\d+\.\d+/.test(version ?? "")
    ? `${major}.${minor}`
    : `${major}.${minor} (version unknown, newest assumed)`;
};
