import { describe, expect, it } from "vitest";
import { quantityMilli } from "../../../src/controlplane/hpa/quantity.ts";

describe("quantityMilli", () => {
  it.each([
    { said: "1", milli: 1000n },
    { said: 10, milli: 10_000n },
    { said: 0.75, milli: 750n },
    { said: "500m", milli: 500n },
    { said: "1k", milli: 1_000_000n },
    { said: "2Gi", milli: 2_147_483_648_000n },
    { said: "1e3", milli: 1_000_000n },
    { said: "1E3", milli: 1_000_000n },
    { said: "12E", milli: 9_223_372_036_854_775_807n },
    { said: "1.5", milli: 1500n },
    { said: ".5", milli: 500n },
    { said: "5.", milli: 5000n },
    { said: "+3", milli: 3000n },
    { said: "-3", milli: -3000n },
    { said: "0.1Ki", milli: 102_400n },
    { said: "25e-3", milli: 25n },
    // Finer than thousandths: up.
    { said: "1u", milli: 1n },
    { said: "1500u", milli: 2n },
    { said: "100n", milli: 1n },
    { said: "1e-999999999", milli: 1n },
    { said: "1e999999999", milli: 9_223_372_036_854_775_807n },
  ])("reads $said", ({ said, milli }) => expect(quantityMilli(said)).toMatchObject({ ok: true, value: milli }));

  it.each([
    { said: "", why: "regular expression" },
    { said: "ten", why: "regular expression" },
    { said: "1 k", why: "regular expression" },
    { said: "1.2.3", why: "numeric part" },
    { said: ".", why: "numeric part" },
    { said: "1K", why: "suffix" },
    { said: "1e", why: "suffix" },
    { said: "1kk", why: "suffix" },
    { said: "1m3", why: "suffix" },
  ])("refuses '$said'", ({ said, why }) => {
    const result = quantityMilli(said);
    expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([expect.stringContaining(why)]);
  });
});
