import type { Sequence } from "./sequence.ts";

/** Those that wait for admission, in the order of a policy. The ones that are gone are passed over. */
export interface WaitingQueue {
  /** Those that wait, without the ones that are gone. */
  readonly length: number;
  push(sequence: Sequence): void;
  /** One that was taken out, or preempted, comes back. */
  putBack(sequence: Sequence): void;
  peek(): Sequence | undefined;
  shift(): Sequence | undefined;
  /** To be told of each sequence that goes while it waits; it is dropped when it comes to the front. */
  lost(): void;
  /** LoRA adapters of those that wait. */
  readonly adapters: ReadonlySet<string>;
}

const adaptersOf = (sequences: readonly Sequence[], from = 0): string[] =>
  sequences
    .slice(from)
    .flatMap(({ state, request: { adapter } }) => (adapter === undefined || state === "gone" ? [] : [adapter]));

/** First come, first served; those that come back stand in front. */
export class FirstComeQueue implements WaitingQueue {
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

  lost(): void {
    this.#length -= 1;
  }

  get adapters(): ReadonlySet<string> {
    return new Set([...adaptersOf(this.#front), ...adaptersOf(this.#back, this.#head)]);
  }

  #advance(): void {
    this.#head += 1;
    if (this.#head < 1024 || this.#head * 2 < this.#back.length) return;
    this.#back.splice(0, this.#head);
    this.#head = 0;
  }
}

/** In an order of rank, wherever they come from: a binary heap. */
export class OrderedQueue implements WaitingQueue {
  readonly #order: (a: Sequence, b: Sequence) => number;
  readonly #heap: Sequence[] = [];
  #length = 0;

  constructor(order: (a: Sequence, b: Sequence) => number) {
    this.#order = order;
  }

  get length(): number {
    return this.#length;
  }

  push(sequence: Sequence): void {
    this.#length += 1;
    const heap = this.#heap;
    let at = heap.length;
    heap.push(sequence);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#order(heap[parent] as Sequence, sequence) < 0) break;
      heap[at] = heap[parent] as Sequence;
      at = parent;
    }
    heap[at] = sequence;
  }

  putBack(sequence: Sequence): void {
    this.push(sequence);
  }

  peek(): Sequence | undefined {
    while (this.#heap[0]?.state === "gone") this.#drop();
    return this.#heap[0];
  }

  shift(): Sequence | undefined {
    const next = this.peek();
    if (next === undefined) return undefined;
    this.#drop();
    this.#length -= 1;
    return next;
  }

  lost(): void {
    this.#length -= 1;
  }

  get adapters(): ReadonlySet<string> {
    return new Set(adaptersOf(this.#heap));
  }

  /** Takes out the first. */
  #drop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Sequence;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#order(heap[child + 1] as Sequence, heap[child] as Sequence) < 0) child += 1;
      if (this.#order(last, heap[child] as Sequence) < 0) break;
      heap[at] = heap[child] as Sequence;
      at = child;
    }
    heap[at] = last;
  }
}
