import { describe, expect, it } from "vitest";
import { readYaml, YamlError } from "../../src/store/yaml.ts";

const only = (text: string): unknown => readYaml(text).documents[0]?.value;
const refusal = (text: string): YamlError => {
  try {
    readYaml(text);
  } catch (error) {
    if (error instanceof YamlError) return error;
  }
  throw new Error("was read");
};

describe("readYaml reads as kubectl does", () => {
  // What sigs.k8s.io/yaml 1.6.0 (with go.yaml.in/yaml/v2 2.4.3) makes of `v: WORD`, run on each of these words.
  it.each<[string, unknown]>([
    ["y", true],
    ["Y", true],
    ["yes", true],
    ["YES", true],
    ["yEs", "yEs"],
    ["n", false],
    ["no", false],
    ["on", true],
    ["Off", false],
    ["TRUE", true],
    ["tRUE", "tRUE"],
    ["Null", null],
    ["~", null],
    ["017", 15],
    ["-017", -15],
    ["0o17", 15],
    ["08", 8],
    ["00", 0],
    ["0_7", 7],
    ["1_000", 1000],
    ["_1", "_1"],
    ["1_", 1],
    ["+1", 1],
    ["0x1F", 31],
    ["0X1f", 31],
    ["-0b11", -3],
    ["0x_1", 1],
    ["0x1ffffffffffffffff", "0x1ffffffffffffffff"],
    ["1e3", 1000],
    ["+.5", 0.5],
    ["5.", 5],
    [".5_0", 0.5],
    ["._5", "._5"],
    ["1_0.5_0", 10.5],
    ["1e400", "1e400"],
    [".", "."],
    ["1:30", "1:30"],
    ["2001-01-01", "2001-01-01"],
    ["12345678901234567890", Number("12345678901234567890")],
    ["!!str 017", "017"],
    ['!!int "5"', 5],
    ["!!float 5", 5],
    ["!!bool yes", true],
    ['"017"', "017"],
    ["<<", "<<"],
    ["=", "="],
  ])("%s", (word, value) => expect(only(`v: ${word}\n`)).toEqual({ v: value }));

  it("merges, and takes keys as text", () => {
    expect(only("base: &b {a: 1, b: 2}\nown:\n  <<: *b\n  b: 3\n")).toMatchObject({ own: { a: 1, b: 3 } });
    expect(only("on: 1\n8: 2\n")).toEqual({ true: 1, 8: 2 });
  });

  it("takes a BOM, Windows line ends, JSON with tabs, comments and empty documents", () => {
    expect(only('\uFEFFa: |\r\n  x\r\n  y\r\nb: "q"\r\n')).toEqual({ a: "x\ny\n", b: "q" });
    expect(only('{\n\t"a": [1, "\\/\\ud83d\\ude00"]\n}')).toEqual({ a: [1, "/😀"] });
    const { documents } = readYaml("# one\n---\n---\na: 1\n---\n# two\n...\n---\n\n# c\nb: 2\n");
    expect(documents.map(({ value, line }) => [value, line])).toEqual([
      [{ a: 1 }, 4],
      [{ b: 2 }, 11],
    ]);
    expect(readYaml("")).toEqual({ documents: [], doubts: [] });
  });

  it("knows where the items of a List begin, however they are written", () => {
    expect(readYaml("kind: List\nitems:\n- a: 1\n  items: [x]\n\n# c\n- b: 2\n").documents[0]?.itemLines).toEqual([
      3, 7,
    ]);
    expect(readYaml('{"items": [\n{"a": 1},\n\n{"b": {"items": [1]}}], "x": [1]}').documents[0]?.itemLines).toEqual([
      2, 4,
    ]);
    expect(readYaml("a: {items: [1]}").documents[0]?.itemLines).toEqual([]);
  });
});

describe("readYaml warns of words that others read otherwise", () => {
  it.each(["yes", "off", "017", "1_000", "0b11", "9007199254740993"])("%s", (word) => {
    const { doubts } = readYaml(`a: 1\nv: ${word}\n`);
    expect(doubts).toHaveLength(1);
    expect(doubts[0]).toMatchObject({ line: 2, message: expect.stringContaining(word) });
  });

  it.each(["true", "'yes'", "!!str yes", "17", "0", "0.5", "-1", "08", "8Gi", "1:30", "2001-01-01", "none", "north"])(
    "not of %s",
    (word) => expect(readYaml(`v: ${word}\n`).doubts).toEqual([]),
  );

  it("in both senses", () => {
    const [doubt] = readYaml("replicas: 010\n").doubts;
    expect(doubt?.message).toMatch(/read as 8, .* YAML 1.2 reads 10/);
  });

  it("at most 20 times", () => {
    expect(readYaml("- yes\n".repeat(100)).doubts).toHaveLength(20);
  });
});

describe("readYaml refuses", () => {
  it.each<[string, string, number, RegExp]>([
    ["a key twice", "a: 1\nb:\n  c: 1\n  c: 2\n", 4, /duplicated mapping key/],
    ["tabs for indentation", "a:\n\tb: 1\n", 2, /tab/],
    ["a wrong indentation", "a: 1\n b: 2\n", 2, /indentation/],
    ["what is left open", 'a: 1\nb: "x\n', 3, /./],
    ["an unknown tag", "a: 1\nb: !vault x\n", 2, /vault/],
    ["an alias of nothing", "a: 1\nb: *x\n", 2, /x/],
    ["numbers that JSON lacks", "---\na: 1\n---\nb: .inf\n", 4, /Infinity/],
    ["an alias that leads back", "---\na: &x [*x]\n", 2, /leads back/],
  ])("%s, with its line", (_name, text, line, message) => {
    const error = refusal(text);
    expect(error.message).toMatch(message);
    expect(error.line).toBe(line);
  });

  it("a billion laughs, at once", () => {
    const tens = (name: string): string => `[${Array.from({ length: 10 }, () => name).join(", ")}]`;
    const levels = Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} ${tens(i === 0 ? "lol" : `*a${i - 1}`)}\n`);
    const began = performance.now();
    expect(refusal(levels.join("")).message).toMatch(/unfolds to more than/);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(only(levels.slice(0, 4).join(""))).toBeDefined();
  });

  it("depth, plain or by aliases", () => {
    expect(refusal("[".repeat(100) + "]".repeat(100)).message).toMatch(/64/);
    const chain = Array.from({ length: 70 }, (_, i) => `a${i}: &a${i} [${i === 0 ? "x" : `*a${i - 1}`}]\n`);
    expect(refusal(chain.join("")).message).toMatch(/deeper than 64/);
    expect(only(chain.slice(0, 60).join(""))).toBeDefined();
  });

  it("endless merging", () => {
    const base = Array.from({ length: 200 }, (_, i) => `k${i}: 1`).join(", ");
    const merges = Array.from({ length: 100 }, (_, i) => `m${i}: {<<: *b}\n`).join("");
    expect(refusal(`base: &b {${base}}\n${merges}`).message).toMatch(/merge/);
  });
});
