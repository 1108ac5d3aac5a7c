import { describe, expect, it } from "vitest";
import { FedIndex } from "../../src/dataplane/fed-index.ts";
import { KvEventIndex } from "../../src/dataplane/kv-event-index.ts";
import { type PrefixKeys, prefixKeys } from "../../src/model/prefix-keys.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { endpointOf } from "./any.ts";

/** Of each law; more by `SEEDS=200`. */
const SEEDS = Number(process.env.SEEDS ?? 4);
const ENDPOINTS = 6;
const BLOCKS = 12;
const common = { id: 0, arrival: instant(0), promptTokens: 16 * BLOCKS };
const ids = (...some: number[]) => ({ kind: "blocks" as const, ids: some, blockTokens: 64 });
const heads = [
  { ...common, prefix: { kind: "group" as const, key: "a", tokens: 16 * BLOCKS } },
  { ...common, prefix: ids(1, 2, 3) },
  { ...common, prefix: ids(1, 2, 4) },
];
const all: readonly PrefixKeys[] = heads.map((head) => prefixKeys(head, 16));

/** Some blocks of one strand. */
const anyBlocks = (rng: Rng) => {
  const keys = all[rng.below(all.length)] as PrefixKeys;
  const from = rng.below(BLOCKS);
  const to = from + 1 + rng.below(keys.strandEnd(from) - from);
  const names = Array.from({ length: to - from }, (_, at) => String(keys.at(from + at)));
  return { strand: keys.strandOf(from), from, to, names };
};
const leadingOf = (keys: PrefixKeys, holds: (name: string) => boolean): number => {
  let at = 0;
  while (at < BLOCKS && holds(String(keys.at(at)))) at += 1;
  return at;
};

describe("indices that KV events feed", () => {
  it("know the latest holders as lists of entries per block do", () =>
    forAllSeeds(SEEDS, (rng) => {
      const most = 1 + rng.below(4);
      const index = new KvEventIndex(most);
      const plain = new Map<string, string[]>();
      const drop = (name: string, entry: string): void => {
        const left = (plain.get(name) ?? []).filter((other) => other !== entry);
        plain.set(name, left);
      };
      for (let step = 0; step < 300; step += 1) {
        const { strand, from, to, names } = anyBlocks(rng);
        const [what, slot, speculative] = [rng.below(30), rng.below(ENDPOINTS), rng.below(3) === 0];
        const entry = `${slot} ${speculative}`;
        if (what === 0) {
          index.clear(slot);
          for (const name of plain.keys()) for (const kind of [true, false]) drop(name, `${slot} ${kind}`);
        } else if (what < 12) {
          index.drop(strand, from, to, slot, speculative);
          for (const name of names) drop(name, entry);
        } else {
          index.hold(strand, from, to, slot, speculative);
          for (const name of names) {
            drop(name, entry);
            plain.set(name, [...(plain.get(name) ?? []), entry].slice(-most));
          }
        }
        const counts = new Int32Array(ENDPOINTS);
        for (const keys of all) {
          index.countLeading(keys, BLOCKS, counts);
          for (let at = 0; at < ENDPOINTS; at += 1) {
            const holds = (name: string) => (plain.get(name) ?? []).some((one) => one.startsWith(`${at} `));
            expect(counts[at]).toBe(leadingOf(keys, holds));
          }
        }
        expect(index.isEmpty).toBe([...plain.values()].every((entries) => entries.length === 0));
      }
    }));

  it("know all holders, and how many blocks each has, as sets of blocks do", () =>
    forAllSeeds(SEEDS, (rng) => {
      const index = new FedIndex(16);
      const endpoints = Array.from({ length: ENDPOINTS }, (_, at) => endpointOf(`pod-${at}`));
      const plain = endpoints.map(() => new Set<string>());
      for (let step = 0; step < 300; step += 1) {
        const { strand, from, to, names } = anyBlocks(rng);
        const [what, at] = [rng.below(30), rng.below(ENDPOINTS)];
        const [endpoint, held] = [`pod-${at}`, plain[at] as Set<string>];
        if (what === 0) {
          if (rng.below(2) === 0) index.observe({ kind: "cleared", endpoint });
          else index.left(endpoint);
          held.clear();
        } else if (what < 12) {
          index.observe({ kind: "removed", endpoint, strand, from, to });
          for (const name of names) held.delete(name);
        } else {
          index.observe({ kind: "stored", endpoint, strand, from, to });
          for (const name of names) held.add(name);
        }
        for (const [place, head] of heads.entries()) {
          index.look(head, endpoints);
          const leading = plain.map((blocks) => leadingOf(all[place] as PrefixKeys, (name) => blocks.has(name)));
          expect([...index.matched.subarray(0, ENDPOINTS)]).toEqual(leading);
        }
        expect(endpoints.map(({ name }) => index.sizeOf(name))).toEqual(plain.map(({ size }) => size));
      }
    }));
});
