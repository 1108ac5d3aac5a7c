import { describe, expect, it } from "vitest";
import { drain, openTrace, readTrace } from "../drain.ts";

const row = (said: object): string =>
  JSON.stringify({ timestamp: 0, input_length: 600, output_length: 5, hash_ids: [0, 1], ...said });

describe("mooncake", () => {
  it("reads blocks of shared prefixes, and milliseconds", () => {
    const text = [row({}), row({ timestamp: 3000, input_length: 513, hash_ids: [0, 14] }), ""].join("\n");
    expect(readTrace("mooncake", text)).toEqual([
      {
        id: 0,
        arrival: 0,
        promptTokens: 600,
        outputTokens: 5,
        prefix: { kind: "blocks", ids: [0, 1], blockTokens: 512 },
      },
      {
        id: 1,
        arrival: 3e6,
        promptTokens: 513,
        outputTokens: 5,
        prefix: { kind: "blocks", ids: [0, 14], blockTokens: 512 },
      },
    ]);
  });

  it.each([
    ["one id per 512 tokens, the last block whole", 1024, [0, 1], undefined],
    ["an id missing", 1025, [0, 1], "hash_ids has 2 ids; a prompt of 1025 tokens has 3 blocks of 512"],
    ["an id too many", 512, [0, 1], "has 1 blocks"],
  ])("%s", (_name, input_length, hash_ids, message) => {
    const read = () => readTrace("mooncake", row({ input_length, hash_ids }));
    if (message === undefined) expect(read()).toHaveLength(1);
    else expect(read).toThrow(message);
  });

  it.each([
    ["no JSON", "{", "is not a JSON object"],
    ["no object", "[1]", "is not a JSON object"],
    ["a header", "TIMESTAMP,ContextTokens,GeneratedTokens", "is not a JSON object"],
    ["no timestamp", row({ timestamp: undefined }), "timestamp is missing"],
    ["a timestamp as text", row({ timestamp: "0" }), 'timestamp is "0"'],
    ["a timestamp before the start", row({ timestamp: -1 }), "timestamp is -1"],
    ["a timestamp beyond all time", row({ timestamp: 1e300 }), "timestamp is 1e+300"],
    ["no tokens", row({ input_length: 0, hash_ids: [] }), 'input_length is "0"'],
    ["broken tokens", row({ output_length: 1.5 }), 'output_length is "1.5"'],
    ["no ids", row({ hash_ids: undefined }), "hash_ids is not a list of whole numbers"],
    ["ids that are none", row({ hash_ids: ["a", "b"] }), "hash_ids is not a list of whole numbers"],
  ])("says what is wrong: %s", (_name, line, message) => {
    const read = () => readTrace("mooncake", `${row({})}\n${line}\n`);
    expect(read).toThrow(message);
    expect(read).toThrow(/^line 2: /);
  });

  it("skips broken lines and counts them", () => {
    const source = openTrace("mooncake", { onError: "Skip" });
    const text = [row({}), "{", row({ hash_ids: [1] }), row({ timestamp: 1 })].join("\n");
    expect(drain(source, [text]).map(({ id, arrival }) => [id, arrival])).toEqual([
      [0, 0],
      [1, 1000],
    ]);
    expect(source.skipped).toEqual({ lines: 2, firstLine: 2, why: '"{" is not a JSON object' });
  });
});
