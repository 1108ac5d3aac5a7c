import fc from "fast-check";
import { expect, test } from "vitest";
import { EndOrder } from "../../src/engine/end-order.ts";

/** One comes and ends with `step`; or one of those there goes: the first, or another one. */
const move = fc.oneof(
  { weight: 3, arbitrary: fc.record({ step: fc.oneof(fc.nat(30), fc.nat(5000)) }) },
  { weight: 1, arbitrary: fc.constant({ goes: 0 }) },
  { weight: 1, arbitrary: fc.record({ goes: fc.nat(99) }) },
);

test("the first one is that of the lowest step and rank, whoever comes and goes meanwhile", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 300 }), fc.infiniteStream(fc.nat(1e6)), (moves, ranks) => {
      const order = new EndOrder();
      const taken: { readonly step: number; readonly rank: number; readonly seat: number }[] = [];
      for (const made of moves) {
        if ("step" in made) {
          const rank = ranks.next().value as number;
          const seat = order.add(made.step, rank);
          expect(taken.some((other) => other.seat === seat)).toBe(false);
          taken.push({ step: made.step, rank, seat });
        } else if (taken.length > 0) {
          const [gone] = taken.splice(made.goes % taken.length, 1);
          order.remove(gone?.step as number, gone?.seat as number);
        }
        taken.sort((a, b) => a.step - b.step || a.rank - b.rank);
        expect(order.next).toBe(taken[0]?.step ?? Number.POSITIVE_INFINITY);
        if (taken[0] === undefined) continue;
        const [first] = taken;
        // Of two that are alike either may be first.
        expect(taken.filter(({ step, rank }) => step === first.step && rank === first.rank)).toContainEqual(
          expect.objectContaining({ seat: order.seat }),
        );
      }
    }),
  );
});
