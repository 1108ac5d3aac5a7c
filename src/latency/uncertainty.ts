import { Batch } from "../model/batch.ts";
import type { ModelShape } from "../model/model-shape.ts";
import { correctionsOf } from "./corrections.ts";
import { type Fitted, type NoveltyKind, type ResidualMetric } from "./fit-result.ts";
import { fitted } from "./fitted.ts";
import type { LatencyContext } from "./latency-model.ts";
import { physicalTerms, stepMicros } from "./physical-terms.ts";

/** How far the logarithm of `physical`'s step time may lie from a real server's (standard deviation), and why so far. */
export interface StepUncertainty {
  readonly deviation: number;
  /** What of the configuration no fitted server had; each widens the band. */
  readonly novelties: readonly string[];
}

/** Of a normal distribution: from the median to the 90th percentile, in deviations. */
const NINETIETH = 1.2816;

/** A decode step of middling size: the sensitivity of its time stands for that of the run. */
const REFERENCE = { requests: 32, context: 1000 };
const PROBE = 0.02;

/**
 * The covariance of the fitted corrections as this configuration feels it, the scatter of deployments about the model in
 * cross-validation, and an allowance for each kind of thing that was never fitted (`npm run fit -- --cv` makes all three).
 */
export const stepUncertainty = (context: LatencyContext, fit: Fitted = fitted): StepUncertainty => {
  const novel = noveltiesOf(context, fit);
  const variance =
    correctionVariance(context, fit) +
    fit.deployment ** 2 +
    novel.reduce((sum, { kind }) => sum + fit.novelty[kind] ** 2, 0);
  return { deviation: Math.sqrt(variance), novelties: novel.map(({ said }) => said) };
};

/** Variance of the logarithm of the reference step that comes from the corrections alone. */
export const correctionVariance = (context: LatencyContext, fit: Fitted): number =>
  quadratic(fit.covariance, sensitivityOf(context, fit.corrections));

/** Derivatives of the logarithm of the reference step by the logarithms of the corrections. */
export const sensitivityOf = (context: LatencyContext, corrections: readonly number[]): readonly number[] => {
  const batch = new Batch();
  batch.addDecodes(REFERENCE.requests, REFERENCE.requests * REFERENCE.context);
  const at = (logs: readonly number[]): number => stepMicros(physicalTerms(correctionsOf(logs), context), batch);
  const middle = at(corrections);
  return corrections.map((_, i) => {
    const moved = corrections.map((value, j) => (i === j ? value + PROBE : value));
    return Math.log(at(moved) / middle) / PROBE;
  });
};

const noveltiesOf = (
  { hardware, shape }: LatencyContext,
  { covered: fit }: Fitted,
): readonly { kind: NoveltyKind; said: string }[] => {
  const novel: { kind: NoveltyKind; said: string }[] = [];
  const covered = (known: readonly string[], one: string): boolean => known.includes(one);
  if (!covered(fit.gpus, hardware.id)) novel.push({ kind: "gpu", said: `no ${hardware.id} was measured` });
  const precision = precisionOf(shape);
  if (!covered(fit.precisions, precision)) {
    novel.push({ kind: "precision", said: `no model with ${precision} weights was measured` });
  }
  for (const kind of architectureOf(shape)) {
    if (!covered(fit.architectures, kind)) {
      novel.push({ kind: "architecture", said: `no model with ${kind} was measured` });
    }
  }
  return novel;
};

export const precisionOf = ({ weightBytes }: ModelShape): string =>
  weightBytes >= 4 ? "32-bit" : weightBytes >= 2 ? "16-bit" : weightBytes >= 1 ? "8-bit" : "4-bit";

export const architectureOf = (shape: ModelShape): readonly string[] => [
  shape.moe === undefined ? "dense feed-forwards" : "experts",
  ...(shape.mla === undefined ? [] : ["latent attention"]),
  ...(shape.slidingWindow === undefined ? [] : ["sliding windows"]),
  ...(shape.layerKinds?.linear_attention === undefined ? [] : ["linear attention"]),
];

const quadratic = (matrix: readonly (readonly number[])[], x: readonly number[]): number =>
  matrix.reduce(
    (sum, row, i) => sum + (x[i] as number) * row.reduce((inner, value, j) => inner + value * (x[j] as number), 0),
    0,
  );

export interface Band {
  readonly p10: number;
  readonly p90: number;
}

/** Factors on the step time at its 10th and 90th percentile: what a run is repeated with to see its figures there. */
export const paces = ({ deviation }: StepUncertainty): { readonly fast: number; readonly slow: number } => ({
  fast: Math.exp(-NINETIETH * deviation),
  slow: Math.exp(NINETIETH * deviation),
});

/**
 * Band of one figure, from the runs at the slow and the fast end of the step time, and the scatter of that figure that
 * step time doesn't explain: run-to-run noise, cold caches, the client.
 * @param values the figure in the run itself, and in those with fast and with slow steps
 */
export const bandOf = (
  metric: ResidualMetric,
  values: { middle: number; fast: number; slow: number },
  { residual }: Pick<Fitted, "residual"> = fitted,
): Band => {
  const { middle, fast, slow } = values;
  if (!(middle > 0) || !(fast > 0) || !(slow > 0)) return { p10: Math.min(fast, middle), p90: Math.max(slow, middle) };
  const own = NINETIETH * residual[metric];
  const [low, high] = [Math.min(fast, slow, middle), Math.max(fast, slow, middle)];
  return {
    p10: middle * Math.exp(-Math.hypot(Math.log(middle / low), own)),
    p90: middle * Math.exp(Math.hypot(Math.log(high / middle), own)),
  };
};
