import { CORRECTIONS, type Correction, correctionsOf } from "../latency/corrections.ts";
import type { Fitted } from "../latency/fit-result.ts";
import { fitted } from "../latency/fitted.ts";
import type { LatencyModel } from "../latency/latency-model.ts";
import { physical } from "../latency/models/physical.ts";
import {
  type NamedCorrections,
  namedCorrection,
  namedValue,
  STEP_DEVIATION,
  STEP_FACTOR,
} from "../latency/named-corrections.ts";
import { perRank } from "../latency/per-rank.ts";
import { physicalTerms } from "../latency/physical-terms.ts";
import { type StepUncertainty, sensitivityOf, stepUncertainty } from "../latency/uncertainty.ts";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import { type Bands, bandsOf, suspicions } from "./accuracy.ts";
import { sketchOf } from "./calibration.ts";
import { cost, type FitProblem, residualsAt, slopesAt, solve } from "./fit.ts";
import { inverse, type Matrix, quadratic } from "./least-squares.ts";
import type { MeasuredRun, Metric } from "./measured-run.ts";
import type { Observation } from "./observations.ts";
import { type Replayed, replay } from "./replay.ts";
import { mean, median, type Score, scoreOf } from "./score.ts";
import type { Server } from "./server.ts";
import { observationsOfUsers } from "./users-observations.ts";
import type { UsersRun } from "./users-runs.ts";

export interface RefinedRun {
  readonly run: MeasuredRun;
  readonly before: Predicted;
  readonly after: Predicted;
}

export interface Predicted {
  readonly score: Score;
  readonly bands: Bands;
}

/** `moved`: the runs say more of it than was known; `prior`: they hardly do, and it stays; `unfelt`: nothing depends on it. */
export type RefinedState = "moved" | "prior" | "unfelt";

export interface RefinedValue {
  /** With its unit, as specs have it. */
  readonly name: string;
  readonly meaning: string;
  readonly before: number;
  readonly after: number;
  /** Standard deviations of the logarithm. */
  readonly deviationBefore: number;
  readonly deviationAfter: number;
  readonly state: RefinedState;
}

export interface Refined {
  readonly runs: readonly RefinedRun[];
  readonly values: readonly RefinedValue[];
  /** For `spec.overrides.engine.latencyCorrections`. */
  readonly corrections: NamedCorrections;
  /** Measured figures that took part. */
  readonly figures: number;
  /** Of the logarithm of step time. */
  readonly deviation: { readonly before: number; readonly after: number };
}

/** The last of the vector: logarithm of the factor on every step. */
const PACE = CORRECTIONS.length;
/** A value counts as learned from the runs if they leave less than this of its prior deviation. */
const LEARNED = 0.9;
/** A user's own runs are believed further from the prior than one server among many; one odd run still doesn't rule. */
const OUTLYING = 4;
const ROUNDS = 3;
const STEPS = 4;
/** Deviation of a logarithm beyond which nothing is believed to scatter. */
const WIDEST = 1.5;
/** A step that makes the cost smaller by less than this is the last. */
const CONVERGED = 0.05;
/** Steps of one run differ from those of the next by at least this much. */
const RUN_TO_RUN = 0.015;
/** By which a step may be longer than the model has it, whatever is fitted. */
const STEP_NOISE = 0.04;
const SEED = 1;
/** Requests of a recorded run that are enough for derivatives. */
const SKETCHED_ROWS = 1200;

/**
 * Refines the committed corrections by a user's own runs: Bayes' rule with the committed fit as prior, about which a deployment
 * scatters as leave-one-out folds have it, and the runs' figures as likelihood; linearised and iterated (Gauss and Newton).
 * Values that the runs say little of stay exactly as they were, so that few runs move few values.
 */
