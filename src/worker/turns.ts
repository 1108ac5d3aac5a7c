import { FairLine } from "./fair-line.ts";

/**
 * Lets so many work at once; the others wait, and are let in by turns between groups. The patient are let in only where nobody
 * else may be.
 */
export class Turns {
  readonly #most: number;
  readonly #mostPerGroup: number;
  readonly #waiting = new FairLine<() => void>();
  readonly #patient = new FairLine<() => void>();
  readonly #working = new Map<string, number>();
  #busy = 0;

  constructor(most: number, mostPerGroup = most) {
    this.#most = most;
    this.#mostPerGroup = mostPerGroup;
  }

  get waiting(): number {
    return this.#waiting.size + this.#patient.size;
  }

  /** Waits for its turn. @returns ends it @throws the signal's reason, if it aborts before */
  async take(group: string, signal: AbortSignal, isPatient = false): Promise<() => void> {
    signal.throwIfAborted();
    const line = isPatient ? this.#patient : this.#waiting;
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        line.delete(group, enter);
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", leave, { once: true });
      line.add(group, enter);
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
      const may = (group: string): boolean => {
        taken = group;
        return (this.#working.get(group) ?? 0) < this.#mostPerGroup;
      };
      const enter = this.#waiting.take(may) ?? this.#patient.take(may);
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
