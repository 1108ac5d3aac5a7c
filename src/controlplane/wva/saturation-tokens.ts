import type { ControlledEngine, ControllerTarget } from "../controller.ts";
import type { ReplicaSignals, VariantState } from "./variant.ts";

export interface TokenThresholds {
  readonly kvCacheThreshold: number;
  readonly queueLengthThreshold: number;
  /** Above this share of what there is, more is wanted. */
  readonly scaleUpThreshold: number;
  /** Below this share, less. */
  readonly scaleDownBoundary: number;
}

/** What waits in the endpoint picker's flow control for a model. */
export interface PickerQueue {
  readonly requests: number;
  readonly bytes: number;
}

export interface VariantCapacity {
  readonly target: ControllerTarget;
  readonly ready: number;
  readonly pending: number;
  /** Tokens. */
  readonly perReplica: number;
  readonly demand: number;
}

export interface TokenAnalysis {
  /** In the order of the states given. */
  readonly variants: readonly VariantCapacity[];
  /** Tokens, as are the others. */
  readonly supply: number;
  readonly demand: number;
  /** More than 0: that much more is wanted. */
  readonly required: number;
  /** More than 0: that much may go. */
  readonly spare: number;
}

interface CapacityRecord {
  readonly target: ControllerTarget;
  /** Known only where the engine's arguments say it, or a replica has told. */
  readonly kvTokens: number;
  readonly capacity: number;
  readonly learnt: "deployment" | "live";
}

const ROLLING_WINDOW = 10;
const BYTES_PER_TOKEN = 4;
const SHORT_OUTPUT = 100;
const MEDIUM_OUTPUT = 500;

/**
 * V2, "saturation-token-based": capacity and demand of replicas in tokens, the former by memory (k1) and by what they were seen
 * to take at most (k2). Keeps what it has learnt of each variant, as the process does (llm-d WVA,
 * internal/engines/analyzers/saturation_v2). Its records outlive days; their eviction is not modelled.
 */
export class TokenSaturation {
  readonly #thresholds: TokenThresholds;
  readonly #seen = new Map<string, number[]>();
  readonly #records = new Map<string, CapacityRecord>();

  constructor(thresholds: TokenThresholds) {
    this.#thresholds = thresholds;
  }

