import { type Fitted, type ResidualMetric } from "../latency/fit-result.ts";
import { latencyModels } from "../latency/models/index.ts";
import { bandOf, paces, type StepUncertainty, stepUncertainty } from "../latency/uncertainty.ts";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { Figures, MeasuredRun, Metric } from "./measured-run.ts";
import { longestRequest, replay } from "./replay.ts";
import {
  type Comparison,
  comparisonsOf,
  type Group,
  groupOf,
  groupsOf,
  mapFigures,
  median,
  type Score,
  scoreOf,
} from "./score.ts";
import { type Server, serverOf } from "./server.ts";

export interface AccuracyOptions {
  /** Of the latency models' names. */
  readonly model: string;
  readonly seed: number;
  /** Other latency models to score on the same runs; left out: all. */
  readonly others?: readonly string[];
  /** Whether to replay at both ends of the step time as well; left out: yes. */
  readonly bands?: boolean;
}

export interface ScoredRun {
  readonly id: string;
  readonly model: string;
  readonly gpu: string;
  readonly precision: string | undefined;
  readonly tp: number;
  readonly dp: number;
  /** Absolute errors in percent; `signed`: positive where predicted is too high. */
  readonly errors: Figures;
  readonly signed: Figures;
  readonly predicted: Figures;
  readonly measured: Figures;
  readonly p10: Figures;
  readonly p90: Figures;
  /** What of the configuration no fitted server had. */
  readonly novelties: readonly string[];
  /** The source doubts the measurement: shown, not counted. */
  readonly suspect: boolean;
}

export interface Coverage {
  /** Share of measured values inside their band, over all metrics. */
  readonly share: number;
  readonly byMetric: Figures;
  /** Median of p90 / p10, by metric. */
  readonly widths: Figures;
}

export interface Accuracy {
  readonly latencyModel: string;
  readonly summary: { readonly median: Figures; readonly mean: Figures };
  readonly groups: readonly Group[];
  readonly experiments: readonly ScoredRun[];
  readonly coverage: Coverage | undefined;
  /** Other simulators, as published, and this one on the same runs. */
  readonly peers: readonly Comparison[];
  /** Other latency models of the twin in the same engine: medians. */
  readonly models: readonly { readonly name: string; readonly median: Figures }[];
}

type Replay = (run: MeasuredRun, server: Server, model: string, pace: number) => Figures;

/** Replays every run and scores it; runs that can't be replayed are left out, with a word. */
export const accuracyOf = (runs: readonly MeasuredRun[], options: AccuracyOptions): Result<Accuracy> => {
  const names = latencyModels.all.map(({ name }) => name);
  if (!names.some((name) => name === options.model)) {
    const fix = `choose one of ${names.join(", ")}`;
    return bad({ severity: "error", reason: "UnknownLatencyModel", message: `no latency model ${options.model}`, fix });
  }
  const problems: Problem[] = [];
  const servers = runs.flatMap((run) => {
    const server = serverOf(run.server, longestRequest(run));
    const said = server.ok ? server.warnings : server.problems;
    problems.push(...said.map((one) => ({ ...one, severity: "warning" as const, object: one.object ?? run.id })));
    return server.ok ? [{ run, server: server.value }] : [];
  });
  if (servers.length === 0) return bad(...problems.map((one) => ({ ...one, severity: "error" as const })));
  const replayed: Replay = (run, server, model, pace) => {
    const said = latencyModels.schema.parse(model === "physical" ? { name: model, pace } : { name: model });
    return replay(run, server, latencyModels.create(said, server.context), options.seed).overall;
  };
  const scored = servers.map(({ run, server }) => {
    const score = scoreOf(run, replayed(run, server, options.model, 1));
    problems.push(...suspicions(score));
    const uncertainty =
      options.model === "physical" && options.bands !== false ? stepUncertainty(server.context) : undefined;
    const bands =
      uncertainty === undefined
        ? undefined
        : bandsOf(score, uncertainty, (pace) => replayed(run, server, "physical", pace));
    return { score, uncertainty, bands };
  });
  const scores = scored.map(({ score }) => score);
  const { median: medians, mean } = groupOf("all", "all", scores);
  const others = options.others ?? names.filter((name) => name !== options.model);
  return good(
    {
      latencyModel: options.model,
      summary: { median: medians, mean },
      groups: groupsOf(scores),
      experiments: scored.map(({ score, uncertainty, bands }) => scoredRun(score, uncertainty, bands)),
      coverage: coverageOf(scored.flatMap(({ score, bands }) => (bands === undefined ? [] : [{ score, bands }]))),
      peers: comparisonsOf(scores),
      models: others.map((name) => ({
        name,
        median: groupOf(
          "all",
          name,
          servers.map(({ run, server }) => scoreOf(run, replayed(run, server, name, 1))),
        ).median,
      })),
    },
    problems,
  );
};

