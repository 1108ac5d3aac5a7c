import { describe, expect, it } from "vitest";
import { documents, withOutputs } from "./outputs.ts";

describe("outputs shown in the docs", () => {
  it.each(documents())("%s shows what the program prints", async (document) => {
    const { before, after } = await withOutputs(document);
    expect(after).toBe(before);
  });

  it("are there at all", async () => {
    expect((await withOutputs("README.md")).blocks).toBeGreaterThanOrEqual(2);
  });
});
