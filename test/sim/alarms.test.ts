import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Alarms } from "../../src/sim/alarms.ts";
import { instant, NEVER } from "../../src/sim/time.ts";

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("join" as const), rank: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), who: fc.nat(20) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("set" as const), who: fc.nat(20), wait: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("silence" as const), who: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("ring" as const), others: fc.nat(20), wait: fc.nat(3) }) },
);

interface Sleeper {
  readonly place: number;
  readonly rank: number;
  time: number;
  order: number;
}

describe("Alarms", () => {
  it("ring in order of time, rank and asking, like the first of a sorted list, whoever comes and goes", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const alarms = new Alarms<number>();
        const model: Sleeper[] = [];
        let [now, joined, asked] = [0, 0, 0];
        const named = new Map<number, Sleeper>();
        const set = (sleeper: Sleeper, time: number): void => {
          alarms.set(sleeper.place, time === NEVER ? NEVER : instant(time));
          if (sleeper.time !== time) sleeper.order = asked += 1;
          sleeper.time = time;
        };
        for (const what of steps) {
          const one = "who" in what ? model[what.who % Math.max(1, model.length)] : undefined;
          if (what.kind === "join") {
            const place = alarms.join(joined, what.rank);
            expect(model.map((sleeper) => sleeper.place)).not.toContain(place);
            const sleeper = { place, rank: what.rank, time: NEVER as number, order: 0 };
            model.push(sleeper);
            named.set(joined, sleeper);
            joined += 1;
          } else if (what.kind === "leave" && one !== undefined) {
            alarms.leave(one.place);
            model.splice(model.indexOf(one), 1);
          } else if (what.kind === "set" && one !== undefined) set(one, now + what.wait);
          else if (what.kind === "silence" && one !== undefined) set(one, NEVER);
          const sorted = model
            .filter(({ time }) => time !== NEVER)
            .sort((a, b) => a.time - b.time || a.rank - b.rank || a.order - b.order);
          const [first] = sorted;
          expect(alarms.next).toBe(first?.time ?? NEVER);
          if (first === undefined) continue;
          expect(alarms.rank).toBe(first.rank);
          if (what.kind !== "ring") continue;
          now = first.time;
          expect(named.get(alarms.ring())).toBe(first);
          first.time = Number.NaN;
          // Others set theirs before it sets its own.
          const other = model[what.others % model.length];
          if (other !== undefined && other !== first) set(other, now + what.wait);
          set(first, what.wait === 3 ? NEVER : now + what.wait);
        }
      }),
      { numRuns: 300 },
    );
  });
});
