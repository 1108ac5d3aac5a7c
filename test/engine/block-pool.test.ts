import { describe, expect, it } from "vitest";
import { BlockPool, type BlockRun, KeptBlocks, type PoolOptions } from "../../src/engine/block-pool.ts";

const poolOf = (said: Partial<PoolOptions> = {}): BlockPool =>
  new BlockPool({ size: 4, groups: 1, duplicates: "both", keylessFirst: false, ...said });
/** Keys that can be found, after each block that is taken. */
const evicting = (pool: BlockPool, keys: readonly number[]): readonly (readonly number[])[] =>
  Array.from({ length: pool.free }, () => {
    pool.take(1);
    return keys.filter((key) => pool.find(0, key) !== undefined);
  });

describe("block pool", () => {
  it("uses up what was freed first", () => {
    const pool = poolOf();
    pool.take(4);
    const [a, b, c] = [1, 2, 3].map((key) => pool.name(0, key)) as [BlockRun, BlockRun, BlockRun];
    for (const block of [c, a, b]) pool.release(block);
    expect(evicting(pool, [1, 2, 3])).toEqual([[1, 2], [2], []]);
  });

  it("finds a free block by its key until it is taken again", () => {
    const pool = poolOf({ size: 1 });
    pool.take(1);
    const block = pool.name(0, 5);
    pool.release(block);
    expect([pool.find(0, 5), pool.free]).toEqual([block, 1]);
    pool.take(1);
    expect([pool.find(0, 5), pool.free]).toEqual([undefined, 0]);
  });

  it("a claimed block leaves the free list and needs as many releases as holders", () => {
    const pool = poolOf();
    pool.take(1);
    const block = pool.name(0, 5);
    pool.release(block);
    pool.claim(block);
    pool.claim(block);
    expect(pool.free).toBe(3);
    pool.release(block);
    expect(pool.free).toBe(3);
    pool.release(block);
    expect(pool.free).toBe(4);
    expect(() => pool.release(block)).toThrow(/released as often/);
  });

  it("of two blocks with one key finds the older, then the newer", () => {
    const pool = poolOf({ size: 2 });
    pool.take(2);
    const [a, b] = [pool.name(0, 5), pool.name(0, 5)];
    expect(pool.find(0, 5)).toBe(a);
    pool.release(a);
    pool.take(1);
    expect(pool.find(0, 5)).toBe(b);
  });

  it("or remembers only the newer, and forgets both when either is taken", () => {
    const pool = poolOf({ size: 2, duplicates: "newest" });
    pool.take(2);
    const [a, b] = [pool.name(0, 5), pool.name(0, 5)];
    expect(pool.find(0, 5)).toBe(b);
    pool.release(a);
    pool.take(1);
    expect(pool.find(0, 5)).toBeUndefined();
  });

  it.each([
    { name: "first, where told so", keylessFirst: true, found: [[1], [], []] },
    { name: "in their turn otherwise", keylessFirst: false, found: [[1], [1], []] },
  ])("uses up blocks without a key $name", ({ keylessFirst, found }) => {
    const pool = poolOf({ size: 3, keylessFirst });
    pool.take(3);
    const block = pool.name(0, 1);
    if (keylessFirst) {
      pool.release(block);
      pool.giveBack(1);
      pool.giveBackUnsought(1);
    } else {
      pool.giveBack(2);
      pool.release(block);
    }
    expect(evicting(pool, [1])).toEqual(found);
  });

  it("keeps the groups of layers apart", () => {
    const pool = poolOf({ groups: 2 });
    pool.take(1);
    const block = pool.name(1, 5);
    expect([pool.find(0, 5), pool.find(1, 5)]).toEqual([undefined, block]);
  });

  it("a sequence's own blocks go from their end, and can be claimed back in parts", () => {
    const pool = poolOf({ size: 10 });
    const own = new KeptBlocks();
    pool.take(10);
    pool.giveBackOwn(own, 0, 6);
    expect(pool.chainEnd(own, 0, 6)).toBe(6);
    pool.take(1);
    expect([pool.chainEnd(own, 0, 6), pool.free]).toEqual([5, 5]);
    pool.claimOwn(own, 1, 3);
    expect([pool.chainEnd(own, 0, 6), pool.chainEnd(own, 1, 6), pool.chainEnd(own, 3, 6), pool.free]).toEqual([
      1, 1, 5, 3,
    ]);
    pool.take(2);
    expect([pool.chainEnd(own, 0, 6), pool.chainEnd(own, 3, 6), pool.free]).toEqual([1, 3, 1]);
    pool.take(1);
    expect([own.runs, pool.free]).toEqual([[], 0]);
  });

  it("of a sequence's own duplicates claims the older", () => {
    const pool = poolOf({ size: 6 });
    const own = new KeptBlocks();
    pool.take(6);
    pool.giveBackOwn(own, 2, 1);
    pool.giveBackOwn(own, 0, 4);
    pool.claimOwn(own, 0, 4);
    expect([own.runs.map(({ from, count }) => [from, count]), pool.free]).toEqual([[[2, 1]], 1]);
  });

  it("or the newer, and forgets what has the key of an evicted one", () => {
    const pool = poolOf({ size: 6, duplicates: "newest" });
    const own = new KeptBlocks();
    pool.take(6);
    pool.giveBackOwn(own, 2, 1);
    pool.giveBackOwn(own, 0, 4);
    expect(pool.chainEnd(own, 0, 4)).toBe(4);
    pool.take(1);
    expect(own.runs.map(({ from, count }) => [from, count])).toEqual([[0, 4]]);
    expect([pool.chainEnd(own, 0, 4), pool.chainEnd(own, 3, 4)]).toEqual([2, 4]);
  });

  it("never gives more than it has", () => {
    const pool = poolOf({ size: 1 });
    pool.take(1);
    expect(() => pool.take(1)).toThrow(/so many are free/);
  });
});
