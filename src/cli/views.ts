import type { SimulatedSeries } from "../exporter/simulated.ts";
import { describeSource } from "../model/known.ts";
import type { Held } from "../operator/held.ts";
import type { ReportDocuments } from "../operator/report-map/report-maps.ts";
import { byScenario } from "../report/by-scenario.ts";
import { groupRows } from "../report/group-rows.ts";
import type { Kpis, Report } from "../report/report.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import type { SimulationStatus } from "../schema/simulation-status.ts";
import type { DerivationView, RunView, SimulationDetail, SweepDocument } from "../server/view.ts";
import type { StoredObject } from "../store/store.ts";
import { type Derivation, derivationOf } from "./derivation.ts";
import { documentOf } from "./formats/document.ts";
import { documentOfSweeps } from "./formats/sweep-document.ts";
import { judgedOutcomes } from "./judged-outcomes.ts";

/** What page and API show of one simulation: its status, and what only this process holds. */
export const detailOf = ({ object }: StoredObject, held: Held | undefined): SimulationDetail => {
  const spec = object.spec as Partial<SimulationSpec> | undefined;
  const status = object.status as SimulationStatus | undefined;
  const progress = progressOf(held);
  return {
    namespace: object.metadata.namespace ?? "default",
    name: object.metadata.name,
    mode: String(spec?.mode ?? "Preview"),
    phase: status?.phase ?? "Mirroring",
    ...(status?.verdict === undefined ? {} : { verdict: status.verdict }),
    conditions: status?.conditions ?? [],
    warnings: status?.warnings ?? [],
    ...(progress === undefined ? {} : { progress }),
    ...shadowOf(held),
    objectives: status?.runs?.[0]?.objectives ?? [],
    kpis: status?.runs?.[0]?.kpis ?? {},
    spec: object.spec,
    status: object.status,
    mirrored:
      held === undefined
        ? (status?.mirrored ?? [])
        : held.mirrored.map(({ path, value, from }) => ({ path, value: String(value), from: describeSource(from) })),
    derivation: held === undefined ? derivationOfStatus(status) : derivationView(derivationOf(held.mirrored)),
    ...(status?.sweep === undefined ? {} : { sweep: status.sweep }),
    runs: runsOf(held),
  };
};

export const derivationView = (derivations: readonly Derivation[]): readonly DerivationView[] =>
  derivations.map(({ source, fields }) => ({
    source,
    fields: fields.map(({ field, values }) => ({
      field,
      values: values.map(({ path, value }) => ({ path, value: String(value) })),
    })),
  }));

/** Of what another process, or an earlier one, has mirrored: its status has sources in words, which stand for fields here. */
const derivationOfStatus = (status: SimulationStatus | undefined): readonly DerivationView[] => {
  const mirrored = status?.mirrored ?? [];
  const fields = mirrored.map(({ path, value, from }) => ({ field: from, values: [{ path, value }] }));
  return fields.length === 0 ? [] : [{ source: "status.mirrored", fields }];
};

/** All that its sweep found, as `servetwin sweep -o json` has it. */
export const sweepOf = (held: Held | undefined): SweepDocument | undefined => {
  const swept = held?.preview?.sweep?.swept;
  return swept === undefined ? undefined : documentOfSweeps([swept]);
};

/** All that a finished preview found, as `servetwin run -o json` and `servetwin sweep -o json` have it. */
export const documentsOf = (held: Held): ReportDocuments => {
  const { key, preview, simulation } = held;
  const scenarios = simulation === undefined ? [] : byScenario(preview?.reports ?? []);
  const outcomes = simulation === undefined ? [] : judgedOutcomes(key, simulation, scenarios);
  const swept = preview?.sweep?.swept;
  return { report: documentOf(outcomes), ...(swept === undefined ? {} : { sweep: documentOfSweeps([swept]) }) };
};

const progressOf = (held: Held | undefined): number | undefined => {
  const { preview, simulation } = held ?? {};
  if (preview?.state !== "running" || simulation === undefined) return undefined;
  const runs = simulation.spec.run.replications * (1 + (held?.candidates.length ?? 0));
  return preview.progress.reduce((sum, one) => sum + (one?.done ?? 0), 0) / runs;
};

const shadowOf = (held: Held | undefined): Pick<SimulationDetail, "simulatedSeconds" | "lagSeconds"> => {
  const snapshot = held?.shadow?.snapshot;
  return snapshot === undefined ? {} : { simulatedSeconds: snapshot.simulatedSeconds, lagSeconds: snapshot.lagSeconds };
};

const runsOf = (held: Held | undefined): RunView[] => {
  if (held?.preview !== undefined) return held.preview.reports.map(runOf);
  const { shadow, scenario } = held ?? {};
  if (shadow?.snapshot === undefined || scenario === undefined) return [];
  return [
    {
      scenario: scenario.name,
      seed: scenario.seed,
      digest: shadow.inputDigest,
      horizonSeconds: shadow.snapshot.untilSeconds,
      warmUpSeconds: scenario.warmUpMicros / 1e6,
      kpis: shadow.snapshot.kpis,
      saturation: shadow.snapshot.saturation,
      ...groupsOf(shadow.snapshot.kpis),
      ...loopsOf(shadow.loops ?? {}),
      timeline: shadow.snapshot.timeline,
      scaleEvents: [],
      notes: [],
    },
  ];
};

/** Groups of one kind on the page. */
const MOST_GROUPS = 20;

const groupsOf = (kpis: Kpis): Pick<RunView, "groups"> =>
  kpis.groups === undefined ? {} : { groups: groupRows([kpis], MOST_GROUPS) };

const loopsOf = ({ findings, syncs }: Pick<Report, "findings" | "syncs">): Pick<RunView, "findings" | "syncs"> => ({
  ...(findings === undefined ? {} : { findings }),
  ...(syncs === undefined ? {} : { syncs }),
});

const runOf = (report: Report): RunView => ({
  scenario: report.scenario,
  seed: report.seed,
  digest: report.scenarioDigest,
  horizonSeconds: report.horizonSeconds,
  warmUpSeconds: report.warmUpSeconds,
  kpis: report.kpis,
  saturation: report.saturation,
  ...groupsOf(report.kpis),
  ...loopsOf(report),
  timeline: report.timeline,
  scaleEvents: report.scaleEvents,
  notes: report.notes,
});

/** What /metrics shows of it: a shadow's present state; of a preview the end of each scenario's replication 1, until it is superseded. */
export const seriesOf = (held: Held): SimulatedSeries[] => {
  if (held.simulation === undefined || held.scenario === undefined) return [];
  const { naming, labels } = held.simulation.spec.export;
  const base = { naming, labels, simulation: held.key };
  const families = held.shadow?.families;
  if (families !== undefined) return [{ ...base, scenario: held.scenario.name, families }];
  return byScenario(held.preview?.reports ?? []).flatMap(({ scenario, reports: [first] }) =>
    first === undefined ? [] : [{ ...base, scenario, families: first.families }],
  );
};