export interface Bands {
  readonly p10: Figures;
  readonly p90: Figures;
}

/** Bands of a run's figures, by two more replays: at the fast and the slow end of what the step time may be. */
export const bandsOf = (
  score: Score,
  uncertainty: StepUncertainty,
  at: (pace: number) => Figures,
  fit?: Fitted,
): Bands => {
  const { fast, slow } = paces(uncertainty);
  const [quick, tardy] = [at(fast), at(slow)];
  const side = (name: "p10" | "p90"): Figures =>
    mapFigures(
      score.predicted,
      (middle, metric) =>
        bandOf(
          bandMetric(metric, score.run),
          {
            middle,
            fast: quick[metric] ?? middle,
            slow: tardy[metric] ?? middle,
          },
          fit,
        )[name],
    );
  return { p10: side("p10"), p90: side("p90") };
};

/** A pool's prompts are in the prefix cache but for the first round; others are computed. */
const bandMetric = (metric: Metric, { load }: MeasuredRun): ResidualMetric => {
  if (metric === "itl_mean_published") return "itl_mean";
  return metric.startsWith("ttft") && load.kind !== "pool" ? "ttft_cold" : metric;
};

const scoredRun = (
  { run, predicted, errors, signed }: Score,
  uncertainty: StepUncertainty | undefined,
  bands: Bands | undefined,
): ScoredRun => ({
  id: run.id,
  model: run.server.model,
  gpu: run.server.gpu,
  precision: run.server.precision,
  tp: run.server.tp,
  dp: run.server.dp,
  errors,
  signed,
  predicted,
  measured: run.measured,
  p10: bands?.p10 ?? {},
  p90: bands?.p90 ?? {},
  novelties: uncertainty?.novelties ?? [],
  suspect: run.suspect,
});

/** Counts what lies inside; the second definition of ITL is the first one's measurement once more, so it doesn't count. */
export const coverageOf = (all: readonly { readonly score: Score; readonly bands: Bands }[]): Coverage | undefined => {
  const inside = new Map<Metric, number[]>();
  const widths = new Map<Metric, number[]>();
  for (const { score, bands } of all) {
    if (score.run.suspect) continue;
    for (const name of Object.keys(score.predicted)) {
      const metric = name as Metric;
      const [measured, low, high] = [score.run.measured[metric], bands.p10[metric], bands.p90[metric]];
      if (metric === "itl_mean_published" || measured === undefined || low === undefined || high === undefined)
        continue;
      inside.set(metric, [...(inside.get(metric) ?? []), measured >= low && measured <= high ? 1 : 0]);
      widths.set(metric, [...(widths.get(metric) ?? []), high / low]);
    }
  }
  const every = [...inside.values()].flat();
  if (every.length === 0) return undefined;
  const over = (values: Map<Metric, number[]>, fold: (of: readonly number[]) => number): Figures =>
    Object.fromEntries([...values].map(([metric, list]) => [metric, fold(list)]));
  const share = (of: readonly number[]): number => of.reduce((sum, one) => sum + one, 0) / of.length;
  return { share: share(every), byMetric: over(inside, share), widths: over(widths, median) };
};

/** A thousandfold difference is a unit, not a model. */
export const suspicions = ({ run, predicted, signed }: Score): readonly Problem[] =>
  Object.entries(signed).flatMap(([metric, percent]) => {
    const ratio = 1 + percent / 100;
    if (ratio < 300 && ratio > 1 / 300) return [];
    const value = run.measured[metric as Metric];
    const message = `${metric} of ${value} is ${ratio > 1 ? "a thousandth" : "a thousandfold"} of what is possible (simulated: ${predicted[metric as Metric]?.toFixed(1)})`;
    const fix =
      ratio > 1
        ? "milliseconds are asked for: is it in seconds?"
        : "milliseconds are asked for: is it in microseconds?";
    return [{ severity: "warning", reason: "ImplausibleUnit", object: run.id, field: metric, message, fix }];
  });
