import { describe, expect, it } from "vitest";
import { Histogram } from "../../../src/model/metric-family.ts";
import { logNormal, standardNormal } from "../../../src/sim/draw.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { type LengthHistogram, LengthTable, pooled } from "../../../src/workload/observed/index.ts";
import { distance } from "../../distribution-distance.ts";

/** vLLM's for a model of 8192 tokens (build_1_2_5_buckets). */
const BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

const counted = (lengths: readonly number[], bounds = BOUNDS): LengthHistogram => {
  const histogram = new Histogram(bounds);
  for (const length of lengths) histogram.observe(length);
  const { counts, sum } = histogram.value();
  return { bounds, counts, sum };
};
const evenly = (histogram: LengthHistogram, count = 20_000): number[] => {
  const table = new LengthTable(histogram);
  return Array.from({ length: count }, (_, i) => table.at((i + 0.5) / count));
};
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const rng = rngOf(5).stream("lengths");
const whole = (value: number): number => Math.max(1, Math.round(value));
const draws = (draw: () => number): number[] => Array.from({ length: 20_000 }, () => whole(draw()));
const DISTRIBUTIONS: [string, number, number[]][] = [
  ["log-normal, short", 0.03, draws(() => logNormal(rng, 4, 0.8))],
  ["log-normal, long", 0.03, draws(() => Math.min(5000, logNormal(rng, 6.5, 1)))],
  ["normal", 0.035, draws(() => 700 + 180 * standardNormal(rng))],
  ["exponential", 0.03, draws(() => Math.min(5000, -300 * Math.log(1 - rng.next())))],
  ["uniform", 0.1, draws(() => 30 + 700 * rng.next())],
];

describe("LengthTable", () => {
  it.each(DISTRIBUTIONS)(
    "recovers a %s distribution from its buckets within %d, and its mean",
    (_name, most, lengths) => {
      const drawn = evenly(counted(lengths));
      expect(distance(lengths, drawn)).toBeLessThan(most);
      expect(Math.abs(mean(drawn) / mean(lengths) - 1)).toBeLessThan(0.01);
    },
  );

  it("keeps to the buckets, and to the mean, of one length alone", () => {
    const drawn = evenly(counted(new Array(500).fill(128)));
    expect([Math.min(...drawn) > 100, Math.max(...drawn) <= 200]).toEqual([true, true]);
    expect(mean(drawn)).toBeCloseTo(128, 0);
  });

  it("goes by the buckets alone where there is no sum", () => {
    const lengths = DISTRIBUTIONS[0]?.[2] as number[];
    const drawn = evenly({ ...counted(lengths), sum: undefined });
    expect(distance(lengths, drawn)).toBeLessThan(0.05);
  });

  it("gives lengths beyond the last bound the mean that the sum leaves them", () => {
    const drawn = evenly(counted([...new Array(50).fill(10), ...new Array(50).fill(9000)]));
    expect(mean(drawn.filter((length) => length > 5000))).toBeGreaterThan(8500);
    expect(mean(drawn.filter((length) => length > 5000))).toBeLessThan(9500);
  });
});

describe("pooled", () => {
  it("uses the bounds that all have, and loses no length", () => {
    const lengths = DISTRIBUTIONS[1]?.[2] as number[];
    const [one, other] = [counted(lengths), counted(lengths, [2, 10, 64, 100, 1000, 4096])];
    const both = pooled([one, other]);
    expect(both?.bounds).toEqual([2, 10, 100, 1000]);
    expect(both?.counts.reduce((sum, count) => sum + count, 0)).toBe(2 * lengths.length);
    const upTo1000 = lengths.filter((length) => length <= 1000).length;
    expect(both?.counts.slice(0, 4).reduce((sum, count) => sum + count, 0)).toBe(2 * upTo1000);
  });
});
