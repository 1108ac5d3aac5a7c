import fc from "fast-check";
import { expect, test } from "vitest";
import { GapTally, ITL_BOUNDS } from "../../src/engine/gap-tally.ts";
import { fineSecondsBounds } from "../../src/model/fine-bounds.ts";

/** Lengths in microseconds around every bound, and where one way of seeking gives way to the other. */
const LENGTHS = [
  ...[...ITL_BOUNDS, ...fineSecondsBounds].flatMap((bound) => {
    const nearest = Math.round(bound * 1e6);
    return [nearest - 1, nearest, nearest + 1];
  }),
  ...[0, 1, 2 ** 17 - 1, 2 ** 17, 2 ** 17 + 1, 2 ** 31, 2 ** 32 + 1, 1e12],
];

const bucketOf = (bounds: readonly number[], seconds: number): number => {
  const found = bounds.findIndex((bound) => seconds <= bound);
  return found < 0 ? bounds.length : found;
};

test("a gap is counted in the buckets of its seconds", () => {
  for (const length of LENGTHS) {
    const tally = new GapTally();
    tally.add(length, 3);
    tally.flush();
    const found = [tally.coarse, tally.fine].map(({ counts }) => counts.indexOf(3));
    const seconds = length / 1e6;
    expect(found, `${length} us`).toEqual([bucketOf(ITL_BOUNDS, seconds), bucketOf(fineSecondsBounds, seconds)]);
  }
});

test("a run of steps counts as its steps one by one", () => {
  const lengths = [9_000, 9_001, 9_300, 9_300, 30_000, 9_301, 9_302, 200_000];
  const ends = new Float64Array(lengths.length + 2);
  for (const beyond of [0, 7]) {
    const [run, each] = [new GapTally(), new GapTally()];
    for (let first = 0; first < lengths.length; first += 1) {
      ends[1] = 1e9;
      for (let i = first; i < lengths.length; i += 1)
        ends[2 + i - first] = (ends[1 + i - first] as number) + (lengths[i] as number);
      run.addRun({ ends, grows: ends.length }, 2, 2 + lengths.length - first, 1e9, beyond, 5);
      for (const length of lengths.slice(first)) each.add(length + beyond, 5);
    }
    run.flush();
    each.flush();
    expect(run.fine.value()).toEqual(each.fine.value());
    expect(run.coarse.value()).toEqual(each.coarse.value());
  }
});

test("a run whose steps get no shorter from some on counts as its steps one by one", () => {
  const length = fc.oneof(fc.integer({ min: 9_000, max: 9_400 }), fc.integer({ min: 1, max: 200_000 }));
  const lengths = fc.array(length, { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(lengths, fc.nat(45), fc.nat(39), fc.nat(1), (any, grows, from, beyond) => {
      fc.pre(from < any.length);
      const all = [...any.slice(0, grows), ...any.slice(grows).sort((a, b) => a - b)];
      const ends = new Float64Array(all.length + 1);
      let begin = 0;
      all.forEach((micros, i) => {
        ends[i] = (ends[i - 1] ?? 0) + micros;
        if (i < from) begin = ends[i] as number;
      });
      const [run, each] = [new GapTally(), new GapTally()];
      run.addRun({ ends, grows }, from, all.length, begin, beyond, 3);
      for (const micros of all.slice(from)) each.add(micros + beyond, 3);
      run.flush();
      each.flush();
      expect(run.fine.value()).toEqual(each.fine.value());
      expect(run.coarse.value()).toEqual(each.coarse.value());
    }),
  );
});
