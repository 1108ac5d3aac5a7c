import type { SimTime } from "../../sim/time.ts";

const BUCKET_MICROS = 60e6;

/**
 * Requests in flight at the end of each bucket of 60 s that something happened in or after, gaps carrying the last value;
 * their least-squares slope, from sums alone. Source: BLIS sim/saturation/backlog_drift.go, inference-sim@0621505e, which
 * keeps the values.
 */
export class Backlog {
  #first = -1;
  #bucket = 0;
  #inFlight = 0;
  /** Of the buckets that are over; x is their number from the first. */
  #sumY = 0;
  #sumXY = 0;

  change(by: 1 | -1, at: SimTime): void {
    const bucket = Math.floor(at / BUCKET_MICROS);
    if (this.#first < 0) {
      this.#first = bucket;
      this.#bucket = bucket;
    }
    for (; this.#bucket < bucket; this.#bucket += 1) {
      this.#sumY += this.#inFlight;
      this.#sumXY += (this.#bucket - this.#first) * this.#inFlight;
    }
    this.#inFlight += by;
  }

  /** Requests per bucket; 0 of fewer than two buckets. */
  get slope(): number {
    const last = this.#bucket - this.#first;
    if (this.#first < 0 || last < 1) return 0;
    const n = last + 1;
    const sumX = (last * n) / 2;
    const sumXX = (last * n * (2 * last + 1)) / 6;
    const sumY = this.#sumY + this.#inFlight;
    const sumXY = this.#sumXY + last * this.#inFlight;
    return (n * sumXY - sumX * sumY) / (n * sumXX - sumX * sumX);
  }
}
