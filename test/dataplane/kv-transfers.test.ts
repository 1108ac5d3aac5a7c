import { describe, expect, it } from "vitest";
import { type KvLink, KvTransfers } from "../../src/dataplane/kv-transfers.ts";
import { instant, NEVER, type SimTime } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

/** 1 GB/s is 1000 bytes per microsecond. */
const link = (said: Partial<KvLink> = {}): KvLink => ({
  gigabytesPerSecond: 1,
  latencyMicros: 50,
  contention: true,
  ...said,
});

interface Start {
  readonly at: number;
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
}

/** @returns when each transfer ended */
const run = (said: KvLink, starts: readonly Start[]): Record<number, number> => {
  const transfers = new KvTransfers(said);
  const ended: Record<number, number> = {};
  const upTo = (until: SimTime) => {
    for (; transfers.due <= until && transfers.due !== NEVER; ) {
      const now = transfers.due;
      for (const { id } of transfers.advance(now)) ended[id] = now;
    }
  };
  for (const { at, ...start } of starts) {
    upTo(instant(at));
    transfers.start(start, instant(at));
  }
  upTo((NEVER - 1) as SimTime);
  expect(transfers.active).toBe(0);
  return ended;
};

const ONE = { at: 0, id: 1, from: "p0", to: "d0", bytes: 1_000_000 };

describe("KV transfers", () => {
  it.each([
    { name: "one has the link to itself, after its latency", starts: [ONE], ends: { 1: 1050 } },
    {
      name: "two from one replica share what it sends",
      starts: [ONE, { ...ONE, id: 2, to: "d1" }],
      ends: { 1: 2050, 2: 2050 },
    },
    {
      name: "two to one replica share what it takes",
      starts: [ONE, { ...ONE, id: 2, from: "p1" }],
      ends: { 1: 2050, 2: 2050 },
    },
    {
      name: "strangers don't share",
      starts: [ONE, { ...ONE, id: 2, from: "p1", to: "d1" }],
      ends: { 1: 1050, 2: 1050 },
    },
    {
      // 500 us alone, then half the link until the second's 250 000 bytes are through, then alone again.
      name: "who starts later slows the first only while it lasts",
      starts: [ONE, { ...ONE, at: 500, id: 2, to: "d1", bytes: 250_000 }],
      ends: { 2: 1050, 1: 1300 },
    },
  ])("$name", ({ starts, ends }) => expect(run(link(), starts)).toEqual(ends));

  it("may be told that nobody shares", () =>
    expect(run(link({ contention: false }), [ONE, { ...ONE, id: 2 }])).toEqual({ 1: 1050, 2: 1050 }));

  it("gives up what a lost replica had under way, and others get its share", () => {
    const transfers = new KvTransfers(link({ latencyMicros: 0 }));
    transfers.start(ONE, instant(0));
    transfers.start({ ...ONE, id: 2, to: "d1" }, instant(0));
    transfers.advance(instant(0));
    expect(transfers.due).toBe(2000);
    expect(transfers.lost("d1", instant(1000)).map(({ id }) => id)).toEqual([2]);
    expect(transfers.due).toBe(1500);
    transfers.cancel(1, instant(1200));
    expect([transfers.active, transfers.due]).toEqual([0, NEVER]);
  });

  it("ends every transfer once, never faster than the link nor slower than all in a row", () =>
    forAllSeeds(100, (rng) => {
      const said = link({ gigabytesPerSecond: 0.1 + rng.next(), latencyMicros: rng.below(100) });
      let at = 0;
      const starts = Array.from({ length: 1 + rng.below(20) }, (_, id) => {
        at += rng.below(300);
        return { at, id, from: `p${rng.below(3)}`, to: `d${rng.below(3)}`, bytes: 1 + rng.below(500_000) };
      });
      const ends = run(said, starts);
      const rate = said.gigabytesPerSecond * 1000;
      const all = starts.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(Object.keys(ends)).toHaveLength(starts.length);
      for (const { at: begun, id, bytes } of starts) {
        expect(ends[id]).toBeGreaterThanOrEqual(begun + said.latencyMicros + Math.floor(bytes / rate));
        expect(ends[id]).toBeLessThanOrEqual(at + said.latencyMicros + all / rate + 2 * starts.length);
      }
      for (const name of ["p0", "p1", "p2"]) {
        const sent = starts.filter(({ from }) => from === name);
        const last = Math.max(0, ...sent.map(({ id }) => ends[id] as number));
        const first = Math.min(...sent.map((s) => s.at));
        const bytes = sent.reduce((sum, s) => sum + s.bytes, 0);
        if (sent.length > 0) expect(last - first + 1).toBeGreaterThanOrEqual(bytes / rate);
      }
    }));
});
