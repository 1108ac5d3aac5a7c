import { describe, expect, it } from "vitest";
import { BlockPool, type PoolOptions } from "../../src/engine/block-pool.ts";

const poolOf = (said: Partial<PoolOptions> = {}): BlockPool =>
  new BlockPool({ size: 4, duplicates: "both", keylessFirst: false, ...said });
const takeAll = (pool: BlockPool): readonly number[] => Array.from({ length: pool.free }, () => pool.take());

describe("block pool", () => {
  it("gives the block that was freed first", () => {
    const pool = poolOf();
    const [a, b, c, d] = takeAll(pool) as [number, number, number, number];
    for (const block of [c, a, d, b]) pool.release(block);
    expect(takeAll(pool)).toEqual([c, a, d, b]);
  });

  it("finds a free block by its key until it is taken again", () => {
    const pool = poolOf({ size: 1 });
    const block = pool.take();
    pool.name(block, -5);
    pool.release(block);
    expect([pool.find(-5), pool.free, pool.isFree(block)]).toEqual([block, 1, true]);
    pool.take();
    expect([pool.find(-5), pool.keyOf(block)]).toEqual([undefined, 0]);
  });

  it("a claimed block leaves the free list and needs as many releases as holders", () => {
    const pool = poolOf();
    const block = pool.take();
    pool.name(block, -5);
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
    const [a, b] = takeAll(pool) as [number, number];
    pool.name(a, -5);
    pool.name(b, -5);
    expect(pool.find(-5)).toBe(a);
    pool.release(a);
    pool.take();
    expect(pool.find(-5)).toBe(b);
  });

  it("or remembers only the newer, and forgets both when either is taken", () => {
    const pool = poolOf({ size: 2, duplicates: "newest" });
    const [a, b] = takeAll(pool) as [number, number];
    pool.name(a, -5);
    pool.name(b, -5);
    expect(pool.find(-5)).toBe(b);
    pool.release(a);
    pool.take();
    expect(pool.find(-5)).toBeUndefined();
  });

  it("uses up blocks without a key first, where told so", () => {
    const pool = poolOf({ keylessFirst: true });
    const [a, b, c] = takeAll(pool) as [number, number, number];
    pool.name(a, -1);
    pool.name(b, 7);
    for (const block of [a, b, c]) pool.release(block);
    expect(takeAll(pool)).toEqual([c, a, b]);
  });

  it("never gives more than it has", () => {
    const pool = poolOf({ size: 1 });
    pool.take();
    expect(() => pool.take()).toThrow(/one is free/);
  });
});
