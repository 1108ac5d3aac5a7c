import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { canonicalJson, digestOf, sha256 } from "../../src/twin/digest.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("sha256", () => {
  // FIPS 180-4 examples (NIST, SHA256.pdf) and the empty message.
  it.each([
    { text: "", digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { text: "abc", digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    {
      text: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      digest: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    },
  ])("of $text is $digest", ({ text, digest }) => expect(sha256(bytes(text))).toBe(digest));

  it("agrees with node:crypto at every length around a block's end, and on long messages", () => {
    for (const length of [...Array(200).keys(), 1_000, 65_537]) {
      const message = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 255);
      expect(sha256(message), `length ${length}`).toBe(createHash("sha256").update(message).digest("hex"));
    }
  });
});

describe("digestOf", () => {
  it("doesn't depend on the order of keys, nor on absent fields", () => {
    expect(digestOf({ a: 1, b: { c: [1, 2], d: "x" } })).toBe(
      digestOf({ b: { d: "x", c: [1, 2] }, a: 1, e: undefined }),
    );
  });

  it("depends on the order of lists, on types and on values", () => {
    const all = [{ a: [1, 2] }, { a: [2, 1] }, { a: ["1", 2] }, { a: [1] }, { b: [1, 2] }, { a: null }, {}];
    expect(new Set(all.map(digestOf)).size).toBe(all.length);
  });

  it("is that of the UTF-8 text", () => {
    const value = { läng: "€ 𝄞 日本" };
    expect(digestOf(value)).toBe(createHash("sha256").update(canonicalJson(value), "utf8").digest("hex"));
  });
});
