import { describe, expect, it } from "vitest";
import { documents, withOutputs } from "./outputs.ts";

describe("outputs shown in the docs", () => {
  it.each(documents())("%s shows what the program prints (else: npm run gen)", async (document) => {
    const { before, after, blocks } = await withOutputs(document);
    expect(after).toBe(before);
    if (document === "README.md") expect(blocks).toBeGreaterThanOrEqual(2);
  });
});
