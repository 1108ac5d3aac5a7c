import { describe, expect, it } from "vitest";
import { BlockPool, type PoolOptions } from "../../src/engine/block-pool.ts";
import { type BlockRun, KeptBlocks } from "../../src/engine/block-run.ts";
import { type PrefixKeys, prefixKeys } from "../../src/model/prefix-keys.ts";
import { instant } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { type Block, BlockPool as PlainPool } from "../oracle/block-pool.ts";

/** Of each law; more by `SEEDS=200`. */
const SEEDS = Number(process.env.SEEDS ?? 4);

const poolOf = (said: Partial<PoolOptions> = {}): BlockPool =>
  new BlockPool({ size: 4, groups: 1, duplicates: "both", keylessFirst: false, ...said });
/** Keys of blocks of one token. */
const prefix = (key: string, tokens: number): PrefixKeys =>
  prefixKeys({ id: 0, arrival: instant(0), promptTokens: tokens, prefix: { kind: "group", key, tokens } }, 1);
const nameOne = (pool: BlockPool, key: string, group = 0): BlockRun[] => {
  const held: BlockRun[] = [];
  pool.name(group, prefix(key, 1), 0, 1, held);
  return held;
};
const release = (pool: BlockPool, held: BlockRun[]): void => void pool.release(held, 1, 1);
const isFound = (pool: BlockPool, key: string, group = 0): boolean => pool.reach(group, prefix(key, 1), 0, 1) === 1;
/** Keys that can be found, after each block that is taken. */
const evicting = (pool: BlockPool, keys: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: pool.free }, () => {
    pool.take(1);
    return keys.filter((key) => isFound(pool, key));
  });

