import type { Fitted, NoveltyKind, ResidualMetric } from "../latency/fit-result.ts";
import { physical } from "../latency/models/physical.ts";
import { architectureOf, correctionVariance, precisionOf, stepUncertainty } from "../latency/uncertainty.ts";
import { type Bands, bandsOf } from "./accuracy.ts";
import { type FitProblem, solve } from "./fit.ts";
import type { Matrix } from "./least-squares.ts";
import type { Figures, MeasuredRun, Metric } from "./measured-run.ts";
import { longestRequest, replay } from "./replay.ts";
import { mean, median, type Score, scoreOf } from "./score.ts";
import { type Server, serverOf } from "./server.ts";

/** A fit to everything, from which folds are derived. */
export interface WholeFit {
  readonly problem: FitProblem;
  readonly vector: readonly number[];
  readonly residuals: readonly (number | undefined)[];
  readonly slopes: Matrix;
}

/** Which runs are held out together, and what the fold is called. */
export interface Fold {
  readonly name: string;
  holds(run: MeasuredRun): boolean;
}

export interface FoldRun {
  readonly fold: string;
  readonly score: Score;
  readonly server: Server;
  /** The fit without the run's fold. */
  readonly corrections: readonly number[];
  readonly covariance: Matrix;
}

const SEED = 1;

/** One fold per model: nothing that ran it takes part in its fit, be it on another GPU or in another file. */
export const modelFolds = (runs: readonly MeasuredRun[]): readonly Fold[] =>
  foldsBy(runs, ({ server }) => [
    server.model.slice(server.model.lastIndexOf("/") + 1).replace(/-(Instruct|hf|FP8).*$/, ""),
  ]);

export const foldsBy = (
  runs: readonly MeasuredRun[],
  kinds: (run: MeasuredRun) => readonly string[],
): readonly Fold[] =>
  [...new Set(runs.flatMap(kinds))].sort().map((name) => ({ name, holds: (run) => kinds(run).includes(name) }));

/**
 * Fits without each fold: a step of Gauss and Newton from the whole fit, with its slopes. Then replays what was held out.
 * @param wanted which of the held-out runs to replay
 */
export const crossValidate = (
  whole: WholeFit,
  folds: readonly Fold[],
  runs: readonly MeasuredRun[],
  wanted: (run: MeasuredRun) => boolean,
): readonly FoldRun[] =>
  folds.flatMap((fold) => {
    const held = runs.filter((run) => fold.holds(run) && wanted(run) && !run.suspect);
    if (held.length === 0) return [];
    const { vector, covariance } = without(whole, fold);
    return held.flatMap((run) => {
      const server = serverOf(run.server, longestRequest(run));
      if (!server.ok) return [];
      const score = scoreOf(run, replayed(run, server.value, vector, 1));
      return [{ fold: fold.name, score, server: server.value, corrections: vector, covariance }];
    });
  });

const without = ({ problem, vector, residuals, slopes }: WholeFit, fold: Fold) =>
  solve(problem, vector, residuals, slopes, ({ run }) => !fold.holds(run));

const replayed = (run: MeasuredRun, server: Server, corrections: readonly number[], pace: number): Figures =>
  replay(run, server, physical.create({ corrections: [...corrections], pace }, server.context), SEED).overall;

/** Bands of held-out runs, by the fit of their fold and the scatter that `scatter` has. */
export const foldBands = (
  runs: readonly FoldRun[],
  scatter: Fitted,
): readonly { readonly score: Score; readonly bands: Bands }[] =>
  runs.map(({ score, server, corrections, covariance }) => {
    const fit: Fitted = { ...scatter, corrections, covariance };
    const uncertainty = stepUncertainty(server.context, fit);
    const bands = bandsOf(score, uncertainty, (pace) => replayed(score.run, server, corrections, pace), fit);
    return { score, bands };
  });

/** Outliers count as this many medians at most, so that one strange server doesn't widen every band. */
const CLIPPED = 3;

