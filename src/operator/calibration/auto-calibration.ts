import { durationSeconds } from "../../model/duration.ts";
import type { Problem } from "../../model/problem.ts";
import type { SimulationStatus } from "../../schema/simulation-status.ts";
import type { StoredObject } from "../../store/store.ts";
import { digestOf } from "../../twin/digest.ts";
import { type PreviewPool, RunFailure } from "../../worker/pool.ts";
import type { Held } from "../held.ts";
import type { Read, ReadParts } from "../read.ts";
import { correctionsSaid } from "./fitted-spec.ts";
import { agrees, calibrationOf, type Found } from "./found.ts";
import type { HeldCalibration } from "./held-calibration.ts";
import { readProductionWindow } from "./production-window.ts";

export interface AutoCalibrationParts extends Omit<ReadParts, "lastTraffic" | "lastPages"> {
  readonly pool: PreviewPool;
  /** There is news of the simulation with this key. */
  readonly changed: (key: string) => void;
  readonly now: () => Date;
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
}

/** A Shadow's engine is fitted again so often: what changes without a word in its spec is found. */
const AGAIN_SECONDS = 6 * 3600;
/** A Shadow's window moves on, and may tell enough later. */
const NOT_ENOUGH_SECONDS = 600;
/** A Prometheus that doesn't answer is asked again. */
export const UNANSWERED_SECONDS = 60;

/** Fits the engines of simulations that say `calibration: Auto`, in the threads of previews and in their turns. */
export class AutoCalibration {
  readonly #parts: AutoCalibrationParts;

  constructor(parts: AutoCalibrationParts) {
    this.#parts = parts;
  }

  /** Before anything is read: what an earlier process has found is in the status. */
  recall(held: Held, { object }: StoredObject): void {
    const found = (object.status as SimulationStatus | undefined)?.calibration;
    if (held.calibration !== undefined || found === undefined) return;
    const { inputDigest } = found;
    held.calibration = { inputDigest, found, dueMillis: this.#dueAfter(object, found), awaited: false };
  }

  /**
   * Heeds what was read: `held.calibration.awaited` says whether it has to be fitted before anything is simulated.
   * @param used what it was read with
   */
  heed(held: Held, stored: StoredObject, { simulation, scenario }: Read, used: Found | undefined): void {
    const { mode, calibration, workload } = simulation.spec;
    if (calibration !== "Auto") return this.stop(held);
    const inputDigest = inputDigestOf(stored, { simulation, scenario });
    const before = held.calibration;
    if (before?.inputDigest !== inputDigest) {
      before?.running?.abort();
      const now = this.#parts.now().getTime();
      // What a changed deployment did is mixed with what it did before, until the window holds nothing else.
      const wait = mode === "Shadow" && before !== undefined ? durationSeconds(workload.prometheus?.window ?? "0s") : 0;
      held.calibration = { inputDigest, dueMillis: now + 1000 * wait, awaited: false };
      if (mode === "Shadow" && before?.found !== undefined) held.calibration.found = before.found;
    }
    const known = held.calibration as HeldCalibration;
    const isOver = known.found !== undefined || (known.problem !== undefined && !isUnanswered(known.problem));
    known.awaited = mode !== "Shadow" && !(isOver && known.found === used);
  }

  /** Begins what is due; its end is told by `changed`. */
  begin(held: Held, stored: StoredObject): void {
    const known = held.calibration;
    if (known === undefined || known.running !== undefined || this.#parts.now().getTime() < known.dueMillis) return;
    const running = new AbortController();
    known.running = running;
    void this.#fit(held, stored, known, running.signal)
      .catch((error: unknown) => {
        if (running.signal.aborted) return;
        const { message, stack } = error as Error;
        if (!(error instanceof RunFailure))
          this.#parts.log({ level: "error", message: "calibration failed", simulation: held.key, error: stack });
        const { reason, fix } = error instanceof RunFailure ? error : { reason: "InternalError", fix: undefined };
        this.#failed(known, stored, { severity: "error", reason, message, ...(fix === undefined ? {} : { fix }) });
      })
      .finally(() => {
        if (running.signal.aborted) return;
        delete known.running;
        this.#parts.changed(held.key);
      });
  }

  stop(held: Held): void {
    held.calibration?.running?.abort();
    delete held.calibration;
  }

  async #fit(held: Held, stored: StoredObject, known: HeldCalibration, signal: AbortSignal): Promise<void> {
    // The very window that a preview is about to simulate.
    const window = await readProductionWindow(stored, { ...this.#parts, lastTraffic: new Map(held.lastTraffic) });
    if (signal.aborted) return;
    if (!window.ok) return this.#failed(known, stored, window.problems[0] as Problem);
    const { scenario, blocks, untilSeconds, start } = window.value;
    const result = await this.#parts.pool.fit({ scenario, blocks }, signal);
    if (result.kind === "problem") return this.#failed(known, stored, result.problem);
    const said = correctionsSaid(stored.object);
    const found = calibrationOf({ engine: result.fit, start, said, untilSeconds, inputDigest: known.inputDigest });
    delete known.problem;
    const before = known.found?.inputDigest === known.inputDigest ? known.found : undefined;
    // A Shadow begins anew with other values: those that are as good as the new ones stay.
    if (before === undefined || !agrees(before, found)) known.found = found;
    known.dueMillis = this.#dueAfter(stored.object, found);
  }

  #failed(known: HeldCalibration, { object }: StoredObject, problem: Problem): void {
    known.problem = problem;
    const wait = isUnanswered(problem)
      ? UNANSWERED_SECONDS
      : modeOf(object) !== "Shadow"
        ? Number.POSITIVE_INFINITY
        : problem.reason === "NotEnoughData"
          ? NOT_ENOUGH_SECONDS
          : AGAIN_SECONDS;
    known.dueMillis = this.#parts.now().getTime() + 1000 * wait;
  }

  /** The window of a Preview or a Replay stays as it is. */
  #dueAfter(object: StoredObject["object"], { until }: Found): number {
    return modeOf(object) === "Shadow" ? Date.parse(until) + 1000 * AGAIN_SECONDS : Number.POSITIVE_INFINITY;
  }
}

/** What fits depend on; of a Shadow not on the traffic, which is always another. */
const inputDigestOf = (
  { object }: StoredObject,
  { simulation, scenario }: Pick<Read, "simulation" | "scenario">,
): string => {
  const { mode, workload } = simulation.spec;
  const engines = scenario.workloads.map(
    ({ latency, replicas: _, start: __, stop: ___, rollouts: ____, ...engine }) => ({
      ...engine,
      latencyModel: latency.name,
    }),
  );
  const traffic = mode === "Shadow" ? undefined : scenario.traffic;
  return digestOf({ mode, engines, said: correctionsSaid(object), series: workload.prometheus, traffic });
};

const modeOf = ({ spec }: StoredObject["object"]): unknown => (spec as { mode?: unknown } | undefined)?.mode;

const isUnanswered = ({ reason }: Problem): boolean => reason.startsWith("Prometheus");
