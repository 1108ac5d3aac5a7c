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

const adaptersOf = (sequences: readonly (Sequence | undefined)[]): ReadonlySet<string> => {
  const adapters = new Set<string>();
  for (const sequence of sequences) {
    if (sequence !== undefined && sequence.state !== "gone" && sequence.request.adapter !== undefined)
      adapters.add(sequence.request.adapter);
  }
  return adapters;
};

/** First come, first served; those that come back stand in front. A ring, in which nothing is kept that was taken out. */
export class FirstComeQueue implements WaitingQueue {
  /** Its length is a power of two. */
  #ring: (Sequence | undefined)[] = new Array(16).fill(undefined);
  #head = 0;
  /** In the ring, with those that are gone. */
  #held = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(sequence: Sequence): void {
    this.#makeRoom();
    this.#ring[(this.#head + this.#held) & (this.#ring.length - 1)] = sequence;
    this.#held += 1;
    this.#length += 1;
  }

  putBack(sequence: Sequence): void {
    this.#makeRoom();
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = sequence;
    this.#held += 1;
    this.#length += 1;
  }

  peek(): Sequence | undefined {
    let first = this.#ring[this.#head];
    for (; first !== undefined && first.state === "gone"; first = this.#ring[this.#head]) this.#drop();
    return first;
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
    return adaptersOf(this.#ring);
  }

  /** Takes out the first. */
  #drop(): void {
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#held -= 1;
  }

  #makeRoom(): void {
    const ring = this.#ring;
    if (this.#held < ring.length) return;
    this.#ring = [...ring.slice(this.#head), ...ring.slice(0, this.#head), ...new Array(ring.length).fill(undefined)];
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
    return adaptersOf(this.#heap);
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
