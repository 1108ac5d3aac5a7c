import type { Sequence } from "./sequence.ts";

/** First come, first served; preempted sequences come back to the front. Those that are gone are passed over. */
export class WaitingQueue {
  /** Returned ones, the next one last. */
  readonly #front: Sequence[] = [];
  readonly #back: Sequence[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(sequence: Sequence): void {
    this.#back.push(sequence);
    this.#length += 1;
  }

  putBack(sequence: Sequence): void {
    this.#front.push(sequence);
    this.#length += 1;
  }

  peek(): Sequence | undefined {
    while (this.#front.at(-1)?.state === "gone") this.#front.pop();
    while (this.#back[this.#head]?.state === "gone") this.#advance();
    return this.#front.at(-1) ?? this.#back[this.#head];
  }

  shift(): Sequence | undefined {
    const next = this.peek();
    if (next === undefined) return undefined;
    if (this.#front.length > 0) this.#front.pop();
    else this.#advance();
    this.#length -= 1;
    return next;
  }

  /** To be told of each sequence that goes while it waits; it is dropped when it comes to the front. */
  lost(): void {
    this.#length -= 1;
  }

  #advance(): void {
    this.#head += 1;
    if (this.#head < 1024 || this.#head * 2 < this.#back.length) return;
    this.#back.splice(0, this.#head);
    this.#head = 0;
  }
}
