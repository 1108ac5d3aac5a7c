import { compareText } from "../../model/compare-text.ts";
import type { ReplicaSignals, VariantState } from "./variant.ts";

export interface SpareThresholds {
  /** From this share of the KV cache on a replica is saturated. */
  readonly kvCacheThreshold: number;
  /** Likewise from so many waiting requests on. */
  readonly queueLengthThreshold: number;
  /** Mean spare share below which one more replica is wanted. */
  readonly kvSpareTrigger: number;
  readonly queueSpareTrigger: number;
}

export interface SpareAnalysis {
  readonly replicas: number;
  readonly nonSaturated: number;
  /** Means over replicas that are not saturated; 0 where all are. */
  readonly spareKv: number;
  readonly spareQueue: number;
  readonly scaleUp: boolean;
  readonly scaleDownSafe: boolean;
  /** In order of name; only those that a replica told something of. */
  readonly variants: readonly { readonly name: string; readonly replicas: number; readonly spareKv: number }[];
}

/** Fewer that are not saturated never lose one. */
const LEAST_NON_SATURATED = 2;

/**
 * V1, "saturation-percentage-based": the spare capacity of replicas that are not saturated, and what it would be with one
 * fewer (llm-d WVA, internal/saturation/analyzer.go AnalyzeModelSaturation, isScaleDownSafe).
 */
export const analyseSpare = (signals: readonly ReplicaSignals[], thresholds: SpareThresholds): SpareAnalysis => {
  const { kvCacheThreshold, queueLengthThreshold, kvSpareTrigger, queueSpareTrigger } = thresholds;
  const names = [...new Set(signals.map(({ variant }) => variant))].sort();
  const variants = names.map((name) => {
    const own = signals.filter(({ variant }) => variant === name);
    const free = own.filter(({ kvUsage, queue }) => kvUsage < kvCacheThreshold && queue < queueLengthThreshold);
    return {
      name,
      replicas: own.length,
      free: free.length,
      spareKv: mean(free.map(({ kvUsage }) => kvCacheThreshold - kvUsage)),
      spareQueue: mean(free.map(({ queue }) => queueLengthThreshold - queue)),
    };
  });
  const nonSaturated = sum(variants.map(({ free }) => free));
  const over = (value: (variant: (typeof variants)[number]) => number): number =>
    nonSaturated === 0 ? 0 : sum(variants.map((one) => value(one) * one.free)) / nonSaturated;
  const spareKv = over((one) => one.spareKv);
  const spareQueue = over((one) => one.spareQueue);
  const fewer = nonSaturated / (nonSaturated - 1);
  const scaleDownSafe =
    nonSaturated >= LEAST_NON_SATURATED &&
    kvCacheThreshold - (kvCacheThreshold - spareKv) * fewer >= kvSpareTrigger &&
    queueLengthThreshold - (queueLengthThreshold - spareQueue) * fewer >= queueSpareTrigger;
  return {
    replicas: signals.length,
    nonSaturated,
    spareKv,
    spareQueue,
    scaleUp: signals.length > 0 && (spareKv < kvSpareTrigger || spareQueue < queueSpareTrigger),
    scaleDownSafe,
    variants,
  };
};

/**
 * One replica more on the cheapest variant of which none is pending, or one fewer on the most expensive that has two; none
 * while the model is in transition. @returns what is wanted of each variant that has signals
 * (llm-d WVA, CalculateSaturationTargets)
 */
export const spareTargets = (analysis: SpareAnalysis, states: readonly VariantState[]): ReadonlyMap<string, number> => {
  const known = analysis.variants.flatMap(({ name, replicas }) => {
    const state = states.find(({ target }) => target.name === name);
    return state === undefined ? [] : [{ name, replicas, state }];
  });
  const changing = ({ desired, current }: VariantState): boolean => desired !== 0 && desired !== current;
  if (known.some(({ replicas, state }) => changing(state) || replicas !== state.current)) {
    return new Map(known.map(({ name, state }) => [name, changing(state) ? state.desired : state.current]));
  }
  const wanted = new Map(known.map(({ name, replicas }) => [name, replicas]));
  if (analysis.scaleUp) {
    const ready = known.filter(({ state }) => state.pending === 0);
    const [cheapest] = ready.sort((a, b) => a.state.target.cost - b.state.target.cost || compareText(a.name, b.name));
    if (cheapest !== undefined) wanted.set(cheapest.name, cheapest.replicas + 1);
  } else if (analysis.scaleDownSafe) {
    const many = known.filter(({ replicas }) => replicas > 1);
    const [dearest] = many.sort((a, b) => b.state.target.cost - a.state.target.cost || compareText(b.name, a.name));
    if (dearest !== undefined) wanted.set(dearest.name, dearest.replicas - 1);
  }
  return wanted;
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);
