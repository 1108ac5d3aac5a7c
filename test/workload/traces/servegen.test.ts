import { describe, expect, it } from "vitest";
import { rngOf } from "../../../src/sim/rng.ts";
import { numberPairs } from "../../../src/workload/python-dict.ts";
import { TarReader } from "../../../src/workload/tar-reader.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { cut, digestOf, drain, openTrace, readTrace } from "../drain.ts";

/** A tar archive as text, ustar. */
const tar = (files: Readonly<Record<string, string>>, type = "0"): string =>
  `${Object.entries(files)
    .map(([name, text]) => {
      const field = (value: string, length: number) => value.padEnd(length, "\0");
      const size = text.length.toString(8).padStart(11, "0");
      const head = `${field(name, 100)}${field("0000644", 8)}${field("0", 8)}${field("0", 8)}${field(size, 12)}${field("0", 12)}`;
      const header = field(`${head}${" ".repeat(8)}${type}${field("", 100)}ustar\x0000`, 512);
      return header + field(text, Math.ceil(text.length / 512) * 512);
    })
    .join("")}${"\0".repeat(1024)}`;

const LENGTHS = JSON.stringify({
  "0": { input_tokens: "{10: 0.25, 30: 0.75}", output_tokens: "{4: 1.0}", reason_ratio: "{0.0: 0.5, 0.5: 0.5}" },
  "1200": { input_tokens: "{}", output_tokens: "{}" },
  "1800": { input_tokens: "{7: 1e-05}", output_tokens: "{5: 1}" },
});
const pool = (trace: string, dataset = LENGTHS): string =>
  tar({ "data/reason/m/chunk-3-trace.csv": trace, "data/reason/m/chunk-3-dataset.json": dataset, "data/readme": "?" });
const TRACE = "0,0.5,1.2,Gamma,0.7,2.8\n600,0,0,,0,0\n1200,2,3,Weibull,0.5,0.2\n1800,1,0.5,Gamma,4,0.25\n";

describe("servegen", () => {
  it("draws each window's rate, and lengths of the dataset before it", () => {
    const requests = readTrace("servegen", pool(TRACE));
    const within = (from: number, to: number) =>
      requests.filter(({ arrival }) => arrival >= from * 1e6 && arrival < to * 1e6);
    expect(within(600, 1200)).toEqual([]);
    expect(Math.abs(within(0, 600).length - 300)).toBeLessThan(5 * 1.2 * Math.sqrt(300));
    expect(Math.abs(within(1200, 1800).length - 1200)).toBeLessThan(5 * 2.3 * Math.sqrt(1200));
    expect(Math.abs(within(1800, 2400).length - 600)).toBeLessThan(5 * 0.5 * Math.sqrt(600));
    const first = within(0, 1800);
    expect(Math.abs(first.filter(({ promptTokens }) => promptTokens === 30).length / first.length - 0.75)).toBeLessThan(
      0.06,
    );
    expect(new Set(first.map(({ promptTokens }) => promptTokens))).toEqual(new Set([10, 30]));
    for (const request of within(1800, 2400))
      expect(request).toMatchObject({ promptTokens: 7, outputTokens: 5, client: "chunk-3" });
    expect(requests.every(({ id, arrival }, i) => id === i && arrival >= (requests[i - 1]?.arrival ?? 0))).toBe(true);
  });

  it("tells the same of one seed, in blocks of any size, and another of another", () => {
    const text = pool(TRACE);
    const whole = digestOf(readTrace("servegen", text));
    expect(digestOf(drain(openTrace("servegen"), cut(text, 700)))).toBe(whole);
    expect(digestOf(drain(openTrace("servegen", {}, 2), [text]))).not.toBe(whole);
  });

  it("leaves a client as it is when another comes", () => {
    const files = { "a/chunk-3-trace.csv": TRACE, "a/chunk-3-dataset.json": LENGTHS };
    const both = tar({ ...files, "a/chunk-12-trace.csv": "0,3,1,Gamma,1,1", "a/chunk-12-dataset.json": LENGTHS });
    const bare = (text: string) =>
      readTrace("servegen", text)
        .filter(({ client }) => client === "chunk-3")
        .map(({ arrival, promptTokens, outputTokens }) => [arrival, promptTokens, outputTokens]);
    expect(bare(both)).toEqual(bare(tar(files)));
  });

  it("makes images of their counts and tokens", () => {
    const dataset = JSON.stringify({
      "0": {
        text_tokens: "{5: 1.0}",
        image_count: "{2: 1.0}",
        image_tokens: "{16: 1.0}",
        audio_count: "{0: 1.0}",
        output_tokens: "{1: 1.0}",
      },
    });
    const [request] = readTrace("servegen", pool("0,1,1,Gamma,1,1", dataset));
    expect(request).toMatchObject({
      promptTokens: 37,
      encoderItems: [
        { offset: 0, tokens: 16 },
        { offset: 16, tokens: 16 },
      ],
    });
  });

  it("counts windows without a dataset", () => {
    const source = openTrace("servegen");
    const text = tar({ "chunk-1-trace.csv": TRACE, "chunk-2-trace.csv": TRACE, "chunk-2-dataset.json": LENGTHS });
    expect(drain(source, [text]).every(({ client }) => client === "chunk-2")).toBe(true);
    expect(source.dropped).toMatchObject({ lines: 3, why: "chunk-1 has no dataset for its window at 0 s" });
  });

  it.each([
    ["no archive", "a,b,c".padEnd(600, " "), "this is no tar archive"],
    ["an archive cut off", pool(TRACE).slice(0, 800), "the archive is cut off"],
    ["another archive", tar({ "a.txt": "x" }), "none of them named chunk-N-trace.csv"],
    ["fields missing", pool("0,1,1\n"), "line 1: data/reason/m/chunk-3-trace.csv: it has 3 fields"],
    [
      "a negative rate",
      pool("0,1,1,Gamma,1,1\n600,-1,1,Gamma,1,1\n"),
      "line 2: data/reason/m/chunk-3-trace.csv: the rate is -1",
    ],
    ["an unknown pattern", pool("0,1,1,Pareto,1,1"), 'the arrival pattern is "Pareto"'],
    [
      "windows out of order",
      pool("600,1,1,Gamma,1,1\n0,1,1,Gamma,1,1\n"),
      "line 2: data/reason/m/chunk-3-trace.csv: the window starts at 0",
    ],
    [
      "code in place of a dict",
      pool(TRACE, '{"0": {"input_tokens": "{print(1): 1}"}}'),
      "window 0: input_tokens is not text such as",
    ],
    ["probabilities all 0", pool(TRACE, '{"0": {"input_tokens": "{1: 0, 2: 0}"}}'), "probabilities that are all 0"],
    ["a negative probability", pool(TRACE, '{"0": {"input_tokens": "{1: -1}"}}'), "the probability -1"],
    ["no JSON", pool(TRACE, "{"), "chunk-3-dataset.json: it is no JSON"],
    ["nothing to send", pool("0,0,0,,0,0\n"), "the trace holds no request"],
  ])("says what is wrong: %s", (_name, text, message) => {
    expect(() => readTrace("servegen", text)).toThrow(message);
  });

  it("skips and counts broken lines", () => {
    const source = openTrace("servegen", { onError: "Skip" });
    expect(drain(source, [pool(`${TRACE}x\n`)]).length).toBeGreaterThan(500);
    expect(source.skipped).toMatchObject({ lines: 1, firstLine: 5 });
  });
});

