import fc from "fast-check";
import { describe, it } from "vitest";
import { bases, caseTexts, manifests, texts } from "./fuzz-input.ts";

/** Whatever is handed in ends in a valid run or in a Problem; `npm run fuzz:input` draws thousands. */
describe("mutated manifests", () => {
  it("run, or are told what is wrong with them", async () => {
    await fc.assert(manifests(bases()), { numRuns: 150 });
  });

  it("as texts too", async () => {
    await fc.assert(texts(caseTexts()), { numRuns: 150 });
  });
});
