import { describe, expect, it } from "vitest";
import { ProcessorSharing } from "../../src/sim/processor-sharing.ts";
import { instant, NEVER, type SimTime, START } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const at = (seconds: number): SimTime => instant(Math.round(seconds * 1e6));

interface Asked {
  readonly id: string;
  readonly from: number;
  readonly amount: number;
  readonly most?: number;
}

/** @returns when each flow ends, in seconds */
const ends = (perSecond: number, asked: readonly Asked[]): Record<string, number> => {
  const link = new ProcessorSharing<string>(perSecond, START);
  const found: Record<string, number> = {};
  const left = [...asked].sort((a, b) => a.from - b.from);
  for (;;) {
    const next = left[0];
    const due = link.due;
    if (next === undefined && due === NEVER) return found;
    if (next !== undefined && at(next.from) < due) {
      left.shift();
      link.start(next.id, next.amount, next.most ?? perSecond, at(next.from));
      continue;
    }
    for (const id of link.advance(due)) found[id] = due / 1e6;
  }
};

describe("ProcessorSharing", () => {
  it.each<{ name: string; perSecond: number; asked: Asked[]; end: Record<string, number> }>([
    { name: "one alone", perSecond: 10, asked: [{ id: "a", from: 1, amount: 100 }], end: { a: 11 } },
    {
      name: "two together take twice as long",
      perSecond: 10,
      asked: [
        { id: "a", from: 0, amount: 100 },
        { id: "b", from: 0, amount: 100 },
      ],
      end: { a: 20, b: 20 },
    },
    {
      name: "the second slows the first from its start on",
      perSecond: 10,
      asked: [
        { id: "a", from: 0, amount: 100 },
        { id: "b", from: 5, amount: 100 },
      ],
      end: { a: 15, b: 20 },
    },
    {
      name: "a bound of its own leaves the rest to others",
      perSecond: 10,
      asked: [
        { id: "slow", from: 0, amount: 20, most: 2 },
        { id: "fast", from: 0, amount: 80 },
      ],
      end: { slow: 10, fast: 10 },
    },
    {
      name: "without a capacity each goes by its own bound",
      perSecond: Number.POSITIVE_INFINITY,
      asked: [
        { id: "a", from: 0, amount: 20, most: 2 },
        { id: "b", from: 0, amount: 80, most: 4 },
      ],
      end: { a: 10, b: 20 },
    },
  ])("$name", ({ perSecond, asked, end }) => expect(ends(perSecond, asked)).toEqual(end));

  it("gives what one gives up to the others", () => {
    const link = new ProcessorSharing<string>(10, START);
    link.start("a", 100, 10, at(0));
    link.start("b", 100, 10, at(0));
    link.cancel("b", at(4));
    expect(link.due).toBe(at(12));
    expect(link.advance(at(12))).toEqual(["a"]);
    expect(link.active).toBe(0);
  });

  it("carries no more than its capacity, no flow faster than its bound, and idles for nobody", () =>
    forAllSeeds(150, (rng) => {
      const asked = Array.from({ length: 1 + rng.below(12) }, (_, i) => ({
        id: `f${i}`,
        from: rng.below(50),
        amount: 1 + rng.below(500),
        most: 1 + rng.below(12),
      }));
      const end = ends(10, asked);
      expect(Object.keys(end).sort()).toEqual(asked.map(({ id }) => id).sort());
      for (const { id, from, amount, most } of asked) {
        const alone = amount / Math.min(most, 10);
        expect((end[id] as number) - from).toBeGreaterThanOrEqual(alone - 1e-5);
      }
      const total = asked.reduce((sum, { amount }) => sum + amount, 0);
      const first = Math.min(...asked.map(({ from }) => from));
      expect(Math.max(...Object.values(end)) - first).toBeGreaterThanOrEqual(total / 10 - 1e-4);
    }));
});
