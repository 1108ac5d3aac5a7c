import type { Problem } from "../../model/problem.ts";
import { VERSION } from "../../model/version.ts";
import type { SimulationStatus } from "../../schema/simulation-status.ts";
import type { StoredObject } from "../../store/store.ts";
import { digestOf } from "../../twin/digest.ts";
import type { PreviewPool } from "../../worker/pool.ts";
import type { Held, HeldPreview, HeldSweep } from "../held.ts";
import type { ReadParts } from "../read.ts";
import { baseName } from "./job-manifest.ts";
import { forgetSweep, jobRuns } from "./job-runs.ts";
import { runSweep } from "./run-sweep.ts";
import type { SweepRuns } from "./runs.ts";
import type { SweepJobs } from "./sweep-jobs.ts";
import { threadRun, threadRuns } from "./thread-runs.ts";

export interface SweepingParts extends ReadParts {
  readonly pool: PreviewPool;
  /** Runs that one sweep has in the pool's line at once. */
  readonly sweepRuns: number;
  /** Left out: there is no cluster for Jobs, and sweeps that ask for them run on threads. */
  readonly sweepJobs?: SweepJobs;
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
  /** There is news in `held`. */
  readonly changed: () => void;
}

/**
 * Runs the sweep that the simulation asks for, if it does, and puts what comes of it into `preview.sweep`.
 *
 * @returns why it can't be run
 * @throws RunFailure, and AbortError when the preview is called off
 */
export const carryOutSweep = async (
  held: Held,
  preview: HeldPreview,
  parts: SweepingParts,
): Promise<Problem | undefined> => {
  const { stored, simulation } = held;
  if (stored === undefined || simulation === undefined) return undefined;
  const sweep: HeldSweep = { tried: 0, replications: 0 };
  const { runs, ledger } = runsFor(held, stored, preview, sweep, parts);
  await forgetEarlier(stored, ledger, parts);
  if (simulation.spec.sweep === undefined) return undefined;
  if (ledger !== undefined) sweep.ledger = ledger;
  preview.sweep = sweep;
  parts.changed();
  const found = await runSweep(stored, {
    ...parts,
    runs,
    whole: wholeRun(preview, parts),
    tell: (tried, replications) => {
      Object.assign(sweep, { tried, replications });
      parts.changed();
    },
  });
  if (!found.ok) return found.problems[0];
  sweep.swept = found.value;
  return undefined;
};

/**
 * Finds again what the status says that an earlier process has found: by the results that its Jobs have left, else by the same runs.
 * Only its end is told, and what keeps it from that is no fault of the simulation: the status stands.
 */
export const restoreSweep = async (held: Held, preview: HeldPreview, parts: SweepingParts): Promise<void> => {
  const { stored, simulation } = held;
  if (stored === undefined || simulation?.spec.sweep === undefined) return;
  const sweep: HeldSweep = { tried: 0, replications: 0 };
  const { runs } = runsFor(held, stored, preview, sweep, parts);
  const found = await runSweep(stored, { ...parts, runs, whole: wholeRun(preview, parts) }).catch((error: Error) => ({
    ok: false as const,
    problems: [{ message: error.message }],
  }));
  if (preview.abort.signal.aborted) return;
  if (!found.ok) {
    const message = "what a sweep found before is not found again";
    parts.log({ level: "warning", message, simulation: held.key, error: found.problems[0]?.message });
    return;
  }
  preview.sweep = { ...sweep, swept: found.value };
  parts.changed();
};

const wholeRun = ({ abort: { signal } }: HeldPreview, parts: SweepingParts) =>
  threadRun({ ...parts, maxTraceBytes: parts.limits.maxTraceBytes, signal });

/** By pods where that is asked for and may be, else on threads. */
const runsFor = (
  held: Held,
  { object: owner }: StoredObject,
  { abort: { signal }, restore }: HeldPreview,
  sweep: HeldSweep,
  parts: SweepingParts,
): { readonly runs: SweepRuns; readonly ledger?: string } => {
  const { maxTraceBytes } = parts.limits;
  const said = held.simulation?.spec.sweep?.job;
  if (said === undefined || parts.sweepJobs?.image === undefined) {
    const { pool, sweepRuns: atOnce } = parts;
    return { runs: threadRuns({ pool, maxTraceBytes, atOnce, signal }) };
  }
  const { objects, image } = parts.sweepJobs;
  const { name, uid } = owner.metadata;
  // All that results depend on, and nothing of how they are come by: with more memory a sweep goes on where it was.
  const { sweep: { job: _, ...searched } = {}, objectives } = held.simulation?.spec ?? {};
  const asked = { scenario: held.scenario, sweep: searched, objectives, maxTraceBytes, version: VERSION };
  const ledger = baseName(name, digestOf({ uid, ...asked }));
  const runs = jobRuns({
    ...{ objects, owner, image, maxTraceBytes, signal, base: ledger, onlyKnown: restore },
    job: () => held.simulation?.spec.sweep?.job ?? said,
    tell: (progress) => {
      const news = JSON.stringify(progress) !== JSON.stringify(sweep.job);
      sweep.job = progress;
      if (news) parts.changed();
    },
  });
  return { runs, ledger };
};

/** What an earlier sweep has left on the cluster is of no use to this one. */
const forgetEarlier = async (
  { object }: StoredObject,
  ledger: string | undefined,
  { sweepJobs, log }: SweepingParts,
): Promise<void> => {
  const before = (object.status as SimulationStatus | undefined)?.sweepJob?.ledger;
  if (before === undefined || before === ledger || sweepJobs === undefined) return;
  await forgetSweep(sweepJobs.objects, object, before).catch((error: Error) =>
    log({ level: "warning", message: "an earlier sweep is left on the cluster", ledger: before, error: error.message }),
  );
};
