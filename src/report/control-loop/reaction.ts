import { elapsed, type SimTime, toSeconds } from "../../sim/time.ts";
import { QuantileSketch } from "../sketch.ts";

/**
 * How long a loop takes from a metric's crossing to help. A crossing is the first sync at which a metric truly lies above what
 * its target tolerates, after one at which none did; it is answered when the first of the pods that were created since is ready.
 * One crossing is looked at at a time: until it is answered or over, no other begins.
 */
export class Reaction {
  readonly seconds = new QuantileSketch();
  /** Crossings that were over, pods and all, before any pod was ready. */
  unanswered = 0;
  readonly #from: SimTime;
  #over = false;
  #crossed: SimTime | undefined;
  readonly #awaited = new Set<string>();

  /** @param from crossings before it don't count */
  constructor(from: SimTime) {
    this.#from = from;
  }

  /** Whether a crossing is neither answered nor over. */
  get isOpen(): boolean {
    return this.#crossed !== undefined;
  }

  /** @param over whether a metric lies above what its target tolerates */
  sync(over: boolean, at: SimTime): void {
    const before = this.#over;
    this.#over = over;
    if (over && !before && this.#crossed === undefined && at >= this.#from) this.#crossed = at;
    if (!over) this.#giveUp();
  }

  created(pod: string): void {
    if (this.#crossed !== undefined) this.#awaited.add(pod);
  }

  ready(pod: string, at: SimTime): void {
    if (this.#crossed === undefined || !this.#awaited.has(pod)) return;
    this.seconds.observe(toSeconds(elapsed(this.#crossed, at)));
    this.#crossed = undefined;
    this.#awaited.clear();
  }

  gone(pod: string): void {
    if (this.#awaited.delete(pod) && !this.#over) this.#giveUp();
  }

  /** Nothing is wanted any more, and nothing is on its way. */
  #giveUp(): void {
    if (this.#crossed === undefined || this.#awaited.size > 0) return;
    this.unanswered += 1;
    this.#crossed = undefined;
  }
}
