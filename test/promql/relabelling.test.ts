import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Labels } from "../../src/promql/labels.ts";
import { md5 } from "../../src/promql/md5.ts";
import { RELABEL_ACTIONS, type RelabelConfig, relabelError, relabelling } from "../../src/promql/relabelling.ts";
import { utf8Of } from "../../src/promql/strings.ts";
import { rngOf } from "../../src/sim/rng.ts";

interface Case {
  readonly name: string;
  readonly input: Readonly<Record<string, string>>;
  readonly rules: readonly RelabelConfig[];
  /** undefined: dropped. */
  readonly output: Readonly<Record<string, string>> | undefined;
}

const ABC = { a: "foo", b: "bar", c: "baz" };
const PORTS = { __tmp_port: "1234", __port1: "1234", __port2: "5678" };

/** What comes out was found out with Prometheus 3.14. */
const CASES: readonly Case[] = [
  {
    name: "replaces by groups of the match",
    input: ABC,
    rules: [{ sourceLabels: ["a"], regex: "f(.*)", targetLabel: "d", replacement: "ch${1}-ch$1" }],
    output: { ...ABC, d: "choo-choo" },
  },
  {
    name: "applies rules one after another",
    input: ABC,
    rules: [
      { sourceLabels: ["a", "b"], regex: "f(.*);(.*)r", targetLabel: "a", replacement: "b${1}${2}m" },
      { sourceLabels: ["c", "a"], regex: "(b).*b(.*)ba(.*)", targetLabel: "d", replacement: "$1$2$2$3" },
    ],
    output: { a: "boobam", b: "bar", c: "baz", d: "boooom" },
  },
  {
    name: "leaves labels alone that do not match as a whole",
    input: { a: "boo" },
    rules: [{ sourceLabels: ["a"], regex: "o", targetLabel: "b", replacement: "bar" }],
    output: { a: "boo" },
  },
  {
    name: "takes a label away that becomes empty",
    input: { a: "foo", f: "baz" },
    rules: [{ sourceLabels: ["a"], regex: "(f).*", targetLabel: "$1", replacement: "$2" }],
    output: { a: "foo" },
  },
  {
    name: "passes over a target that comes out as no name",
    input: { a: "some-name-0" },
    rules: [{ sourceLabels: ["a"], regex: "some-([^-]+)-([^,]+)", targetLabel: "${3}", replacement: "$1" }],
    output: { a: "some-name-0" },
  },
  {
    name: "sets a label without a source",
    input: { a: "foo" },
    rules: [{ targetLabel: "b", replacement: "bar" }],
    output: { a: "foo", b: "bar" },
  },
  {
    name: "matches across line breaks",
    input: { a: "line1\nline2" },
    rules: [{ sourceLabels: ["a"], regex: "line1.*line2", targetLabel: "d", replacement: "match${1}" }],
    output: { a: "line1\nline2", d: "match" },
  },
  {
    name: "names groups and labels in UTF-8",
    input: { a: "x1" },
    rules: [{ sourceLabels: ["a"], regex: "x(?<n>.)", targetLabel: "größe_$n", replacement: "<$n>" }],
    output: { a: "x1", größe_1: "<1>" },
  },
  {
    name: "keeps",
    input: { a: "foo" },
    rules: [{ sourceLabels: ["a"], regex: "f.*", action: "Keep" }],
    output: { a: "foo" },
  },
  {
    name: "keeps not",
    input: { a: "foo" },
    rules: [{ sourceLabels: ["a"], regex: "f", action: "keep" }],
    output: undefined,
  },
  {
    name: "drops",
    input: { a: "foo" },
    rules: [{ sourceLabels: ["a"], regex: ".*o.*", action: "drop" }],
    output: undefined,
  },
  {
    name: "drops not",
    input: { a: "foo" },
    rules: [{ sourceLabels: ["a"], regex: "f|o", action: "drop" }],
    output: { a: "foo" },
  },
  {
    name: "keeps equals",
    input: PORTS,
    rules: [{ sourceLabels: ["__tmp_port"], targetLabel: "__port1", action: "keepequal" }],
    output: PORTS,
  },
  {
    name: "keeps nothing but equals",
    input: PORTS,
    rules: [{ sourceLabels: ["__tmp_port"], targetLabel: "__port2", action: "KeepEqual" }],
    output: undefined,
  },
  {
    name: "drops equals",
    input: PORTS,
    rules: [{ sourceLabels: ["__tmp_port"], targetLabel: "__port1", action: "dropequal" }],
    output: undefined,
  },
  {
    name: "drops nothing but equals",
    input: PORTS,
    rules: [{ sourceLabels: ["__tmp_port"], targetLabel: "__port2", action: "DropEqual" }],
    output: PORTS,
  },
  {
    name: "hashes",
    input: ABC,
    rules: [{ sourceLabels: ["c"], targetLabel: "d", action: "hashmod", modulus: 1000 }],
    output: { ...ABC, d: "976" },
  },
  {
    name: "hashes a line break",
    input: { a: "foo\nbar" },
    rules: [{ sourceLabels: ["a"], targetLabel: "b", action: "HashMod", modulus: 1000 }],
    output: { a: "foo\nbar", b: "734" },
  },
  {
    name: "maps names",
    input: { a: "foo", __meta_my_bar: "aaa", __meta_my_baz: "bbb", __meta_other: "ccc" },
    rules: [{ regex: "__meta_(my.*)", replacement: "${1}", action: "labelmap" }],
    output: { a: "foo", __meta_my_bar: "aaa", __meta_my_baz: "bbb", __meta_other: "ccc", my_bar: "aaa", my_baz: "bbb" },
  },
  { name: "drops labels", input: ABC, rules: [{ regex: "[bc]", action: "labeldrop" }], output: { a: "foo" } },
  { name: "keeps labels", input: ABC, rules: [{ regex: "[bc]", action: "LabelKeep" }], output: { b: "bar", c: "baz" } },
  {
    name: "writes small and large",
    input: { foo: "bAr123Foo" },
    rules: [
      { sourceLabels: ["foo"], action: "uppercase", targetLabel: "upper" },
      { sourceLabels: ["foo"], action: "lowercase", targetLabel: "lower" },
    ],
    output: { foo: "bAr123Foo", lower: "bar123foo", upper: "BAR123FOO" },
  },
  {
    name: "joins by another separator",
    input: ABC,
    rules: [{ sourceLabels: ["a", "no", "b"], separator: "-", targetLabel: "d" }],
    output: { ...ABC, d: "foo--bar" },
  },
];

