import fc from "fast-check";
import { expect, it } from "vitest";
import { Flights } from "../../src/dataplane/flights.ts";

const step = fc.record({ ends: fc.boolean(), id: fc.nat(200), tokens: fc.nat(), prefill: fc.option(fc.constant("p")) });

it("keeps of each request what it began with, however many come and go", () =>
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const flights = new Flights<string>();
      const known = new Map<number, (typeof steps)[number]>();
      for (const next of steps) {
        if (next.ends) expect(flights.end(next.id) >= 0).toBe(known.delete(next.id));
        else if (!known.has(next.id)) {
          expect(flights.begin(next.id, `to ${next.id}`, next.tokens, next.prefill ?? undefined, next.id)).toBe(true);
          known.set(next.id, next);
        }
      }
      for (let id = 0; id <= 200; id += 1) {
        const [row, was] = [flights.rowOf(id), known.get(id)];
        expect(row >= 0).toBe(was !== undefined);
        if (was === undefined) continue;
        expect(flights.endpoints[row]).toBe(`to ${id}`);
        expect([flights.tokens[row], flights.prefillTokens[row]]).toEqual([was.tokens, id]);
        expect(flights.prefills[row]).toBe(was.prefill ?? undefined);
      }
    }),
  ));

it("says that a request was there before", () => {
  const flights = new Flights<string>();
  expect(flights.begin(1, "a", 2, undefined, 0)).toBe(true);
  expect(flights.begin(1, "a", 2, undefined, 0)).toBe(false);
});