export const refine = (runs: readonly UsersRun[], server: Server, fit: Fitted = fitted): Result<Refined> => {
  const before = stepUncertainty(server.context, fit);
  const first = runs.map(({ run }) => predict(run, server, [...fit.corrections, 0], before, fit));
  const { kept, problems } = plausible(runs, first);
  const apart = stepErrors(observationsOfUsers(kept), first);
  const own = before.deviation ** 2 - quadratic(fit.covariance, sensitivityOf(server.context, fit.corrections));
  const prior = priorOf(server, fit, Math.max(own, apart));
  const bare = problemOf(kept, server, prior);
  if (bare.observations.length === 0) {
    const message = "no figure of the runs given can be compared with the simulation, so there is nothing to fit to";
    const fix = "give runs with mean TTFT and time per output token (TPOT or ITL), in the units of their format";
    return bad(...problems, { severity: "error", reason: "NoUsableData", message, fix });
  }
  const slopes = slopesAt(bare, bare.prior);
  const whole = { ...bare, observations: bare.observations.map((one, i) => carried(one, slopes[i]?.[PACE] ?? 0)) };
  const { vector, posterior, states } = settle(whole, slopes, prior, server);
  const after = uncertaintyAfter(server, vector, posterior, whole);
  const refined = kept.map(({ run }, i) => ({
    run,
    before: rescored(run, first[i] as Predicted),
    after: predict(run, server, vector, after, fit),
  }));
  return good(
    {
      runs: refined,
      values: valuesOf(states, prior, vector, posterior),
      corrections: namedOf(states, vector, after),
      figures: whole.observations.length,
      deviation: { before: before.deviation, after: after.deviation },
    },
    [...problems, ...farApart(apart, own), ...beyondDataSheet(vector, server), ...refined.flatMap(notMet)],
  );
};

interface Prior {
  readonly vector: readonly number[];
  readonly covariance: Matrix;
}

/** Median square of the logarithms by which step times come out wrong before the fit. */
const stepErrors = (observations: readonly Observation[], first: readonly Predicted[]): number => {
  const squares = observations.flatMap(({ run, metric, measured }) => {
    const predicted = first.find(({ score }) => score.run.id === run.id)?.score.predicted[metric];
    return predicted === undefined || !STEP_METRICS.includes(metric) ? [] : [Math.log(predicted / measured) ** 2];
  });
  return squares.length === 0 ? 0 : median(squares);
};

/**
 * The committed fit, and how one deployment differs from it. Its step time scatters by what folds found for deployments and
 * for what was never fitted, or by as much as this one is off, where that is more; each part of a step (memory, arithmetic, launches) is let scatter by as much, and a factor on
 * every step has what the parts leave of it, at least a half. The way between client and engine scatters as first tokens do
 * that step time doesn't explain.
 */
const priorOf = ({ context }: Server, fit: Fitted, own: number): Prior => {
  const feels = sensitivityOf(context, fit.corrections);
  const parts = CORRECTIONS.map(({ name, kind }, i) => {
    if (name === "frontEnd") return fit.residual.ttft_cold ** 2;
    const beyond = Math.exp(fit.corrections[i] as number);
    // Of a factor 1 + v it is the whole that scatters, and the logarithm of v that is fitted.
    return Math.min(Math.sqrt(own) * (kind === "slowdown" ? (1 + beyond) / beyond : 1), WIDEST) ** 2;
  });
  const felt = parts.reduce((sum, variance, i) => sum + variance * (feels[i] as number) ** 2, 0);
  const common = Math.max(own - felt, own / 2);
  const covariance = [...fit.corrections, 0].map((_, i) =>
    [...fit.corrections, 0].map((__, j) => {
      if (i === PACE || j === PACE) return i === j ? common : 0;
      return (fit.covariance[i]?.[j] as number) + (i === j ? (parts[i] as number) : 0);
    }),
  );
  return { vector: [...fit.corrections, 0], covariance };
};

const timingOf = (vector: readonly number[], { context, config }: Server, factor = 1): LatencyModel => {
  const pace = Math.exp(vector[PACE] as number) * factor;
  return perRank(physical.create({ corrections: vector.slice(0, PACE), pace }, context), config.ranks ?? 1);
};