describe("numberPairs", () => {
  it("reads what Python writes, whatever the numbers", () =>
    forAllSeeds(50, (rng) => {
      const pairs = Array.from({ length: rng.below(20) }, (): [number, number] => [rng.below(1e5), rng.next() ** 9]);
      const text = `{${pairs.map(([key, value]) => `${key}: ${value}`).join(", ")}}`;
      expect(numberPairs(text)).toEqual({ keys: pairs.map(([key]) => key), values: pairs.map(([, value]) => value) });
    }));

  it.each([
    "",
    "{",
    "{1}",
    "{1: 2",
    "{1: 2}}",
    "{1: 2} + f()",
    "{a: 1}",
    "{1: __import__('os')}",
    "{1: 2 3: 4}",
    "[1]",
    "{1: nan}",
  ])("reads nothing else: %s", (text) => expect(numberPairs(text)).toBeUndefined());
});

describe("TarReader", () => {
  it("finds files in blocks of any size, and passes over folders", () =>
    forAllSeeds(20, (_rng, seed) => {
      const rng = rngOf(seed).stream("tar");
      const files = Object.fromEntries(
        Array.from({ length: 1 + rng.below(5) }, (_, i) => [`folder/${i}`, "x".repeat(rng.below(1500))]),
      );
      const reader = new TarReader();
      const blocks = cut(tar({ folder: "" }, "5").slice(0, 512) + tar(files), 400, seed);
      const found: Record<string, string> = {};
      for (let entry = reader.next(); entry.kind !== "ended"; entry = reader.next()) {
        if (entry.kind === "starved") reader.feed(blocks.next().value ?? undefined);
        else if (entry.kind === "file") found[entry.name] = entry.text;
        else throw new Error(entry.why);
      }
      expect(found).toEqual(files);
    }));

  it("knows long names, of pax and of GNU", () => {
    const long = `${"deep/".repeat(40)}chunk-1-trace.csv`;
    const record = ` path=${long}\n`;
    const pax = `${record.length + 3}${record}`;
    const body = (text: string, type: string) => tar({ short: text }, type).slice(0, -1024);
    for (const header of [body(pax, "x"), body(`${long}\0`, "L")]) {
      const reader = new TarReader();
      reader.feed(header + tar({ cut: "abc" }));
      expect(reader.next()).toEqual({ kind: "file", name: long, text: "abc" });
    }
  });
});
