import fc from "fast-check";
import { expect, test } from "vitest";
import { Arrivals } from "../../src/engine/arrivals.ts";
import type { Sequence } from "../../src/engine/sequence.ts";
import { NEVER, type SimTime } from "../../src/sim/time.ts";

interface Someone {
  readonly order: number;
  readonly queued: SimTime;
  state: "arriving" | "gone";
}

/** One comes who gets there at some instant; the next one is taken; or one of those on their way goes. */
const move = fc.oneof(
  { weight: 4, arbitrary: fc.record({ queued: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.constant({ taken: true }) },
  { weight: 1, arbitrary: fc.record({ goes: fc.nat(99) }) },
);

test("they get there in order of their instants, those of one in that of coming, without the ones that are gone", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 300 }), (moves) => {
      const arrivals = new Arrivals();
      const coming: Someone[] = [];
      moves.forEach((made, order) => {
        if ("queued" in made) {
          const someone: Someone = { order, queued: made.queued as SimTime, state: "arriving" };
          coming.push(someone);
          arrivals.add(someone as unknown as Sequence);
        } else if ("taken" in made) expect(arrivals.shift()).toBe(coming.shift());
        else if (coming.length > 0) {
          const [gone] = coming.splice(made.goes % coming.length, 1);
          (gone as Someone).state = "gone";
          arrivals.passOverGone();
        }
        coming.sort((a, b) => a.queued - b.queued || a.order - b.order);
        expect(arrivals.next).toBe(coming[0]?.queued ?? NEVER);
      });
    }),
  );
});