const predict = (
  run: MeasuredRun,
  server: Server,
  vector: readonly number[],
  uncertainty: StepUncertainty,
  fit: Fitted,
): Predicted => {
  const at = (factor: number) => replay(run, server, timingOf(vector, server, factor), SEED).overall;
  const score = scoreOf(run, at(1));
  return { score, bands: bandsOf(score, uncertainty, at, fit) };
};

const rescored = (run: MeasuredRun, { score, bands }: Predicted): Predicted => ({
  score: scoreOf(run, score.predicted),
  bands,
});

/** Without figures that must be in another unit, which are pointed out. */
const plausible = (runs: readonly UsersRun[], first: readonly Predicted[]) => {
  const problems = first.flatMap(({ score }) => suspicions(score));
  const wrong = new Set(problems.map(({ object, field }) => `${object} ${field}`));
  const kept = runs.map(({ run, completed }) => {
    const measured = Object.entries(run.measured).filter(([metric]) => !wrong.has(`${run.id} ${metric}`));
    return { run: { ...run, measured: Object.fromEntries(measured) }, completed };
  });
  return { kept, problems };
};

// ---- the fit

const problemOf = (runs: readonly UsersRun[], server: Server, prior: Prior): FitProblem => {
  const whole = runs.map(({ run }) => run);
  return {
    observations: observationsOfUsers(runs),
    prior: prior.vector,
    spread: prior.covariance.map((row, i) => Math.sqrt(row[i] as number)),
    precision: inverse(prior.covariance),
    outlying: OUTLYING,
    replay: replayer(whole, server),
    sketch: replayer(whole.map(shortened), server),
  };
};

/** The last two replays of a run are kept: a value that its server doesn't feel costs nothing. */
const replayer = (runs: readonly MeasuredRun[], server: Server) => {
  let done: { readonly key: string; readonly replayed: ReadonlyMap<string, Replayed> }[] = [];
  return (vector: readonly number[]): ReadonlyMap<string, Replayed> => {
    const { experts, ...terms } = physicalTerms(correctionsOf(vector.slice(0, PACE)), server.context);
    const key = JSON.stringify([terms, [...experts], vector[PACE]]);
    const known = done.find((one) => one.key === key);
    if (known !== undefined) return known.replayed;
    const timing = timingOf(vector, server);
    const replayed = new Map(runs.map((run) => [run.id, replay(run, server, timing, SEED)]));
    done = [...done.slice(0, 1), { key, replayed }];
    return replayed;
  };
};

const shortened = (run: MeasuredRun): MeasuredRun =>
  run.load.kind === "trace"
    ? { ...run, load: { ...run.load, rows: run.load.rows.slice(0, SKETCHED_ROWS) } }
    : sketchOf(run);

/** Where a queue builds up, a step a little longer makes first tokens much later: they are met no better than that. */
const carried = (observation: Observation, byStep: number): Observation =>
  STEP_METRICS.includes(observation.metric)
    ? observation
    : { ...observation, deviation: Math.hypot(observation.deviation, STEP_NOISE * byStep) };

interface Settled {
  readonly vector: readonly number[];
  readonly posterior: Matrix;
  readonly states: readonly RefinedState[];
}

/** Fits the values that the runs tell something of; again, without those of which it turns out on the way that they don't. */
const settle = (whole: FitProblem, first: Matrix, prior: Prior, { context }: Server): Settled => {
  const feels = [...sensitivityOf(context, whole.prior.slice(0, PACE)), 1];
  const statesFor = (of: Matrix): readonly RefinedState[] => statesOf(slopes, of, prior, feels);
  let slopes = first;
  let vector = whole.prior;
  let posterior = posteriorAt(whole, vector, slopes);
  let states = statesFor(posterior);
  for (let round = 0; round < ROUNDS; round += 1) {
    const some = learnedOf(states);
    if (some.length === 0) break;
    const reached = climb(whole, some);
    slopes = slopes.map((row, k) => row.map((value, i) => reached.slopes[k]?.[some.indexOf(i)] ?? value));
    vector = reached.vector;
    posterior = posteriorAt(whole, vector, slopes);
    const found = statesFor(posterior);
    // What stays is not taken up again.
    const next = states.map((state, i) => (state === "moved" ? (found[i] as RefinedState) : state));
    const settled = learnedOf(next).length === some.length;
    if (settled || round === ROUNDS - 1) break;
    states = next;
  }
  return { vector: learnedOf(states).length === 0 ? whole.prior : vector, posterior, states };
};

