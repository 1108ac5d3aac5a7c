import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import { Uncounted } from "../../src/report/uncounted.ts";
import { at } from "./views.ts";

const told = (id: number): Fact => ({
  kind: "arrived",
  at: at(id),
  request: { id, arrival: at(id), promptTokens: 1, outputTokens: 1 },
});

describe("Uncounted", () => {
  it("has counted all facts once and in order when it is settled, wherever else it was", () =>
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 5 }), (stretches) => {
        const counted: Fact[] = [];
        const facts: Fact[] = [];
        const uncounted = new Uncounted<Fact>((some, size) => counted.push(...some.slice(0, size)));
        for (const length of stretches) {
          for (let i = 0; i < length; i += 1) {
            const fact = told(facts.length);
            facts.push(fact);
            uncounted.add(fact);
          }
          uncounted.settle();
          expect(counted).toEqual(facts);
        }
      }),
    ));

  it("keeps no more than a few, be it never settled", () => {
    let counted = 0;
    const uncounted = new Uncounted<Fact>((_, size) => {
      counted += size;
    });
    for (let i = 0; i < 1000; i += 1) uncounted.add(told(i));
    expect(counted).toBeGreaterThan(800);
    expect(counted).toBeLessThan(1000);
  });
});
