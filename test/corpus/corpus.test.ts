import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runPreview } from "../../src/worker/preview.ts";
import { HEAD, headOf, verdictOn } from "./problems.ts";

/**
 * Broken and odd manifests, each with what is said of it, to the letter, at its head; those that are good run to their end.
 * `npx tsx test/corpus/write-heads.ts` writes the heads anew.
 */
const folder = fileURLToPath(new URL("cases", import.meta.url));
const cases = readdirSync(folder);

describe("the corpus", () => {
  it("is large", () => expect(cases.length).toBeGreaterThanOrEqual(60));

  it.each(cases)("%s", async (name) => {
    const verdict = await verdictOn(`${folder}/${name}`, folder);
    const [head] = HEAD.exec(readFileSync(`${folder}/${name}`, "utf8")) ?? [];
    expect(headOf(verdict)).toBe(head);
    for (const { scenario } of verdict.prepared) {
      const { kind } = await runPreview({ scenario, maxTraceBytes: 2 ** 20 });
      expect(kind).toBe("report");
    }
  });
});
