/** What a heap holds knows where it is there; -1: nowhere. */
export interface Slotted {
  slot: number;
}

/** A binary heap whose members can be taken out, or change their rank, in O(log n). */
export class IndexedHeap<T extends Slotted> {
  readonly #members: T[] = [];
  readonly #precedes: (a: T, b: T) => boolean;

  /** @param precedes a strict order in which no two members are equal */
  constructor(precedes: (a: T, b: T) => boolean) {
    this.#precedes = precedes;
  }

  get size(): number {
    return this.#members.length;
  }

  get first(): T | undefined {
    return this.#members[0];
  }

  has(member: T): boolean {
    return this.#members[member.slot] === member;
  }

  push(member: T): void {
    this.#place(member, this.#members.length);
    this.#rise(member);
  }

  remove(member: T): void {
    const last = this.#members.pop() as T;
    if (last !== member) {
      this.#place(last, member.slot);
      this.moved(last);
    }
    member.slot = -1;
  }

  /** The rank of `member` is another one now. */
  moved(member: T): void {
    this.#rise(member);
    this.#sink(member);
  }

  #rise(member: T): void {
    while (member.slot > 0) {
      const parent = this.#members[(member.slot - 1) >> 1] as T;
      if (!this.#precedes(member, parent)) return;
      this.#swap(member, parent);
    }
  }

  #sink(member: T): void {
    for (;;) {
      const child = this.#lesserChild(member.slot);
      if (child === undefined || !this.#precedes(child, member)) return;
      this.#swap(child, member);
    }
  }

  #lesserChild(slot: number): T | undefined {
    const left = this.#members[2 * slot + 1];
    const right = this.#members[2 * slot + 2];
    if (left === undefined || right === undefined) return left;
    return this.#precedes(right, left) ? right : left;
  }

  #swap(a: T, b: T): void {
    const slot = a.slot;
    this.#place(a, b.slot);
    this.#place(b, slot);
  }

  #place(member: T, slot: number): void {
    this.#members[slot] = member;
    member.slot = slot;
  }
}
