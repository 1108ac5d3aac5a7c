import type { SimulationStatus } from "../schema/simulation-status.ts";

/** etcd takes 1.5 MiB, but a status is sent to everybody who watches, with every change. */
export const MOST_STATUS_BYTES = 100 * 1024;

type Run = NonNullable<SimulationStatus["runs"]>[number];

/** What is left out first, until it fits; the page and the API have it all. */
const CUTS: readonly { readonly what: string; readonly cut: (status: SimulationStatus) => SimulationStatus }[] = [
  { what: "status.mirrored beyond 100 values", cut: (status) => mirroredTo(status, 100) },
  { what: "status.runs[].groups", cut: (status) => ofRuns(status, ({ groups: _, ...run }) => run) },
  { what: "status.runs[].notes", cut: (status) => ofRuns(status, (run) => ({ ...run, notes: [] })) },
  {
    what: "status.runs[].findings beyond 3",
    cut: (status) =>
      ofRuns(status, (run) => (run.findings === undefined ? run : { ...run, findings: run.findings.slice(0, 3) })),
  },
  { what: "status.warnings beyond 10", cut: (status) => ({ ...status, warnings: status.warnings?.slice(0, 10) }) },
  {
    what: "status.sweep.best beyond 5",
    cut: (status) =>
      status.sweep === undefined
        ? status
        : { ...status, sweep: { ...status.sweep, best: status.sweep.best.slice(0, 5) } },
  },
  { what: "status.mirrored", cut: (status) => mirroredTo(status, 0) },
  {
    what: "key figures of candidates that are no latency, rate or ratio",
    cut: (status) => ofRuns(status, (run, i) => (i === 0 ? run : { ...run, kpis: mostAsked(run.kpis) })),
  },
];

/**
 * A status within the bound. `status.omitted` names what was left out of it.
 * @param most bytes of its JSON
 */
export const boundedStatus = (status: SimulationStatus, most = MOST_STATUS_BYTES): SimulationStatus => {
  let [bounded, omitted]: [SimulationStatus, string[]] = [status, []];
  for (const { what, cut } of CUTS) {
    if (bytesOf(bounded) <= most) return bounded;
    omitted = [...omitted, what];
    bounded = { ...cut(bounded), omitted };
  }
  return bounded;
};

const bytesOf = (status: SimulationStatus): number => Buffer.byteLength(JSON.stringify(status));

const mirroredTo = (status: SimulationStatus, most: number): SimulationStatus => ({
  ...status,
  mirrored: status.mirrored?.slice(0, most),
});

const ofRuns = (status: SimulationStatus, change: (run: Run, index: number) => Run): SimulationStatus => ({
  ...status,
  ...(status.runs === undefined ? {} : { runs: status.runs.map(change) }),
});

const mostAsked = (kpis: Run["kpis"]): Run["kpis"] =>
  Object.fromEntries(Object.entries(kpis).filter(([name]) => /P99Seconds|PerSecond|Ratio|Hours|^requests/.test(name)));