  /** @param states of the variants of one model */
  analyse(
    model: string,
    signals: readonly ReplicaSignals[],
    states: readonly VariantState[],
    queue: PickerQueue,
  ): TokenAnalysis {
    for (const { target } of states) this.#learnArguments(target);
    const told = signals.flatMap((one) => {
      const target = states.find((state) => state.target.name === one.variant)?.target;
      return target === undefined || one.kvTokens <= 0 ? [] : [this.#replica(model, one, target)];
    });
    const means = workloadMeans(signals);
    const variants = states.map(({ target, current, pending }) => {
      const own = told.filter(({ variant }) => variant === target.name);
      return {
        target,
        ready: Math.max(0, current - pending),
        pending,
        perReplica: own.length > 0 ? median(own.map(({ capacity }) => capacity)) : this.#remembered(target, means),
        demand: sum(own.map(({ demand }) => demand)),
      };
    });
    const supply = sum(variants.map(({ ready, perReplica }) => ready * perReplica));
    const anticipated = sum(variants.map(({ ready, pending, perReplica }) => (ready + pending) * perReplica));
    const demand = sum(variants.map((variant) => variant.demand)) + queuedTokens(queue, means);
    const { scaleUpThreshold, scaleDownBoundary } = this.#thresholds;
    return {
      variants,
      supply,
      demand,
      required: Math.max(0, demand / scaleUpThreshold - anticipated),
      spare: Math.max(0, supply - demand / scaleDownBoundary),
    };
  }

  #replica(model: string, signals: ReplicaSignals, target: ControllerTarget) {
    const { kvTokens, tokensInUse, inputTokens, queue } = signals;
    const k1 = Math.trunc(kvTokens * this.#thresholds.kvCacheThreshold);
    const capacity = Math.min(k1, this.#computeBound(model, signals, target, k1));
    this.#records.set(target.name, { target, kvTokens, capacity, learnt: "live" });
    return { variant: target.name, capacity, demand: tokensInUse + queue * Math.trunc(inputTokens) };
  }

  /** Seen at saturation, else the mean of what was seen, else by the engine's arguments, else k1. */
  #computeBound(model: string, signals: ReplicaSignals, target: ControllerTarget, k1: number): number {
    const { queue, tokensInUse, inputTokens, outputTokens } = signals;
    const bucket = outputTokens < SHORT_OUTPUT ? "short" : outputTokens < MEDIUM_OUTPUT ? "medium" : "long";
    const key = `${model}|${target.accelerator}|${bucket}`;
    const seen = this.#seen.get(key) ?? [];
    if (queue >= Math.trunc(this.#thresholds.queueLengthThreshold) && tokensInUse > 0) {
      this.#seen.set(key, [...seen, tokensInUse].slice(-ROLLING_WINDOW));
      return tokensInUse;
    }
    if (seen.length > 0) return Math.trunc(sum(seen) / seen.length);
    return batchBound(target.engine, inputTokens, outputTokens) || k1;
  }

  /** A variant that has never told anything is taken to hold one step's tokens. */
  #learnArguments(target: ControllerTarget): void {
    if (this.#records.get(target.name)?.learnt === "live") return;
    const record = { target, kvTokens: 0, capacity: target.engine.maxNumBatchedTokens, learnt: "deployment" } as const;
    this.#records.set(target.name, record);
  }

  #remembered(target: ControllerTarget, means: WorkloadMeans): number {
    const own = this.#records.get(target.name);
    if (own === undefined) return 0;
    const derived = batchBound(target.engine, means.input, means.output);
    if (own.learnt === "live" || derived === 0) return own.capacity;
    const alike = [...this.#records.values()].filter(
      (other) => other.learnt === "live" && other.capacity > 0 && isAlike(other.target, target),
    );
    return Math.min(derived, alike[0]?.capacity ?? derived);
  }
}

/** estimateCapacityFromParams: the batch that can go on for ever, times what a request holds on average; 0: can't be said. */
export const batchBound = (
  { maxNumBatchedTokens, maxNumSeqs }: ControlledEngine,
  input: number,
  output: number,
): number => {
  if (output <= 0 || maxNumBatchedTokens <= 0) return 0;
  const requests = Math.min((maxNumBatchedTokens * output) / (input + output), maxNumSeqs);
  return Math.trunc(requests * (input + output / 2));
};

/** FindCompatible: the same GPUs, and the same arguments as far as they bound the cache. */
const isAlike = (a: ControllerTarget, b: ControllerTarget): boolean =>
  a.model === b.model &&
  a.accelerator === b.accelerator &&
  a.gpusPerReplica === b.gpusPerReplica &&
  a.engine.gpuMemoryUtilization === b.engine.gpuMemoryUtilization &&
  a.engine.blockTokens === b.engine.blockTokens &&
  a.engine.tensorParallel === b.engine.tensorParallel &&
  a.engine.maxNumBatchedTokens === b.engine.maxNumBatchedTokens;

interface WorkloadMeans {
  readonly input: number;
  readonly output: number;
  readonly hitRate: number;
}

const workloadMeans = (signals: readonly ReplicaSignals[]): WorkloadMeans => {
  const used = signals.filter(({ inputTokens, outputTokens }) => inputTokens > 0 || outputTokens > 0);
  const mean = (value: (one: ReplicaSignals) => number) => (used.length === 0 ? 0 : sum(used.map(value)) / used.length);
  return {
    input: mean(({ inputTokens }) => inputTokens),
    output: mean(({ outputTokens }) => outputTokens),
    hitRate: mean(({ hitRate }) => hitRate),
  };
};

/** estimateSchedulerQueueDemand */
const queuedTokens = ({ requests, bytes }: PickerQueue, { input, output, hitRate }: WorkloadMeans): number =>
  Math.max(bytes / BYTES_PER_TOKEN, requests * input) * (1 - hitRate) + requests * output;

/** Of whole tokens; of an even number the mean of the middle two, cut. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 || sorted.length === 0
    ? upper
    : Math.trunc(((sorted[middle - 1] as number) + upper) / 2);
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
