import type { SimTime } from "../../sim/time.ts";

/** A write against somebody else's within this undoes it. */
const UNDONE_SECONDS = 300;
const MOST_PAIRS = 16;

/** One who undid what another had written, and how often. */
export interface Quarrel {
  readonly by: string;
  readonly against: string;
  readonly times: number;
}

/** Who writes the replicas of a workload, and whether they write against each other. */
export class Writers {
  #last: { readonly by: string; readonly direction: "up" | "down"; readonly at: SimTime } | undefined;
  readonly #quarrels = new Map<string, { by: string; against: string; times: number }>();

  wrote(by: string, direction: "up" | "down", at: SimTime): void {
    const last = this.#last;
    this.#last = { by, direction, at };
    if (last === undefined || last.by === by || last.direction === direction) return;
    if (at - last.at > UNDONE_SECONDS * 1e6) return;
    const key = `${by}\n${last.by}`;
    const found = this.#quarrels.get(key);
    if (found !== undefined) found.times += 1;
    else if (this.#quarrels.size < MOST_PAIRS) this.#quarrels.set(key, { by, against: last.by, times: 1 });
  }

  get quarrels(): readonly Quarrel[] {
    return [...this.#quarrels.values()].map((quarrel) => ({ ...quarrel }));
  }
}
