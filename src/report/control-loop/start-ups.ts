import type { PodPhase } from "../../model/fact.ts";
import { elapsed, type SimTime, toSeconds } from "../../sim/time.ts";
import { QuantileSketch } from "../sketch.ts";

/** Pods of a workload, or of all, that were created and are not ready yet. */
export class StartUps {
  readonly seconds = new QuantileSketch();
  readonly #pending = new Map<string, SimTime>();
  #last: SimTime | undefined;

  pod(pod: string, phase: PodPhase, at: SimTime): void {
    if (phase === "pending") {
      this.#pending.set(pod, at);
      return;
    }
    const since = this.#pending.get(pod);
    if (since === undefined || phase === "pulling" || phase === "starting") return;
    if (phase === "ready") this.seconds.observe(toSeconds(elapsed(since, at)));
    this.#pending.delete(pod);
    this.#last = at;
  }

  /** Whether one was under way at some time from `since` on. */
  since(since: SimTime): boolean {
    return this.#pending.size > 0 || (this.#last !== undefined && this.#last >= since);
  }
}
