import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ById } from "../../src/sim/by-id.ts";

const id = fc.oneof(
  fc.nat(40),
  fc.nat(40).map((times) => 64 * times),
  fc.maxSafeInteger(),
);
const step = fc.record({ what: fc.constantFrom("set", "set", "delete", "take", "get"), id, value: fc.nat() });

describe("ById", () => {
  it("holds what a Map would", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const [byId, map] = [new ById<number>(), new Map<number, number>()];
        for (const { what, id: of, value } of steps) {
          if (what === "delete") expect(byId.delete(of)).toBe(map.delete(of));
          else if (what === "take") {
            expect(byId.take(of)).toBe(map.get(of));
            map.delete(of);
          } else if (what === "set") {
            byId.set(of, value);
            map.set(of, value);
          }
          expect([byId.size, byId.has(of), byId.get(of)]).toEqual([map.size, map.has(of), map.get(of)]);
        }
        for (const [of, value] of map) expect(byId.get(of)).toBe(value);
        const inOrder = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);
        expect(inOrder(byId.values())).toEqual(inOrder(map.values()));
        expect(inOrder(byId.ids())).toEqual(inOrder(map.keys()));
      }),
    );
  });

  it("knows who is there after thousands came and went", () => {
    const byId = new ById<number>();
    for (let next = 0; next < 20_000; next += 1) {
      byId.set(next, next);
      if (next >= 7) expect(byId.delete(next - 7)).toBe(true);
    }
    expect(byId.values().sort((a, b) => a - b)).toEqual([19_993, 19_994, 19_995, 19_996, 19_997, 19_998, 19_999]);
    expect(byId.size).toBe(7);
  });
});
