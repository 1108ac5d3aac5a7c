import { FairLine } from "./fair-line.ts";

/** Lets so many work at once; the others wait, and are let in by turns between groups. */
export class Turns {
  readonly #most: number;
  readonly #mostPerGroup: number;
  readonly #waiting = new FairLine<() => void>();
  readonly #working = new Map<string, number>();
  #busy = 0;

  constructor(most: number, mostPerGroup = most) {
    this.#most = most;
    this.#mostPerGroup = mostPerGroup;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Waits for its turn. @returns ends it @throws the signal's reason, if it aborts before */
  async take(group: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.delete(group, enter);
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.add(group, enter);
      this.#letIn();
    });
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#busy -= 1;
      this.#count(group, -1);
      this.#letIn();
    };
  }

  #letIn(): void {
    while (this.#busy < this.#most) {
      let taken = "";
      const enter = this.#waiting.take((group) => {
        taken = group;
        return (this.#working.get(group) ?? 0) < this.#mostPerGroup;
      });
      if (enter === undefined) return;
      this.#busy += 1;
      this.#count(taken, 1);
      enter();
    }
  }

  #count(group: string, by: number): void {
    const now = (this.#working.get(group) ?? 0) + by;
    if (now === 0) this.#working.delete(group);
    else this.#working.set(group, now);
  }
}
