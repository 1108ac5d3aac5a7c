import { describe, expect, it } from "vitest";
import { KvStore, type KvStoreConfig } from "../../src/engine/kv-store.ts";
import type { KvTier } from "../../src/engine/kv-tier.ts";
import type { Request } from "../../src/model/request.ts";
import { instant, NEVER, type SimTime, START } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { between, oneOf } from "./any.ts";
import { request } from "./drive.ts";

/** 1 GB/s is 1000 bytes a microsecond: a chunk of 100 000 bytes takes 100 us. */
const CHUNK = 100_000;
const plain: KvStoreConfig = { latencyMicros: 10, readGBs: 1, writeGBs: 1, replicaGBs: 1 };

/** Does what is due up to `until`. @returns who has got what, and when */
const drained = (store: KvStore, until: number = Number.MAX_VALUE): readonly string[] => {
  const seen: string[] = [];
  for (let { due } = store; due <= until; { due } = store) {
    for (const {
      replica,
      request: { id },
    } of store.advance(due))
      seen.push(`${replica} ${id} ${due}`);
  }
  return seen;
};

const of = (store: KvStore, replica: string, space = "model"): KvTier => store.tierOf(replica, space, CHUNK);
const at = (micros: number): SimTime => instant(micros);
const asked = (id: number): Request => request(id, 0, 16, 1);

const written = (config: Partial<KvStoreConfig>, names: readonly string[]): KvStore => {
  const store = new KvStore({ ...plain, ...config }, () => {});
  of(store, "a").store(names, START);
  drained(store);
  return store;
};

describe("a KV store", () => {
  it("has what was written once it is there, for all replicas of one model and layout", () => {
    const store = new KvStore(plain, () => {});
    expect(of(store, "a").store(["x", "y"], START)).toBe(2);
    expect(drained(store, 209)).toEqual([]);
    expect(of(store, "a").has("x", at(209))).toBe(false);
    drained(store, 210);
    expect(of(store, "b").has("x", at(210))).toBe(true);
    expect(of(store, "b", "other").has("x", at(210))).toBe(false);
  });

  it("is not written what it has, or is being written", () => {
    const store = new KvStore(plain, () => {});
    expect(of(store, "a").store(["x"], START)).toBe(1);
    expect(of(store, "b").store(["x", "y"], START)).toBe(1);
    expect(store.bytes).toBe(2 * CHUNK);
  });

  it.each<{ name: string; config: Partial<KvStoreConfig>; loads: [string, number, string[]][]; seen: string[] }>([
    { name: "reads for one alone", config: {}, loads: [["b", 1, ["x"]]], seen: ["b 1 1110"] },
    {
      name: "shares its bandwidth between replicas",
      config: {},
      loads: [
        ["b", 1, ["x"]],
        ["c", 2, ["x", "y"]],
      ],
      // Both flow from 1010 at half the speed; b is there at 1210, and what c lacks takes 100 us alone.
      seen: ["b 1 1210", "c 2 1310"],
    },
    {
      name: "serves one replica's transfers one after the other",
      config: {},
      loads: [
        ["b", 1, ["x"]],
        ["b", 2, ["x", "y"]],
      ],
      seen: ["b 1 1110", "b 2 1320"],
    },
    {
      name: "is not faster than a replica's link",
      config: { readGBs: 4, replicaGBs: 0.5 },
      loads: [
        ["b", 1, ["x"]],
        ["c", 2, ["x"]],
      ],
      seen: ["b 1 1210", "c 2 1210"],
    },
  ])("$name", ({ config, loads, seen }) => {
    const store = written(config, ["x", "y"]);
    for (const [replica, id, names] of loads) of(store, replica).load(asked(id), names, at(1000));
    expect(drained(store)).toEqual(seen);
  });

  it("evicts what was used longest ago, the end of a prompt before its beginning", () => {
    const store = written({ capacityBytes: 3 * CHUNK }, ["x", "y"]);
    of(store, "a").store(["z"], at(1000));
    drained(store);
    expect(of(store, "a").store(["w"], at(2000))).toBe(1);
    drained(store);
    expect(["x", "y", "z", "w"].map((name) => of(store, "b").has(name, at(3000)))).toEqual([true, false, true, true]);
  });

  it("evicts nothing that is read or written, and rather writes less", () => {
    const store = written({ capacityBytes: 2 * CHUNK }, ["x", "y"]);
    of(store, "b").load(asked(1), ["x"], at(1000));
    expect(of(store, "a").store(["z", "w"], at(1000))).toBe(1);
    expect(of(store, "b").has("x", at(1000))).toBe(true);
  });

  it("gives up what a lost replica was about to do, and others get its share", () => {
    const store = written({}, ["x", "y"]);
    of(store, "b").load(asked(1), ["x", "y"], at(1000));
    of(store, "c").load(asked(2), ["x"], at(1000));
    of(store, "b").store(["z"], at(1000));
    drained(store, 1060);
    store.lost("b", at(1060));
    // c has got 25 of 100 us' worth by then.
    expect(drained(store)).toEqual(["c 2 1135"]);
    expect(of(store, "a").has("z", at(2000))).toBe(false);
    expect(store.bytes).toBe(2 * CHUNK);
  });

  it("conserves: what begins ends, is given up or is under way, and what was written is there or evicted", () =>
    forAllSeeds(15, (rng) => {
      const capacity = between(rng, 1, 12);
      const config = {
        capacityBytes: capacity * CHUNK,
        latencyMicros: between(rng, 0, 300),
        readGBs: oneOf(rng, [0.3, 1, 4]),
        writeGBs: oneOf(rng, [0.3, 1, 4]),
        replicaGBs: oneOf(rng, [0.5, 2]),
      };
      const store = new KvStore(config, () => {});
      const wanted: string[] = [];
      const seen: string[] = [];
      let now = 0;
      for (let i = 0; i < 120; i += 1) {
        now += rng.below(400);
        seen.push(...drained(store, now));
        const replica = `r${rng.below(3)}`;
        const tier = of(store, replica);
        const names = Array.from({ length: between(rng, 1, 5) }, (_, k) => `${rng.below(4)}/${k}`);
        const found = names.filter((name) => tier.has(name, at(now)));
        if (rng.next() < 0.03) {
          store.lost(replica, at(now));
          wanted.splice(0, wanted.length, ...wanted.filter((one) => !one.startsWith(`${replica} `)));
          seen.splice(0, seen.length, ...seen.filter((one) => !one.startsWith(`${replica} `)));
        } else if (rng.next() < 0.5 && found.length > 0) {
          tier.load(asked(i), found, at(now));
          wanted.push(`${replica} ${i}`);
        } else tier.store(names, at(now));
        const { begun, done, givenUp, writtenBytes, evictedBytes } = store.tally;
        for (const way of ["read", "write"] as const) {
          expect(begun[way]).toBe(done[way] + givenUp[way] + store.underWay(way));
        }
        expect(store.bytes).toBe(writtenBytes - evictedBytes + CHUNK * store.underWay("write"));
        expect(store.bytes).toBeLessThanOrEqual(config.capacityBytes);
      }
      seen.push(...drained(store));
      const came = seen.map((one) => one.split(" ").slice(0, 2).join(" "));
      expect([...came].sort()).toEqual([...wanted].sort());
      expect([store.underWay("read"), store.underWay("write"), store.due]).toEqual([0, 0, NEVER]);
    }));
});