const learnedOf = (states: readonly RefinedState[]): readonly number[] =>
  states.flatMap((state, i) => (state === "moved" ? [i] : []));

const posteriorAt = (problem: FitProblem, vector: readonly number[], slopes: Matrix): Matrix =>
  solve(problem, vector, residualsAt(problem, vector), slopes).covariance;

/** The factor on every step moves where step time as a whole is learned of: other values may stand for it, and for each other. */
const statesOf = (
  slopes: Matrix,
  posterior: Matrix,
  { covariance }: Prior,
  feels: readonly number[],
): readonly RefinedState[] =>
  feels.map((_, i) => {
    if (slopes.every((row) => row[i] === 0)) return "unfelt";
    const of = (matrix: Matrix): number => (i === PACE ? quadratic(matrix, feels) : (matrix[i]?.[i] as number));
    return Math.sqrt(of(posterior) / of(covariance)) < LEARNED ? "moved" : "prior";
  });

/** The problem in some of its values, the others as they are: what is believed of these, given those. */
const within = (problem: FitProblem, some: readonly number[]): FitProblem => {
  const embed = (vector: readonly number[]) => problem.prior.map((value, i) => vector[some.indexOf(i)] ?? value);
  return {
    ...problem,
    prior: some.map((i) => problem.prior[i] as number),
    spread: some.map((i) => problem.spread[i] as number),
    precision: some.map((i) => some.map((j) => problem.precision?.[i]?.[j] as number)),
    replay: (vector) => problem.replay(embed(vector)),
    sketch: (vector) => problem.sketch(embed(vector)),
  };
};

/** Steps of Gauss and Newton, each shortened until it helps. @returns the vector as a whole, slopes of `some` */
const climb = (whole: FitProblem, some: readonly number[]) => {
  const problem = within(whole, some);
  let vector = problem.prior;
  let residuals = residualsAt(problem, vector);
  let now = cost(problem, vector, residuals);
  let slopes = slopesAt(problem, vector);
  for (let step = 0; step < STEPS; step += 1) {
    const wanted = solve(problem, vector, residuals, slopes).vector;
    const before = now;
    for (let share = 1; share > 0.1; share /= 2) {
      const tried = vector.map((value, i) => value + share * ((wanted[i] as number) - value));
      const found = residualsAt(problem, tried);
      const reached = cost(problem, tried, found);
      if (reached >= now) continue;
      [vector, residuals, now] = [tried, found, reached];
      break;
    }
    if (before - now < CONVERGED) break;
    slopes = slopesAt(problem, vector);
  }
  return { vector: whole.prior.map((value, i) => vector[some.indexOf(i)] ?? value), slopes };
};

// ---- what it says

/** Of a step of middling size, by what is left of the covariance, and by how the runs scatter about the refined model. */
const uncertaintyAfter = (
  { context }: Server,
  vector: readonly number[],
  posterior: Matrix,
  problem: FitProblem,
): StepUncertainty => {
  const feels = [...sensitivityOf(context, vector.slice(0, PACE)), 1];
  const residuals = residualsAt(problem, vector).flatMap((residual, i) =>
    residual !== undefined && STEP_METRICS.includes(problem.observations[i]?.metric as Metric) ? [residual ** 2] : [],
  );
  const scatter = Math.max(RUN_TO_RUN ** 2, residuals.length === 0 ? 0 : mean(residuals));
  return { deviation: Math.sqrt(quadratic(posterior, feels) + scatter), novelties: [] };
};

const STEP_METRICS: readonly Metric[] = ["tpot_mean", "itl_mean", "itl_median", "e2e_mean", "output_tokens_per_s"];