/** Mean square of what the logarithms of prediction and measurement differ by. */
const meanSquare = (logs: readonly number[]): number => {
  const size = median(logs.map(Math.abs));
  return mean(logs.map((log) => Math.min(Math.abs(log), CLIPPED * size) ** 2));
};

const logError = ({ signed }: Score, metric: Metric): number | undefined => {
  const percent = signed[metric];
  return percent === undefined ? undefined : Math.log1p(percent / 100);
};

/** Scatter of deployments about the model, beyond what the corrections' covariance explains: from held-out ITL. */
export const deploymentScatter = (runs: readonly FoldRun[], fitted: Fitted): number => {
  const logs = runs.flatMap(({ score }) => logError(score, "itl_mean") ?? logError(score, "tpot_mean") ?? []);
  const explained = mean(
    runs.map(({ server, corrections, covariance }) =>
      correctionVariance(server.context, { ...fitted, corrections, covariance }),
    ),
  );
  return Math.sqrt(Math.max(0, meanSquare(logs) - explained));
};

/**
 * Scatter of each figure beyond that of step time, from held-out runs: what is left of its errors when those of the same
 * run's ITL are taken off, in the proportion that the two stand to each other.
 */
export const residualScatter = (runs: readonly FoldRun[], metrics: readonly ResidualMetric[]): Fitted["residual"] =>
  Object.fromEntries(
    metrics.map((metric) => {
      const left = runs.flatMap(({ score }) => {
        const log = logError(score, metric === "ttft_cold" ? "ttft_mean" : metric);
        const step = logError(score, "itl_mean") ?? logError(score, "tpot_mean") ?? 0;
        return log === undefined ? [] : [metric.startsWith("itl") || metric === "tpot_mean" ? 0 : log - step];
      });
      return [metric, left.length === 0 ? 0 : Math.sqrt(meanSquare(left))];
    }),
  ) as Fitted["residual"];

/** Mean error of each deployment's step time: rows of one server share its peculiarities. */
export const deploymentErrors = (scores: readonly Score[]): readonly number[] => {
  const by = new Map<string, number[]>();
  for (const score of scores) {
    const log = logError(score, "itl_mean") ?? logError(score, "itl_median") ?? logError(score, "tpot_mean");
    if (log !== undefined) by.set(score.run.deployment, [...(by.get(score.run.deployment) ?? []), log]);
  }
  return [...by.values()].map(mean);
};

/**
 * What a kind of thing that was left out adds to the scatter of deployments. Each thing counts once, however many servers
 * had it: the next new GPU is one more of the GPUs.
 * @param held held-out scores, by the thing that was left out
 */
export const noveltyScatter = (held: readonly (readonly Score[])[], known: readonly Score[]): number => {
  const squares = held
    .map(deploymentErrors)
    .filter((errors) => errors.length > 0)
    .map(meanSquare);
  return Math.sqrt(Math.max(0, mean(squares) - meanSquare(deploymentErrors(known))));
};

export const kindsOf: Readonly<Record<NoveltyKind, (server: Server) => readonly string[]>> = {
  gpu: ({ context }) => [context.hardware.id],
  precision: ({ context }) => [precisionOf(context.shape)],
  architecture: ({ context }) => architectureOf(context.shape),
};

/** What a closed loop's requests in flight need at once, against what the server has: how its TTFT is to be read. */
export type Crowding = "prompts fit one step" | "requests fit the cache" | "a queue forms";

/** @returns undefined of anything but a closed loop */
export const crowdingOf = ({ load }: MeasuredRun, { config, engines }: Server): Crowding | undefined => {
  if (load.kind !== "closed") return undefined;
  const { concurrency, promptTokens, outputTokens } = load;
  const each = Math.ceil(concurrency / engines);
  const blocks = Math.ceil((promptTokens + outputTokens) / config.blockSize);
  if (each > config.maxNumSeqs || each * blocks >= config.numGpuBlocks) return "a queue forms";
  return each * promptTokens <= config.maxNumBatchedTokens ? "prompts fit one step" : "requests fit the cache";
};
