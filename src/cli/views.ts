import type { SimulatedSeries } from "../exporter/simulated.ts";
import { describeSource } from "../model/known.ts";
import type { Held } from "../operator/held.ts";
import type { Report } from "../report/report.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import type { SimulationStatus } from "../schema/simulation-status.ts";
import type { RunView, SimulationDetail } from "../server/view.ts";
import type { StoredObject } from "../store/store.ts";

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
    runs: runsOf(held),
  };
};

const progressOf = (held: Held | undefined): number | undefined => {
  const { preview, simulation } = held ?? {};
  if (preview?.state !== "running" || simulation === undefined) return undefined;
  return preview.progress.reduce((sum, one) => sum + (one?.done ?? 0), 0) / simulation.spec.run.replications;
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
      horizonSeconds: shadow.snapshot.simulatedSeconds,
      warmUpSeconds: scenario.warmUpMicros / 1e6,
      kpis: shadow.snapshot.kpis,
      timeline: shadow.snapshot.timeline,
      scaleEvents: [],
      notes: [],
    },
  ];
};

const runOf = (report: Report): RunView => ({
  scenario: report.scenario,
  seed: report.seed,
  digest: report.scenarioDigest,
  horizonSeconds: report.horizonSeconds,
  warmUpSeconds: report.warmUpSeconds,
  kpis: report.kpis,
  timeline: report.timeline,
  scaleEvents: report.scaleEvents,
  notes: report.notes,
});

/** What /metrics shows of it: a shadow's present state; of a preview the end of replication 1, until it is superseded. */
export const seriesOf = (held: Held): SimulatedSeries[] => {
  const families = held.shadow?.snapshot?.families ?? held.preview?.reports[0]?.families;
  if (families === undefined || held.simulation === undefined || held.scenario === undefined) return [];
  const { naming, labels } = held.simulation.spec.export;
  return [{ naming, labels, simulation: held.key, scenario: held.scenario.name, families }];
};