describe("relabelling", () => {
  it.each(CASES)("$name", ({ input, rules, output }) => {
    expect(relabelling(rules)(Labels.of(input))?.record()).toEqual(output);
  });

  it("is tried with every action", () => {
    const tried = CASES.flatMap(({ rules }) => rules.map(({ action = "replace" }) => action.toLowerCase()));
    expect([...new Set(tried)].sort()).toEqual([...RELABEL_ACTIONS].sort());
  });

  const WRONG: readonly (readonly [RelabelConfig, field: string, message: string])[] = [
    [{ action: "rename" }, "action", 'unknown relabel action "rename"'],
    [{ action: "" }, "action", "relabel action cannot be empty"],
    [{ regex: "a(b", targetLabel: "x" }, "regex", "error parsing regexp: missing closing ): `a(b`"],
    [{}, "targetLabel", "relabel configuration for replace action requires 'target_label' value"],
    [
      { action: "lowercase" },
      "targetLabel",
      "relabel configuration for lowercase action requires 'target_label' value",
    ],
    [{ action: "hashmod", targetLabel: "x" }, "modulus", "relabel configuration for hashmod requires non-zero modulus"],
    [
      { action: "uppercase", targetLabel: "x", replacement: "y" },
      "replacement",
      "'replacement' can not be set for uppercase action",
    ],
    [{ action: "labelmap", replacement: "" }, "replacement", "\"\" is invalid 'replacement' for labelmap action"],
    [
      { action: "keepequal", targetLabel: "x", regex: "y" },
      "regex",
      "keepequal action requires only 'source_labels' and `target_label`, and no other fields",
    ],
    [
      { action: "labeldrop", regex: "y", sourceLabels: ["x"] },
      "sourceLabels",
      "labeldrop action requires only 'regex', and no other fields",
    ],
  ];

  it.each(WRONG)("refuses %j", (config, field, message) => {
    const error = relabelError(config);
    expect([error?.field, error?.message]).toEqual([field, message]);
    expect(() => relabelling([config])).toThrow(message);
  });
});

describe("md5", () => {
  it("is what others compute, at every length around a block", () => {
    const rng = rngOf(1).stream("md5");
    for (let length = 0; length < 200; length += 1) {
      const bytes = Array.from({ length }, () => rng.below(256));
      const theirs = createHash("md5").update(Uint8Array.from(bytes)).digest();
      expect(md5(bytes), `${length} bytes`).toEqual([...theirs]);
    }
  });

  it("is RFC 1321's of a text", () => {
    const text = md5(utf8Of("message digest")).map((byte) => byte.toString(16).padStart(2, "0"));
    expect(text.join("")).toBe("f96b697d7cb7938d525a2f31aaf161d0");
  });
});