const NAMES: readonly { readonly name: string; readonly meaning: string; of(log: number): number }[] = [
  ...CORRECTIONS.map((one: Correction) => ({
    name: namedCorrection(one),
    meaning: one.meaning,
    of: (log: number) => namedValue(one, log),
  })),
  { name: STEP_FACTOR, meaning: "every step of this deployment, over what the rest says", of: Math.exp },
];

const valuesOf = (
  states: readonly RefinedState[],
  prior: Prior,
  vector: readonly number[],
  posterior: Matrix,
): readonly RefinedValue[] =>
  NAMES.map(({ name, meaning, of }, i) => ({
    name,
    meaning,
    before: of(prior.vector[i] as number),
    after: of(vector[i] as number),
    deviationBefore: deviationOf(i, prior.vector, prior.covariance),
    deviationAfter: deviationOf(i, vector, posterior),
    state: states[i] as RefinedState,
  }));

/** Of the logarithm of the value as it is named: a factor 1 + v has less of it than v. */
const deviationOf = (i: number, vector: readonly number[], covariance: Matrix): number => {
  const beyond = Math.exp(vector[i] as number);
  const share = CORRECTIONS[i]?.kind === "slowdown" ? beyond / (1 + beyond) : 1;
  return share * Math.sqrt(covariance[i]?.[i] as number);
};

const namedOf = (
  states: readonly RefinedState[],
  vector: readonly number[],
  { deviation }: StepUncertainty,
): NamedCorrections => ({
  ...Object.fromEntries(
    NAMES.flatMap(({ name, of }, i) =>
      states[i] === "moved" ? [[name, withinBounds(i, of(vector[i] as number))]] : [],
    ),
  ),
  [STEP_DEVIATION]: rounded(deviation),
});

/** What a spec takes: a factor over the data sheet is a little more than 1 at least. */
const withinBounds = (i: number, value: number): number =>
  Math.max(rounded(value), CORRECTIONS[i]?.kind === "slowdown" ? 1.000001 : 0.000001);

const rounded = (value: number): number => Number(value.toPrecision(6));

/** By more than this many deviations of deployments something else is wrong. */
const FAR = 3;

const farApart = (apart: number, own: number): readonly Problem[] => {
  if (apart <= FAR ** 2 * own) return [];
  const factor = Math.exp(Math.sqrt(apart)).toFixed(2);
  const message = `step times are off by a factor of ${factor} before the fit, far more than servers differ`;
  const fix = "are the GPU, the model's precision and the number of replicas those that were measured?";
  return [{ severity: "warning", reason: "FarFromSimulated", message, fix }];
};

/** Percent by which a figure may still be off after the fit. */
const MET: Partial<Record<Metric, number>> = { tpot_mean: 5, e2e_mean: 7, ttft_mean: 15 };

const notMet = ({ run, after }: RefinedRun): readonly Problem[] =>
  Object.entries(MET).flatMap(([metric, most]) => {
    const off = after.score.signed[metric as Metric];
    if (off === undefined || Math.abs(off) <= most) return [];
    const message = `${metric} is ${Math.abs(off).toFixed(0)} % too ${off > 0 ? "high" : "low"} even after the fit`;
    const fix = "something about this run isn't modelled, or was otherwise than in the others: leave it out to see";
    return [{ severity: "warning", reason: "NotMet", object: run.id, field: metric, message, fix }];
  });

/** Reading weights faster than the memory can: the GPU is another one than was said, or its figures are wrong. */
const beyondDataSheet = (vector: readonly number[], { context }: Server): readonly Problem[] => {
  const pace = Math.exp(vector[PACE] as number);
  const { weightRead } = correctionsOf(vector.slice(0, PACE));
  if (pace * weightRead >= 1) return [];
  const message = `steps were measured faster than the memory of ${context.hardware.id} can read the weights`;
  const fix = "is it this GPU? Say which with --gpu; and is the model quantised otherwise than its spec says?";
  return [{ severity: "warning", reason: "FasterThanDataSheet", message, fix }];
};
