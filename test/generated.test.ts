import { describe, expect, it } from "vitest";
import { committed, GENERATED } from "./generate.ts";

describe("generated files", () => {
  it.each(GENERATED)("$path is up to date (else: npm run gen)", async ({ path, text }) => {
    expect(committed(path)).toBe(await text());
  });
});
