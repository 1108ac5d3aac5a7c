import { describe, expect, it } from "vitest";
import { Holders } from "../../src/dataplane/holders.ts";
import { RecentBlocks } from "../../src/dataplane/recent-blocks.ts";
import { RunIndex } from "../../src/dataplane/run-index.ts";
import { prefixKeys } from "../../src/model/prefix-keys.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { anyHead } from "./any.ts";

/** Of each law; more by `SEEDS=200`. */
const SEEDS = Number(process.env.SEEDS ?? 4);
const ENDPOINTS = 5;
const BLOCK = 64;
/** Slots are positions. */
const POSITIONS = Int32Array.from({ length: ENDPOINTS }, (_, slot) => slot);

describe("recently sent blocks", () => {
  it("are those of a list with an entry per block", () =>
    forAllSeeds(SEEDS, (rng) => {
      const capacity = 20 + rng.below(300);
      const index = new RunIndex();
      const holders = new Holders();
      const recent = Array.from({ length: ENDPOINTS }, (_, slot) => new RecentBlocks(index, slot, capacity));
      /** Per endpoint, least recent first. */
      const plain = Array.from({ length: ENDPOINTS }, (): string[] => []);
      let nameless = 0;
      for (let id = 0; id < 150; id += 1) {
        const head = anyHead(rng, id);
        const keys = prefixKeys(head, BLOCK);
        const total = Math.ceil(head.promptTokens / BLOCK);
        const named = Math.min(Math.floor(head.promptTokens / BLOCK), keys.limit);
        const names = Array.from({ length: named }, (_, at) => String(keys.at(at)));

        const leading = new Int32Array(ENDPOINTS);
        holders.clear(ENDPOINTS);
        index.countHeld(keys, named, POSITIONS, holders);
        index.countLeading(keys, named, leading);
        const gap = names.findIndex((name) => !plain.some((blocks) => blocks.includes(name)));
        const heldBySome = gap < 0 ? names : names.slice(0, gap);
        for (const [slot, blocks] of plain.entries()) {
          const held = heldBySome.filter((name) => blocks.includes(name)).length;
          expect(holders.matched[slot]).toBe(held);
          expect([...holders.list.subarray(0, holders.count)].includes(slot)).toBe(held > 0);
          const missing = names.findIndex((name) => !blocks.includes(name));
          expect(leading[slot]).toBe(missing < 0 ? named : missing);
        }

        const slot = rng.below(ENDPOINTS);
        if (rng.below(20) === 0) {
          recent[slot]?.clear();
          plain[slot] = [];
          continue;
        }
        recent[slot]?.send(keys, named, total);
        for (let at = named; at < total; at += 1) names.push(`nameless ${nameless++}`);
        const others = (plain[slot] as string[]).filter((name) => !names.includes(name));
        plain[slot] = [...others, ...names].slice(-capacity);
        expect(recent[slot]?.size).toBe(plain[slot].length);
      }
    }));
});
