import { describe, expect, it } from "vitest";
import { compileRegexp, RegexpError } from "../../src/promql/regexp.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const SEEDS = Number(process.env.PROMQL_SEEDS || 150);

/** Patterns that mean the same to RE2 and to JavaScript. */
const anyPattern = (rng: Rng, depth: number): string => {
  const pick = <T>(from: readonly T[]): T => from[rng.below(from.length)] as T;
  if (depth === 0) return pick(["a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w", "\\.", "x{2}", "", "é", "[a-c]"]);
  const inner = () => anyPattern(rng, depth - 1);
  switch (rng.below(6)) {
    case 0:
      return `(${inner()})${pick(["*", "+", "?", "{1,3}", "{2,}", "*?", "+?", "??"])}`;
    case 1:
      return `(?:${inner()}|${inner()})`;
    case 2:
      return `(${inner()})`;
    case 3:
      return `${inner()}|${inner()}`;
    default:
      return inner() + inner();
  }
};

const anyText = (rng: Rng): string =>
  Array.from({ length: rng.below(8) }, () => "abcx.1é\n"[rng.below(8)] as string).join("");

describe("regular expressions", () => {
  it("match what a backtracking matcher matches, with the same groups", () =>
    forAllSeeds(SEEDS, (rng) => {
      const pattern = anyPattern(rng, 3);
      const ours = compileRegexp(pattern);
      const theirs = new RegExp(`^(?:${pattern})$`, "su");
      for (let i = 0; i < 10; i += 1) {
        const text = anyText(rng);
        const groups = theirs.exec(text);
        expect([pattern, text, ours.matches(text)]).toEqual([pattern, text, groups !== null]);
        // Groups inside of repetitions are forgotten in every round by JavaScript, and kept by RE2.
        if (!/[*+?{]/.test(pattern)) expect([pattern, text, ours.exec(text)]).toEqual([pattern, text, groups?.slice()]);
      }
    }));

  it.each([
    ["(?i)api", "API", true],
    ["(?i:A)pi", "aPi", false],
    ["(?i)k", "\u212a", true],
    ["a.b", "a\nb", true],
    ["(?-s)a.b", "a\nb", false],
    ["(?m)a$\nb", "a\nb", true],
    ["^api$", "api", true],
    ["\\Aapi\\z", "api", true],
    ["\\bapi\\b", "api", true],
    ["\\Q.*\\E", ".*", true],
    ["\\Q.*\\E", "ab", false],
    ["[[:alpha:]]+", "abc", true],
    ["[[:^alpha:]]+", "abc", false],
    ["\\pL+", "éa", true],
    ["\\p{Greek}", "λ", true],
    ["\\P{Greek}", "λ", false],
    ["[\\d-z]", "-", true],
    ["[]a]", "]", true],
    ["a{,3}", "a{,3}", true],
    ["\\x{1F600}", "😀", true],
    ["\\141", "a", true],
    ["(?U)(a+)(a*)", "aa", true],
    ["", "", true],
    ["", "a", false],
    ["x|", "", true],
  ])("%s on %j: %s", (pattern, text, matches) => expect(compileRegexp(pattern).matches(text)).toBe(matches));

  it("says which groups took part", () => {
    const regexp = compileRegexp("(?P<first>a)(b)?|(c)");
    expect([regexp.groups, regexp.exec("a"), regexp.exec("c")]).toEqual([
      ["", "first", "", ""],
      ["a", "a", undefined, undefined],
      ["c", undefined, undefined, "c"],
    ]);
  });

  it.each([
    "(?=a)b",
    "(?!a)b",
    "(?<=a)b",
    "(a)\\1",
    "a++",
    "a**",
    "a{2}{3}",
    "*a",
    "a|*",
    "[a",
    "[z-a]",
    "a{1001}",
    "a{3,2}",
    "((a{1000}){1000}){1000}",
    "(",
    ")",
    "a\\",
    "\\k",
    "\\Z",
    "\\p{Nope}",
    "[[:nope:]]",
    "(?z)a",
    "(?P<1 >a)",
    `${"(".repeat(2000)}${")".repeat(2000)}`,
  ])("refuse %s", (pattern) => expect(() => compileRegexp(pattern)).toThrow(RegexpError));

  it("take no longer for patterns that make others hang", () => {
    const text = `${"a".repeat(1000)}c`;
    for (const pattern of ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*)(.*)(.*)(.*)b"]) {
      expect(compileRegexp(pattern).matches(text)).toBe(false);
    }
  });
});
