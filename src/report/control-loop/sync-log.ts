import type { SyncFact } from "../../model/fact.ts";
import { type SimTime, toSeconds } from "../../sim/time.ts";

/** One reconcile, as the report has it. */
export interface SyncRow extends SyncFact {
  readonly atSeconds: number;
}

/** Syncs of one autoscaler in order of time, and how many were left out. */
export interface SyncTimeline {
  readonly autoscaler: string;
  readonly workload: string;
  readonly syncs: number;
  readonly rows: readonly SyncRow[];
  /** Syncs like the one before them; those that changed something, beyond the bound. */
  readonly leftOut: { readonly unchanged: number; readonly changed: number };
}

/**
 * Keeps every sync that changed something (replicas, reason, error, or what limits it), the first 500 of these, and of the rest
 * every n-th, n doubling whenever there are 120.
 */
export class SyncLog {
  readonly #changed: SyncRow[] = [];
  #unchanged: { readonly nth: number; readonly row: SyncRow }[] = [];
  #stride = 1;
  #syncs = 0;
  #dull = 0;
  #before = "";

  told(sync: SyncFact, at: SimTime): void {
    this.#syncs += 1;
    const { currentReplicas, desiredReplicas, reason, limitedBy = "", error = "" } = sync;
    const state = `${reason}\n${limitedBy}\n${error}`;
    const isNew = desiredReplicas !== currentReplicas || state !== this.#before;
    this.#before = state;
    if (isNew) {
      if (this.#changed.length < MOST_CHANGED) this.#changed.push(rowOf(sync, at));
      return;
    }
    const nth = this.#dull;
    this.#dull += 1;
    if (nth % this.#stride !== 0) return;
    this.#unchanged.push({ nth, row: rowOf(sync, at) });
    if (this.#unchanged.length < MOST_UNCHANGED) return;
    this.#stride *= 2;
    this.#unchanged = this.#unchanged.filter((one) => one.nth % this.#stride === 0);
  }

  timeline(): Omit<SyncTimeline, "autoscaler" | "workload"> {
    const unchanged = this.#unchanged.map(({ row }) => row);
    return {
      syncs: this.#syncs,
      rows: [...this.#changed, ...unchanged].sort((a, b) => a.atSeconds - b.atSeconds),
      leftOut: {
        unchanged: this.#dull - unchanged.length,
        changed: this.#syncs - this.#dull - this.#changed.length,
      },
    };
  }
}

const MOST_CHANGED = 500;
const MOST_UNCHANGED = 120;

const rowOf = (sync: SyncFact, at: SimTime): SyncRow => ({ atSeconds: toSeconds(at), ...sync });