describe("block pool", () => {
  it("uses up what was freed first", () => {
    const pool = poolOf();
    pool.take(4);
    const [a, b, c] = ["a", "b", "c"].map((key) => nameOne(pool, key)) as [BlockRun[], BlockRun[], BlockRun[]];
    for (const block of [c, a, b]) release(pool, block);
    expect(evicting(pool, ["a", "b", "c"])).toEqual([["a", "b"], ["b"], []]);
  });

  it("finds a free block by its key until it is taken again", () => {
    const pool = poolOf({ size: 1 });
    pool.take(1);
    release(pool, nameOne(pool, "a"));
    expect([isFound(pool, "a"), pool.free]).toEqual([true, 1]);
    pool.take(1);
    expect([isFound(pool, "a"), pool.free]).toEqual([false, 0]);
  });

  it("a claimed block leaves the free list and needs as many releases as holders", () => {
    const pool = poolOf();
    pool.take(1);
    release(pool, nameOne(pool, "a"));
    const [one, other]: [BlockRun[], BlockRun[]] = [[], []];
    pool.claim(0, prefix("a", 1), 0, 1, one);
    pool.claim(0, prefix("a", 1), 0, 1, other);
    expect(pool.free).toBe(3);
    release(pool, one);
    expect(pool.free).toBe(3);
    release(pool, other);
    expect(pool.free).toBe(4);
    expect(() => release(pool, other)).toThrow(/released as often/);
  });

  it("of two blocks with one key finds the older, then the newer", () => {
    const pool = poolOf({ size: 2 });
    pool.take(2);
    const [older, newer] = [nameOne(pool, "a"), nameOne(pool, "a")];
    release(pool, older);
    expect(pool.freeAmong(0, prefix("a", 1), 0, 1)).toBe(1);
    pool.take(1);
    expect([isFound(pool, "a"), pool.freeAmong(0, prefix("a", 1), 0, 1)]).toEqual([true, 0]);
    release(pool, newer);
    pool.take(1);
    expect(isFound(pool, "a")).toBe(false);
  });

  it("or remembers only the newer, and forgets both when either is taken", () => {
    const pool = poolOf({ size: 2, duplicates: "newest" });
    pool.take(2);
    const older = nameOne(pool, "a");
    nameOne(pool, "a");
    expect(pool.freeAmong(0, prefix("a", 1), 0, 1)).toBe(0);
    release(pool, older);
    expect(pool.freeAmong(0, prefix("a", 1), 0, 1)).toBe(0);
    pool.take(1);
    expect(isFound(pool, "a")).toBe(false);
  });

  it.each([
    { name: "first, where told so", keylessFirst: true, found: [["a"], [], []] },
    { name: "in their turn otherwise", keylessFirst: false, found: [["a"], ["a"], []] },
  ])("uses up blocks without a key $name", ({ keylessFirst, found }) => {
    const pool = poolOf({ size: 3, keylessFirst });
    pool.take(3);
    const block = nameOne(pool, "a");
    if (keylessFirst) {
      release(pool, block);
      pool.giveBack(1);
      pool.giveBackUnsought(1);
    } else {
      pool.giveBack(2);
      release(pool, block);
    }
    expect(evicting(pool, ["a"])).toEqual(found);
  });

  it("keeps the groups of layers apart", () => {
    const pool = poolOf({ groups: 2 });
    pool.take(1);
    nameOne(pool, "a", 1);
    expect([isFound(pool, "a"), isFound(pool, "a", 1)]).toEqual([false, true]);
  });

  it("a prefix that came in parts and goes at once is one run again, used up from its end", () => {
    const pool = poolOf({ size: 8 });
    const keys = prefix("a", 8);
    pool.take(8);
    const [one, other]: [BlockRun[], BlockRun[]] = [[], []];
    pool.name(0, keys, 0, 5, one);
    pool.claim(0, keys, 0, 3, other);
    pool.name(0, keys, 5, 8, one);
    expect(pool.release(other, 3, 3)).toEqual([]);
    expect([pool.free, pool.freeAmong(0, keys, 0, 8)]).toEqual([0, 0]);
    expect(pool.release(one, 2, 8).map(({ from, end }) => [from, end])).toEqual([
      [2, 3],
      [3, 5],
      [5, 8],
    ]);
    expect([pool.free, pool.reach(0, keys, 0, 8)]).toEqual([2, 8]);
    pool.take(1);
    expect([pool.reach(0, keys, 0, 8), pool.reach(0, keys, 2, 8)]).toEqual([1, 8]);
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

/** A sequence that holds its blocks `first` to `blocks`, of which those before `keyed` have their keys. */
interface Holder {
  readonly keys: PrefixKeys;
  readonly blocks: number;
  readonly plain: Block[];
  held: BlockRun[];
  first: number;
  keyed: number;
}

describe.each(["vllm", "blis"] as const)("block pool as one with a record per block, %s", (mode) => {
  const SIZE = 40;
  const LONGEST = 12;
  const common = { id: 0, arrival: instant(0), promptTokens: 2 * LONGEST };
  const ids = (...some: number[]) => ({ kind: "blocks" as const, ids: some, blockTokens: 4 });
  /** Of blocks of two tokens. */
  const all: readonly PrefixKeys[] = [
    prefixKeys({ ...common, prefix: { kind: "group", key: "a", tokens: 2 * LONGEST } }, 2),
    prefixKeys({ ...common, prefix: { kind: "group", key: "b", tokens: 2 * LONGEST } }, 2),
    prefixKeys({ ...common, prefix: ids(1, 2, 3, 4, 5, 6) }, 2),
    prefixKeys({ ...common, prefix: ids(1, 2, 3, 7, 8, 9) }, 2),
    prefixKeys({ ...common, prefix: { kind: "group", key: "a", tokens: 8 }, conversation: "talk" }, 2),
  ];

  it("finds, frees and uses up the same blocks, and tells of each that comes and goes", () =>
    forAllSeeds(SEEDS, (rng) => {
      const told = new Set<string>();
      const events: PoolOptions["events"] = (kind, strand, from, to) => {
        for (let at = from; at < to; at += 1) {
          if (kind === "stored") told.add(`${strand} ${at}`);
          else told.delete(`${strand} ${at}`);
        }
      };
      const duplicates = mode === "blis" ? "newest" : "both";
      const pool = poolOf({ size: SIZE, duplicates, keylessFirst: mode === "vllm", events });
      const plain = new PlainPool(SIZE, mode);
      const holders: Holder[] = [];

      const admit = (): void => {
        const keys = all[rng.below(all.length)] as PrefixKeys;
        const blocks = 1 + rng.below(LONGEST);
        const hits = rng.below(8) === 0 ? 0 : pool.reach(0, keys, 0, blocks);
        if (blocks - hits + pool.freeAmong(0, keys, 0, hits) > pool.free) return;
        const holder: Holder = { keys, blocks, plain: [], held: [], first: 0, keyed: hits };
        for (let at = 0; at < hits; at += 1) {
          const block = plain.find(String(keys.at(at))) as Block;
          plain.claim(block);
          holder.plain[at] = block;
        }
        pool.claim(0, keys, 0, hits, holder.held);
        pool.take(blocks - hits);
        for (let at = hits; at < blocks; at += 1) holder.plain[at] = plain.take();
        holders.push(holder);
      };
      const name = (holder: Holder): void => {
        const to = holder.keyed + rng.below(holder.blocks - holder.keyed + 1);
        const from = Math.max(holder.first, holder.keyed);
        pool.name(0, holder.keys, from, to, holder.held);
        for (let at = from; at < to; at += 1) plain.name(holder.plain[at] as Block, String(holder.keys.at(at)));
        holder.keyed = to;
      };
      const slide = (holder: Holder, to: number): void => {
        holder.held = pool.release(holder.held, to, holder.keyed);
        for (let at = to - 1; at >= holder.first; at -= 1) plain.release(holder.plain[at] as Block);
        holder.first = Math.max(holder.first, to);
      };
      const end = (holder: Holder): void => {
        holders.splice(holders.indexOf(holder), 1);
        pool.giveBack(holder.blocks - holder.keyed);
        for (let at = holder.blocks - 1; at >= holder.keyed; at -= 1) plain.release(holder.plain[at] as Block);
        slide(holder, holder.keyed);
      };

      for (let step = 0; step < 400; step += 1) {
        const [what, holder] = [rng.below(6), holders[rng.below(Math.max(1, holders.length))]];
        if (what < 2 || holder === undefined) admit();
        else if (what < 4) name(holder);
        else if (what === 4) slide(holder, holder.first + rng.below(holder.keyed - holder.first + 1));
        else end(holder);
        expect(pool.free).toBe(plain.free);
        const found = new Set<string>();
        for (const keys of all) {
          for (let at = 0; at < LONGEST; at += 1) {
            const block = plain.find(String(keys.at(at)));
            const isThere = pool.reach(0, keys, at, at + 1) > at;
            if (isThere !== (block !== undefined)) expect.fail(`step ${step}: block ${at} is there: ${isThere}`);
            if (block !== undefined) found.add(`${keys.strandOf(at)} ${at}`);
            if (isThere) expect(pool.freeAmong(0, keys, at, at + 1)).toBe(block?.holders === 0 ? 1 : 0);
          }
        }
        expect(told).toEqual(found);
      }
    }));
});
