import { describe, expect, it } from "vitest";
import { hash32, type Rng, rngOf } from "../../src/sim/rng.ts";

const take = (rng: Rng, count: number): number[] => Array.from({ length: count }, () => rng.next());

/** Chi-square of counts against equal chances. */
const chiSquare = (counts: readonly number[], total: number): number => {
  const expected = total / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
};

describe("rngOf", () => {
  it("tells the numbers it has always told", () => {
    expect(take(rngOf(1).stream("workload/chat/arrivals"), 4)).toEqual([
      0.6168356044192587, 0.7223019904612726, 0.5312407297625632, 0.630707839038212,
    ]);
    const far = rngOf(2 ** 40 + 7).stream("x");
    expect(Array.from({ length: 4 }, () => far.below(1000))).toEqual([571, 959, 506, 489]);
  });

  it("gives a stream the same numbers whoever drew before", () => {
    const alone = take(rngOf(7).stream("a"), 50);
    const streams = rngOf(7);
    const [a, b] = [streams.stream("a"), streams.stream("b")];
    const mixed = alone.map(() => {
      b.next();
      return a.next();
    });
    expect(mixed).toEqual(alone);
  });

  it.each([
    { name: "names", one: rngOf(7).stream("a"), other: rngOf(7).stream("b") },
    { name: "seeds", one: rngOf(7).stream("a"), other: rngOf(8).stream("a") },
    { name: "upper halves of seeds", one: rngOf(7).stream("a"), other: rngOf(7 + 2 ** 32).stream("a") },
  ])("uncorrelated streams for different $name", ({ one, other }) => {
    const count = 20_000;
    let sum = 0;
    for (let i = 0; i < count; i += 1) sum += (one.next() - 0.5) * (other.next() - 0.5);
    // Each product has variance 1/144: five deviations of the correlation are 5 / sqrt(count).
    expect(Math.abs((sum / count) * 12)).toBeLessThan(5 / Math.sqrt(count));
  });

  it("is uniform: single draws, pairs of neighbours and low bits", () => {
    const rng = rngOf(3).stream("uniform");
    const [singles, pairs, low] = [new Array(100).fill(0), new Array(100).fill(0), new Array(128).fill(0)];
    const count = 200_000;
    let [before, outside] = [rng.next(), 0];
    for (let i = 0; i < count; i += 1) {
      const draw = rng.next();
      if (!(draw >= 0 && draw < 1)) outside += 1;
      singles[Math.floor(draw * 100)] += 1;
      pairs[Math.floor(before * 10) * 10 + Math.floor(draw * 10)] += 1;
      low[(draw * 2 ** 53) % 128] += 1;
      before = draw;
    }
    expect(outside).toBe(0);
    // 99 and 127 degrees of freedom: the mean plus five deviations is 99 + 5 sqrt(198) = 169 and 127 + 5 sqrt(254) = 207.
    expect(chiSquare(singles, count)).toBeLessThan(169);
    expect(chiSquare(pairs, count)).toBeLessThan(169);
    expect(chiSquare(low, count)).toBeLessThan(207);
  });

  it("draws whole numbers below a bound, all of them", () => {
    const rng = rngOf(4).stream("below");
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 7000; i += 1) counts[rng.below(7)] += 1;
    expect(counts).toHaveLength(7);
    expect(chiSquare(counts, 7000)).toBeLessThan(6 + 5 * Math.sqrt(12));
  });
});

describe("hash32", () => {
  it("tells what it has always told", () => {
    expect([hash32("servetwin"), hash32("")]).toEqual([2561547676, 2872998923]);
  });

  it("spreads names that differ in a digit", () => {
    const hashes = Array.from({ length: 10_000 }, (_, i) => hash32(`pod-${i}`));
    expect(new Set(hashes).size).toBeGreaterThan(9_995);
    const counts = new Array(100).fill(0);
    for (const hash of hashes) counts[hash % 100] += 1;
    expect(chiSquare(counts, 10_000)).toBeLessThan(169);
  });
});
