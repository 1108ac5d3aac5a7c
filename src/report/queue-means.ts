import type { ReplicaGlance } from "./world-view.ts";

interface Seen {
  sum: number;
  looks: number;
}

/**
 * Mean queue per replica over all looks at it. Head-of-line blocking is what BLIS calls a replica whose mean queue is more
 * than twice the mean over replicas (sim/cluster/metrics.go, inference-sim@f90a1e3a). Holds one entry per pod there ever was.
 */
export class QueueMeans {
  readonly #pods = new Map<string, Seen>();

  look(replicas: readonly Pick<ReplicaGlance, "pod" | "waiting">[]): void {
    for (const { pod, waiting } of replicas) {
      let seen = this.#pods.get(pod);
      if (seen === undefined) {
        seen = { sum: 0, looks: 0 };
        this.#pods.set(pod, seen);
      }
      seen.sum += waiting;
      seen.looks += 1;
    }
  }

  get replicas(): number {
    return this.#pods.size;
  }

  get blocked(): number {
    const means = [...this.#pods.values()].map(({ sum, looks }) => sum / looks);
    const overall = means.reduce((sum, mean) => sum + mean, 0) / Math.max(1, means.length);
    return overall === 0 ? 0 : means.filter((mean) => mean > 2 * overall).length;
  }
}
