import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Agenda } from "../../src/sim/agenda.ts";
import { instant, NEVER, START } from "../../src/sim/time.ts";

const asked = fc.array(fc.record({ time: fc.nat(20), rank: fc.nat(3) }), { maxLength: 200 });

describe("Agenda", () => {
  it("takes events in order of time, rank and asking, like a stable sort", () => {
    fc.assert(
      fc.property(asked, (events) => {
        const agenda = new Agenda<number>(START);
        events.forEach(({ time, rank }, order) => agenda.at(instant(time), rank, order));
        const sorted = events
          .map((event, order) => ({ ...event, order }))
          .sort((a, b) => a.time - b.time || a.rank - b.rank || a.order - b.order);
        expect(agenda.size).toBe(events.length);
        for (const { time, order } of sorted) {
          expect(agenda.next).toBe(time);
          expect(agenda.pop()).toBe(order);
          expect(agenda.now).toBe(time);
        }
        expect([agenda.next, agenda.pop(), agenda.size]).toEqual([NEVER, undefined, 0]);
      }),
    );
  });

  it("keeps that order when events are asked for while others are taken", () => {
    const step = fc.oneof(
      { weight: 9, arbitrary: fc.record({ wait: fc.nat(5), rank: fc.nat(2) }) },
      { weight: 9, arbitrary: fc.constant<"take">("take") },
      { weight: 1, arbitrary: fc.constant<"clear">("clear") },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const agenda = new Agenda<number>(START);
        const model: { time: number; rank: number; order: number }[] = [];
        steps.forEach((what, order) => {
          if (what === "clear") {
            agenda.clear();
            model.length = 0;
            expect([agenda.next, agenda.first, agenda.size]).toEqual([NEVER, undefined, 0]);
            return;
          }
          if (what !== "take") {
            const time = agenda.now + what.wait;
            agenda.at(instant(time), what.rank, order);
            model.push({ time, rank: what.rank, order });
            return;
          }
          model.sort((a, b) => a.time - b.time || a.rank - b.rank || a.order - b.order);
          expect(agenda.pop()).toBe(model.shift()?.order);
        });
      }),
    );
  });

  it("refuses the past and what is no time, and takes the present", () => {
    const agenda = new Agenda<string>(START);
    agenda.at(instant(5), 0, "first");
    agenda.pop();
    expect(() => agenda.at(instant(4), 0, "late")).toThrow(RangeError);
    expect(() => agenda.at(Number.NaN as never, 0, "never")).toThrow(RangeError);
    agenda.at(instant(5), 0, "now");
    expect(agenda.pop()).toBe("now");
  });
});
