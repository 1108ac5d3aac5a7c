import { describe, expect, it } from "vitest";
import { instant } from "../../src/sim/time.ts";
import { DrawnAhead } from "../../src/workload/drawn-ahead.ts";
import type { Drawn } from "../../src/workload/source.ts";

describe("DrawnAhead", () => {
  it("yields what its source does, each once and in order, and then says for ever that there is no more", () => {
    for (const length of [0, 1, 31, 32, 33, 100]) {
      const requests = Array.from({ length }, (_, id): Drawn => {
        return { kind: "request", request: { id, arrival: instant(id), promptTokens: 1, outputTokens: 1 } };
      });
      let drawn = 0;
      const next = (): Drawn => {
        drawn += 1;
        return requests[drawn - 1] ?? { kind: "ended" };
      };
      const ahead = new DrawnAhead({ next });
      expect(requests.map(() => ahead.next())).toEqual(requests);
      expect([ahead.next(), ahead.next()]).toEqual([{ kind: "ended" }, { kind: "ended" }]);
    }
  });
});
