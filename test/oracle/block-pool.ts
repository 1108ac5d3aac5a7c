import { invariant } from "../../src/sim/invariant.ts";

/** One block of KV memory. */
export interface Block {
  /** Sequences that hold it. */
  holders: number;
  name: string | undefined;
  /** Neighbours in the ring of free blocks. */
  before: Block;
  after: Block;
}

/**
 * KV blocks. Free ones stand in line, the next to be taken first; one with a name still serves hits until it is taken
 * (vllm/v1/core/block_pool.py).
 */
export class BlockPool {
  readonly size: number;
  /** BLIS remembers one block per name, the newest, and forgets the name with whichever goes first (D7). */
  readonly #newestOnly: boolean;
  /** vLLM takes blocks without a name first (D6). */
  readonly #namelessFirst: boolean;
  /** Stands between the end of the line and its head. */
  readonly #mark = loneBlock();
  readonly #byName = new Map<string, Block[]>();
  readonly #all: readonly Block[];
  #free: number;

  constructor(size: number, mode: "vllm" | "blis") {
    this.size = size;
    this.#free = size;
    this.#newestOnly = mode === "blis";
    this.#namelessFirst = mode === "vllm";
    this.#all = Array.from({ length: size }, loneBlock);
    for (const block of this.#all) insert(block, this.#mark.before);
  }

  get free(): number {
    return this.#free;
  }

  /** Of several blocks of that name, the one named first. */
  find(name: string): Block | undefined {
    return this.#byName.get(name)?.[0];
  }

  take(): Block {
    const block = this.#mark.after;
    invariant(block !== this.#mark, "a block is taken only where one is free");
    remove(block);
    this.#free -= 1;
    this.#forget(block);
    block.holders = 1;
    return block;
  }

  claim(block: Block): void {
    if (block.holders === 0) {
      remove(block);
      this.#free -= 1;
    }
    block.holders += 1;
  }

  release(block: Block): void {
    invariant(block.holders > 0, "a block is released as often as it was taken");
    block.holders -= 1;
    if (block.holders > 0) return;
    insert(block, this.#namelessFirst && block.name === undefined ? this.#mark : this.#mark.before);
    this.#free += 1;
  }

  name(block: Block, name: string): void {
    block.name = name;
    const others = this.#byName.get(name);
    if (others === undefined || this.#newestOnly) this.#byName.set(name, [block]);
    else others.push(block);
  }

  /** @param holders how often each block is held by a sequence @throws if that isn't what the pool knows */
  audit(holders: ReadonlyMap<Block, number>): void {
    let inLine = 0;
    for (let block = this.#mark.after; block !== this.#mark; block = block.after) {
      invariant(block.holders === 0, "a block that is held doesn't stand in line");
      inLine += 1;
    }
    for (const block of this.#all) {
      invariant(block.holders === (holders.get(block) ?? 0), "a block has as many holders as it knows of");
      inLine += block.holders > 0 ? 1 : 0;
    }
    invariant(inLine === this.size, "each block is held or stands in line");
    invariant(this.#free === this.size - holders.size, "as many are free as aren't held");
    for (const [name, blocks] of this.#byName) {
      invariant(this.#newestOnly || blocks.every((block) => block.name === name), "a block is found by its own name");
    }
  }

  #forget(block: Block): void {
    const { name } = block;
    if (name === undefined) return;
    block.name = undefined;
    const left = this.#newestOnly ? [] : (this.#byName.get(name) ?? []).filter((other) => other !== block);
    if (left.length > 0) this.#byName.set(name, left);
    else this.#byName.delete(name);
  }
}

const loneBlock = (): Block => {
  const block = { holders: 0, name: undefined } as Block;
  block.before = block;
  block.after = block;
  return block;
};

const insert = (block: Block, before: Block): void => {
  block.before = before;
  block.after = before.after;
  before.after.before = block;
  before.after = block;
};

const remove = (block: Block): void => {
  block.before.after = block.after;
  block.after.before = block.before;
};
