import { setTimeout as sleep } from "node:timers/promises";

/** Ever longer waits: doubled from the first to the longest, each between half and one and a half of that. */
export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  #failures = 0;

  constructor(firstSeconds: number, longestSeconds: number) {
    this.#first = firstSeconds;
    this.#longest = longestSeconds;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure. @returns seconds to wait */
  next(): number {
    const seconds = Math.min(this.#longest, this.#first * 2 ** this.#failures);
    this.#failures += 1;
    return seconds * (0.5 + Math.random());
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** Waits, or ends early and silently when `signal` aborts. */
export const pause = async (seconds: number, signal: AbortSignal): Promise<void> => {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
};
