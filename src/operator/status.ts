import { describeSource } from "../model/known.ts";
import { isMapping, type Mapping } from "../model/mapping.ts";
import { describeProblem, type Problem } from "../model/problem.ts";
import { VERSION } from "../model/version.ts";
import { withBands } from "../report/bands.ts";
import { byScenario, type ScenarioReports } from "../report/by-scenario.ts";
import type { Drift } from "../report/drift/index.ts";
import { findingsOfAll } from "../report/findings/index.ts";
import { groupRows } from "../report/group-rows.ts";
import { judge } from "../report/objectives.ts";
import type { Kpis, Report } from "../report/report.ts";
import { worst } from "../report/saturation/saturation-fold.ts";
import { spreadOf } from "../report/spread.ts";
import type { SimulationStatus } from "../schema/simulation-status.ts";
import { calibratedCondition } from "./calibration/condition.ts";
import type { Held, HeldSweep } from "./held.ts";
import { labelOf } from "./key.ts";
import { pushedCondition, pushedOf, pushedPart } from "./push.ts";
import { sweepStatus } from "./sweep/sweep-status.ts";

type Conditions = SimulationStatus["conditions"];
type Verdict = NonNullable<SimulationStatus["verdict"]>;

/** What an object's status shall say of what is held. Times move only when a condition flips; numbers are rounded, so that equal states are equal bytes. */
export const statusOf = (
  held: Held,
  generation: number,
  before: SimulationStatus | undefined,
  now: Date,
): SimulationStatus => {
  const state = stateOf(held, before, now);
  const followed = followedBy(held);
  // Of a result that is being restored all conditions stand, these too.
  const beside = [...pushed(held, before), ...reported(held, before), ...calibrated(held, now)];
  const main = state.conditions.filter((one) => !beside.some(({ type }) => type === one.type));
  const base = {
    observedGeneration: generation,
    phase: state.phase,
    ...(state.verdict === undefined ? {} : { verdict: state.verdict }),
    selector: `servetwin.dev/simulation=${labelOf(held.key)}`,
    conditions: stamp([...main, ...beside], before?.conditions ?? [], generation, now),
    ...(held.calibration?.found === undefined ? {} : { calibration: held.calibration.found }),
    mirrored: [...held.mirrored, ...followed.values].slice(0, MOST_VALUES).map(({ path, value, from }) => ({
      path: path.slice(0, 512),
      value: String(value).slice(0, 1024),
      from: describeSource(from).slice(0, 1024),
    })),
    warnings: [...held.warnings, ...followed.warnings]
      .slice(0, 50)
      .map((warning) => describeProblem(warning).slice(0, 2048)),
  };
  if (held.preview !== undefined && held.preview.state !== "running") {
    const { inputDigest } = held.preview;
    const asked = { ...sweepPart(held, before), ...jobPart(held, before), ...pushPart(held, before) };
    return { ...base, inputDigest, ...finishedPart(held), ...asked };
  }
  if (held.shadow?.snapshot !== undefined)
    return { ...base, inputDigest: held.shadow.inputDigest, ...shadowPart(held) };
  // A run under way shows what was found last, until it is done; a shadow that begins, until it has a figure.
  const isUnderWay = held.preview !== undefined || held.shadow !== undefined || held.calibration?.awaited === true;
  if (!isUnderWay || before === undefined) return base;
  const { runs, replicas, inputDigest, sweep } = before;
  return {
    ...base,
    ...(runs === undefined ? {} : { runs }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(sweep === undefined || held.simulation?.spec.sweep === undefined ? {} : { sweep }),
    ...jobPart(held, before),
    ...(held.preview?.restore === true && inputDigest !== undefined ? { inputDigest } : {}),
  };
};

const calibrated = ({ calibration }: Held, now: Date): State["conditions"] =>
  calibration === undefined ? [] : [calibratedCondition(calibration, now)];

/** How its series are pushed; of a result that an earlier process pushed, what that said of it. */
const pushed = (held: Held, before: SimulationStatus | undefined): State["conditions"] => {
  const { push } = held.preview ?? {};
  if (push !== undefined) return [pushedCondition(push.state)];
  const said = pushedOf(before);
  return said !== undefined && pushStands(held) ? [asSaid(said)] : [];
};

/** How its whole report stands in a ConfigMap; until it is looked for again, as it stood. */
const reported = ({ report, preview, simulation }: Held, before: SimulationStatus | undefined): State["conditions"] => {
  if (report !== undefined) return [report.condition];
  const said = before?.conditions.find(({ type }) => type === "ReportWritten");
  const stands = preview?.restore === true && preview.state === "running";
  if (said === undefined || !stands || simulation?.spec.export.reportConfigMap === undefined) return [];
  return [asSaid(said)];
};

/** A condition that stands as an earlier status said it. */
const asSaid = ({ type, status, reason, message }: Conditions[number]): State["conditions"][number] => ({
  type,
  status,
  reason,
  message,
});

const pushPart = (held: Held, before: SimulationStatus | undefined) => {
  const { push } = held.preview ?? {};
  if (push !== undefined) return pushedPart(push.state);
  const said = before?.remoteWrite;
  return said === undefined || !pushStands(held) ? {} : { remoteWrite: said };
};

const pushStands = ({ preview, simulation }: Held): boolean =>
  preview?.restore === true && simulation?.spec.export.remoteWrite !== undefined;

/** What a shadow has read of live traffic, and what is to be known about it. */
const followedBy = ({ shadow }: Held): Pick<Held, "warnings"> & { readonly values: Held["mirrored"] } => {
  const traffic = shadow?.snapshot?.traffic;
  return traffic?.kind === "read" ? traffic : { values: [], warnings: [] };
};

interface State {
  readonly phase: SimulationStatus["phase"];
  readonly verdict?: Verdict;
  readonly conditions: readonly Omit<Conditions[number], "lastTransitionTime" | "observedGeneration">[];
}

const stateOf = (held: Held, before: SimulationStatus | undefined, now: Date): State => {
  if (held.interrupted) {
    return reconciling("Mirroring", "Interrupted", "the operator has stopped; this goes on when one leads again");
  }
  const problem = held.problems[0];
  if (problem !== undefined) {
    const message = held.problems.map(describeProblem).join("\n").slice(0, 8000);
    return failed(problem.reason, message, "False");
  }
  const broke = held.preview?.problem ?? held.shadow?.problem;
  if (broke !== undefined) return failed(broke.reason, describeProblem(broke), "True");
  if (held.shadow !== undefined) {
    const { snapshot } = held.shadow;
    if (snapshot === undefined) return reconciling("Mirroring", "Starting", "the shadow is starting");
    if (snapshot.traffic?.kind === "waiting") return waiting(snapshot.traffic.problem);
    const state = settled("Following", "Following", "follows the wall clock");
    return { ...state, conditions: [...state.conditions, ...driftCondition(snapshot.drift)] };
  }
  if (held.calibration?.awaited) {
    const { reason, message } = calibratedCondition(held.calibration, now);
    return reconciling("Running", reason, message);
  }
  if (held.preview === undefined) return reconciling("Mirroring", "Mirroring", "reading the mirrored objects");
  if (held.preview.state === "running") {
    // Restoring what the status already says is no news.
    if (held.preview.restore && before !== undefined) {
      return {
        phase: before.phase,
        ...(before.verdict === undefined ? {} : { verdict: before.verdict }),
        conditions: before.conditions,
      };
    }
    const { sweep } = held.preview;
    return sweep === undefined
      ? reconciling("Running", "Running", "the preview is running")
      : reconciling("Running", sweep.job?.waiting === undefined ? "Sweeping" : "SweepWaits", sweeping(sweep));
  }
  const { sweep } = sweepPart(held, before);
  return sweep === undefined ? finished(held) : sweptState(sweep);
};

const sweeping = ({ tried, replications, job }: HeldSweep): string => {
  const far = tried === 0 ? "the sweep begins" : `the sweep is running: ${tried} tried, replications: ${replications}`;
  if (job === undefined) return far;
  const { job: name, done, runs, waiting } = job;
  return `${far}; Job ${name}: ${done} of ${runs} runs are done${waiting === undefined ? "" : `; ${waiting}`}`;
};

/** Where the results of its Jobs are: by this the next sweep finds what this one has left. */
const jobPart = ({ preview }: Held, before: SimulationStatus | undefined): Pick<SimulationStatus, "sweepJob"> => {
  const { ledger, job } = preview?.sweep ?? {};
  if (ledger !== undefined) {
    const { job: name, runs = 0, done = 0 } = job ?? {};
    return { sweepJob: { ledger, ...(name === undefined ? {} : { job: name }), runs, done } };
  }
  // Until the sweep begins, and where its result is restored, what was said stands.
  const stands = preview?.restore || (preview?.sweep === undefined && preview?.state === "running");
  return stands && before?.sweepJob !== undefined ? { sweepJob: before.sweepJob } : {};
};

/** Asked for is a configuration that meets the objectives; whether today's does is told by its run. */
const sweptState = ({ tried, combinations, recommended }: NonNullable<SimulationStatus["sweep"]>): State => {
  const message = `${tried} of ${combinations} combinations tried`;
  if (recommended === undefined) {
    const none = `${message}; none of them meets the objectives`;
    const state = failed("ObjectivesNotMet", none, "True");
    const met = { type: "ObjectivesMet", status: "False" as const, reason: "ObjectivesNotMet", message: none };
    return { ...state, verdict: "Failed", conditions: [...state.conditions, met] };
  }
  const state = settled("Succeeded", "Completed", `${message}; see status.sweep.recommended`);
  const met = {
    type: "ObjectivesMet",
    status: "True" as const,
    reason: "ObjectivesMet",
    message: "the recommended configuration meets every objective",
  };
  return { ...state, verdict: "Passed", conditions: [...state.conditions, met] };
};

/** What was found; of a result that an earlier process found, what it said of it. */
const sweepPart = (held: Held, before: SimulationStatus | undefined): Pick<SimulationStatus, "sweep"> => {
  const { preview, simulation } = held;
  if (preview?.state !== "finished" || simulation?.spec.sweep === undefined) return {};
  const sweep = preview.sweep?.swept === undefined ? before?.sweep : sweepStatus(preview.sweep.swept);
  return sweep === undefined ? {} : { sweep };
};

const finished = (held: Held): State => {
  const reports = held.preview?.reports ?? [];
  const objectives = held.simulation?.spec.objectives ?? [];
  const hours = ((reports[0]?.horizonSeconds ?? 0) / 3600).toFixed(2);
  const message = `${reports.length} run${reports.length === 1 ? "" : "s"} of ${hours} h simulated`;
  if (objectives.length === 0) return settled("Succeeded", "Completed", message);
  const verdict = overall(byScenario(reports), objectives);
  const met = {
    type: "ObjectivesMet",
    status: verdict === "Passed" ? ("True" as const) : verdict === "Failed" ? ("False" as const) : ("Unknown" as const),
    reason:
      verdict === "Inconclusive" ? "ReplicationsDisagree" : `Objectives${verdict === "Passed" ? "Met" : "NotMet"}`,
    message: verdict === "Passed" ? "every objective is met" : "see status.runs[].objectives",
  };
  if (verdict !== "Failed") {
    const state = settled("Succeeded", "Completed", message);
    return { ...state, verdict, conditions: [...state.conditions, met] };
  }
  const state = failed("ObjectivesNotMet", `${message}; the objectives are not met`, "True");
  return { ...state, verdict, conditions: [...state.conditions, met] };
};

/** Where there are candidates, the question is whether they meet the objectives; of several the worst counts. */
const overall = (scenarios: readonly ScenarioReports[], objectives: Parameters<typeof judge>[0]): Verdict => {
  const asked = scenarios.length > 1 ? scenarios.slice(1) : scenarios;
  const all = asked.map(({ reports }) => judge(objectives, kpisOf(reports), kpisOf(scenarios[0]?.reports)).verdict);
  return all.includes("Failed") ? "Failed" : all.includes("Inconclusive") ? "Inconclusive" : "Passed";
};

const kpisOf = (reports: ScenarioReports["reports"] = []) => reports.map(({ kpis }) => kpis);

const settled = (phase: State["phase"], reason: string, message: string): State => ({
  phase,
  conditions: [
    { type: "Ready", status: "True", reason, message },
    { type: "Reconciling", status: "False", reason, message: "" },
    { type: "Stalled", status: "False", reason, message: "" },
    mirrored("True"),
  ],
});

/** Live traffic can't be read: what is shown is as old as it was then. It is tried again, so nothing is stalled. */
const waiting = (problem: Problem): State => {
  const message = describeProblem(problem).slice(0, 8000);
  return {
    phase: "Following",
    conditions: [
      { type: "Ready", status: "False", reason: problem.reason, message },
      { type: "Reconciling", status: "True", reason: problem.reason, message: "it is tried again" },
      { type: "Stalled", status: "False", reason: problem.reason, message: "" },
      { type: "Mirrored", status: "False", reason: problem.reason, message },
    ],
  };
};

const reconciling = (phase: State["phase"], reason: string, message: string): State => ({
  phase,
  conditions: [
    { type: "Ready", status: "False", reason, message },
    { type: "Reconciling", status: "True", reason, message },
    { type: "Stalled", status: "False", reason, message: "" },
    mirrored(phase === "Mirroring" ? "Unknown" : "True"),
  ],
});

const failed = (reason: string, message: string, read: "True" | "False"): State => ({
  phase: "Failed",
  conditions: [
    { type: "Ready", status: "False", reason, message },
    { type: "Reconciling", status: "False", reason, message: "" },
    { type: "Stalled", status: "True", reason, message },
    read === "True" ? mirrored("True") : { type: "Mirrored", status: "False", reason, message },
  ],
});

const mirrored = (status: "True" | "Unknown") => ({
  type: "Mirrored",
  status,
  reason: status === "True" ? "Mirrored" : "Mirroring",
  message: status === "True" ? "every value has a source; see status.mirrored" : "",
});

const finishedPart = (held: Held) => {
  const scenarios = byScenario(held.preview?.reports ?? []);
  const first = scenarios[0]?.reports[0];
  if (first === undefined) return {};
  return {
    replicas: first.kpis.replicas.atEnd,
    runs: scenarios.flatMap(({ reports }) =>
      runPart(reports, held.simulation?.spec.objectives ?? [], kpisOf(scenarios[0]?.reports)),
    ),
  };
};

const runPart = (
  reports: ScenarioReports["reports"],
  objectives: Parameters<typeof judge>[0],
  baseline: Parameters<typeof judge>[2],
) => {
  const [first] = reports;
  if (first === undefined) return [];
  const kpis = kpisOf(reports);
  const { verdict, objectives: judged } = judge(objectives, kpis, baseline);
  return [
    {
      scenario: first.scenario,
      seeds: reports.map((report) => report.seed),
      digest: first.scenarioDigest,
      version: first.version,
      horizonSeconds: first.horizonSeconds,
      kpis: withBands(spreadOf(kpis), first.bands, first.kpis),
      saturation: saturationOf(reports),
      ...findingsPart(reports),
      ...groupsOf(kpis),
      objectives: [...judged],
      ...(objectives.length === 0 ? {} : { verdict }),
      notes: [...new Set(reports.flatMap((report) => report.notes))].slice(0, 20).map((note) => note.slice(0, 1024)),
    },
  ];
};

const MOST_FINDINGS = 20;

/** Rounded, as all figures of a status. */
const findingsPart = (reports: readonly Pick<Report, "findings">[]) => {
  const findings = findingsOfAll(reports).slice(0, MOST_FINDINGS);
  if (findings.length === 0) return {};
  return {
    findings: findings.map(({ object, field, message, evidence, fix, ...rest }) => ({
      ...rest,
      object: object.slice(0, 512),
      ...(field === undefined ? {} : { field: field.slice(0, 512) }),
      message: message.slice(0, 1024),
      evidence: Object.fromEntries(
        Object.entries(evidence).map(([name, value]) => [name, Number(value.toPrecision(6))]),
      ),
      fix: fix.slice(0, 1024),
    })),
  };
};

/** Groups of one kind in a status; the API has them all. */
const MOST_GROUPS = 8;

const groupsOf = (runs: readonly Kpis[]) => {
  const { rows } = groupRows(runs, MOST_GROUPS);
  return rows.length === 0 ? {} : { groups: rows.map((row) => ({ ...row, name: row.name.slice(0, 253) })) };
};

/** Rounded, as all figures of a status. */
const saturationOf = (reports: readonly Pick<Report, "saturation">[]) => {
  const { detector, level, score, confidence } = worst(reports.map(({ saturation }) => saturation));
  return { detector, level, score: Number(score.toPrecision(6)), confidence: Number(confidence.toPrecision(6)) };
};

/** Rounded, as all figures of a status: two digits of a confidence that hangs on chance are enough. */
const driftPart = (drift: Drift | undefined): Pick<SimulationStatus, "drift"> => {
  if (drift === undefined) return {};
  const { cause, message, compared } = drift;
  const metrics = compared.map(({ metric, ratio, confidence }) => ({
    metric,
    ratio: Number(ratio.toPrecision(3)),
    confidence: Math.round(confidence * 100) / 100,
  }));
  return { drift: { ...(cause === undefined ? {} : { cause }), message, metrics } };
};

const driftCondition = (drift: Drift | undefined): State["conditions"] => {
  if (drift === undefined) return [];
  const { drifted, cause, message } = drift;
  const status = drifted === undefined ? "Unknown" : drifted ? "True" : "False";
  const reason = cause ?? (drifted === undefined ? "TooLittleKnown" : "NoDrift");
  return [{ type: "Drifted", status, reason, message }];
};

const shadowPart = (held: Held) => {
  const snapshot = held.shadow?.snapshot;
  if (snapshot === undefined || held.scenario === undefined) return {};
  return {
    replicas: snapshot.replicas.spec,
    simulatedSeconds: Math.floor(snapshot.simulatedSeconds),
    lagSeconds: Math.round(snapshot.lagSeconds * 10) / 10,
    ...driftPart(snapshot.drift),
    runs: [
      {
        scenario: held.scenario.name,
        seeds: [held.scenario.seed],
        digest: held.shadow?.inputDigest ?? "",
        version: VERSION,
        horizonSeconds: Math.floor(snapshot.untilSeconds),
        kpis: withBands(spreadOf([snapshot.kpis]), snapshot.bands, snapshot.kpis),
        saturation: saturationOf([snapshot]),
        ...findingsPart([held.shadow?.loops ?? {}]),
        ...groupsOf([snapshot.kpis]),
        objectives: [],
        notes: (snapshot.notes ?? []).slice(0, 20).map((note) => note.slice(0, 1024)),
      },
    ],
  };
};

/** The most that the CRD allows; the API has them all. */
const MOST_VALUES = 500;

const stamp = (wanted: State["conditions"], before: Conditions, generation: number, now: Date): Conditions =>
  wanted.map((condition) => {
    const old = before.find(({ type }) => type === condition.type);
    const since = old?.status === condition.status ? old.lastTransitionTime : now.toISOString().replace(/\.\d+Z$/, "Z");
    return { ...condition, observedGeneration: generation, lastTransitionTime: since };
  });

/** Whether writing `after` would change nothing. */
export const sameStatus = (before: SimulationStatus | undefined, after: SimulationStatus): boolean =>
  before !== undefined && sameJson(before, after);

/** Whether both are the same as JSON, in whatever order their fields are: what is undefined is not there, and there is one zero. */
const sameJson = (one: unknown, other: unknown): boolean => {
  if (one === other) return true;
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((item, i) => sameJson(item, other[i]));
  }
  if (!isMapping(one) || !isMapping(other)) return false;
  const [names, others] = [namesOf(one), namesOf(other)];
  return names.length === others.length && names.every((name) => sameJson(one[name], other[name]));
};

const namesOf = (mapping: Mapping): string[] => Object.keys(mapping).filter((name) => mapping[name] !== undefined);
