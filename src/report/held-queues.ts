import type { SimTime } from "../sim/time.ts";

/** Requests of one priority that the gateway holds, oldest arrival first; those that left are dropped when they come to the front. */
class Band {
  readonly #ids: number[] = [];
  readonly #arrivals: SimTime[] = [];
  #front = 0;

  push(id: number, arrival: SimTime): void {
    this.#ids.push(id);
    this.#arrivals.push(arrival);
  }

  /** Arrival of the oldest that is still held; undefined if none is. */
  oldest(held: ReadonlyMap<number, number>): SimTime | undefined {
    while (this.#front < this.#ids.length && !held.has(this.#ids[this.#front] as number)) this.#front += 1;
    if (this.#front > 1024 && this.#front * 2 > this.#ids.length) {
      this.#ids.splice(0, this.#front);
      this.#arrivals.splice(0, this.#front);
      this.#front = 0;
    }
    return this.#arrivals[this.#front];
  }
}

/**
 * Counts priority inversions at the gateway: a request is let go while one of a higher priority that arrived before it is
 * still held. Takes a step per request and band, and memory for the requests held.
 * Source of the notion: BLIS sim/cluster/metrics.go, inference-sim@f90a1e3a, which compares starts in an engine.
 */
export class HeldQueues {
  readonly #priorities = new Map<number, number>();
  readonly #bands = new Map<number, Band>();
  inversions = 0;

  get held(): number {
    return this.#priorities.size;
  }

  hold(id: number, priority: number, arrival: SimTime): void {
    this.#priorities.set(id, priority);
    let band = this.#bands.get(priority);
    if (band === undefined) {
      band = new Band();
      this.#bands.set(priority, band);
    }
    band.push(id, arrival);
  }

  leave(id: number): void {
    this.#priorities.delete(id);
  }

  dispatch(id: number, arrival: SimTime): void {
    const priority = this.#priorities.get(id);
    this.#priorities.delete(id);
    if (priority === undefined) return;
    for (const [other, band] of this.#bands) {
      if (other <= priority) continue;
      const oldest = band.oldest(this.#priorities);
      if (oldest === undefined || oldest >= arrival) continue;
      this.inversions += 1;
      return;
    }
  }
}
