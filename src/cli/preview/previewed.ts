import { type Comparison, compare, DEFAULT_GOALS, type Goal, pairedKpis } from "../../report/comparison.ts";
import type { Finding } from "../../report/finding.ts";
import { findingsOfAll } from "../../report/findings/index.ts";
import { observe } from "../../report/objectives.ts";
import type { Paired } from "../../report/paired.ts";
import type { Report } from "../../report/report.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import type { Scenario } from "../../twin/scenario.ts";
import { FIRST_LOOKS } from "../../worker/looks.ts";
import type { PreviewPool } from "../../worker/pool.ts";
import type { Progress } from "../../worker/protocol.ts";
import { replicate } from "../../worker/replications.ts";
import { BadInput } from "../exit.ts";
import { type ComparedSimulation, portableDigest } from "./compared-simulations.ts";
import { firstLooks } from "./first-looks.ts";

/** A finding of the control loop, and whether the change brings it. */
export interface FindingChange extends Finding {
  readonly change: "new" | "stays" | "gone";
}

/** What a change does to one simulated platform. */
export interface Previewed extends ComparedSimulation {
  readonly comparison: Comparison;
  /** By flat name, as `ttftP99Seconds`. */
  readonly kpis: Readonly<Record<string, Paired>>;
  readonly findings: readonly FindingChange[];
  readonly seeds: readonly number[];
  readonly budget: number;
  /** Of the first replication: baseline and change. */
  readonly first: readonly [Report, Report];
}

export interface PreviewOptions {
  readonly budget: number;
  readonly threads: number;
  readonly maxTraceBytes: number;
  readonly signal: AbortSignal;
  /** Hears of each run by its number, of the first pair of replications while it runs, and of what is known after each pair. */
  readonly watch?: PreviewWatch;
}

export interface PreviewWatch {
  run(run: number, progress: Progress): void;
  /** Left out: nobody looks. */
  readonly looked?: (comparison: Comparison, simulatedSeconds: number) => void;
  refined(comparison: Comparison): void;
}

/**
 * Runs both sides under the same random numbers, a pair of replications after the other, until every verdict is supported or
 * the budget is used up.
 * @throws BadInput if a run shows that the input was bad, AbortError when `signal` aborts
 */
export const preview = async (
  simulation: ComparedSimulation,
  pool: PreviewPool,
  { budget, threads, maxTraceBytes, signal, watch }: PreviewOptions,
): Promise<Previewed> => {
  const { baseline, change, name } = simulation;
  let goals = goalsOf(change.simulation.spec);
  let comparison = compare(goals, [], []);
  const looked = watch?.looked && firstLooks(goals, watch.looked);
  const result = await replicate(pool, {
    scenarios: [baseline.scenario, change.scenario],
    budget,
    threads,
    maxTraceBytes,
    signal,
    ...(looked === undefined ? {} : { looks: FIRST_LOOKS }),
    tell: (run, progress) => {
      watch?.run(run, progress);
      looked?.(run, progress);
    },
    enough: (done) => {
      if (done.length === 1)
        goals = goals.filter((goal, i) => isTold(goal, done[0] ?? []) || refused(i, goals, simulation));
      comparison = compare(goals, kpisOf(done, 0), kpisOf(done, 1));
      watch?.refined(comparison);
      return comparison.settled;
    },
  });
  if (result.kind === "problem") {
    const { kind: _, ...problem } = result;
    throw new BadInput([{ severity: "error", object: `InferenceSimulation/${name}`, ...problem }]);
  }
  const { reports } = result;
  const [before, after] = [0, 1].map((side) => reports.map((pair) => pair[side] as Report)) as [Report[], Report[]];
  return {
    ...simulation,
    comparison,
    kpis: pairedKpis(kpisOf(reports, 0), kpisOf(reports, 1)),
    findings: findingChanges(findingsOfAll(before), findingsOfAll(after)),
    seeds: before.map(({ seed }) => seed),
    budget,
    first: [
      await withDigest(before[0] as Report, baseline.scenario),
      await withDigest(after[0] as Report, change.scenario),
    ],
  };
};

/** The objectives, and what anybody would ask beside them. */
const goalsOf = ({ objectives }: SimulationSpec): readonly Goal[] =>
  objectives.length === 0 ? DEFAULT_GOALS : objectives;

const kpisOf = (done: readonly (readonly Report[])[], side: number) =>
  done.map((reports) => (reports[side] as Report).kpis);

const withDigest = async (report: Report, scenario: Scenario): Promise<Report> => ({
  ...report,
  scenarioDigest: await portableDigest({ ...scenario, seed: report.seed }),
});

const isTold = (goal: Goal, reports: readonly Report[]): boolean =>
  reports.some(({ kpis }) => observe(goal, kpis) !== undefined);

/** An objective of which no request has anything to say will never be met or missed: better told than tried again and again. */
const refused = (i: number, goals: readonly Goal[], { change, name }: ComparedSimulation): false => {
  if (change.simulation.spec.objectives.length === 0) return false;
  const { metric, sloClass } = goals[i] as Goal;
  throw new BadInput([
    {
      severity: "error",
      reason: "NothingToJudge",
      object: `InferenceSimulation/${name}`,
      field: `spec.objectives[${i}]`,
      message: `${metric}${sloClass === undefined ? "" : ` of class ${sloClass}`} has no value: no request of the traffic tells it`,
      fix:
        metric === "sloAttainment"
          ? "set spec.slo, or leave the objective out"
          : "name a class that the traffic has, or leave the objective out",
    },
  ]);
};

const findingChanges = (before: readonly Finding[], after: readonly Finding[]): readonly FindingChange[] => {
  const key = ({ name, object, field = "" }: Finding): string => `${name} ${object} ${field}`;
  const [was, is] = [new Set(before.map(key)), new Set(after.map(key))];
  return [
    ...after.map((found): FindingChange => ({ ...found, change: was.has(key(found)) ? "stays" : "new" })),
    ...before.filter((found) => !is.has(key(found))).map((found): FindingChange => ({ ...found, change: "gone" })),
  ];
};
