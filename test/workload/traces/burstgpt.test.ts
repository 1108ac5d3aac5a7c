import { describe, expect, it } from "vitest";
import { drain, openTrace, readTrace } from "../drain.ts";

const HEADER = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type";
const LONG = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type";

describe("burstgpt", () => {
  it("reads the first release", () => {
    const text = `${HEADER}\n5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,1087,230,1317,Conversation log\n`;
    expect(readTrace("burstgpt", text)).toEqual([
      { id: 0, arrival: 0, promptTokens: 472, outputTokens: 18 },
      { id: 1, arrival: 40e6, promptTokens: 1087, outputTokens: 230 },
    ]);
  });

  it("reads later releases: another origin, more columns, sessions where there are any", () => {
    const rows = ["19440110.0,a-1,43,GPT-4,906,446,1352,Conversation log", "19440110.25,,2,GPT-4,36,29,65,API log"];
    expect(readTrace("burstgpt", [LONG, ...rows].join("\n"))).toEqual([
      { id: 0, arrival: 0, promptTokens: 906, outputTokens: 446, session: "a-1" },
      { id: 1, arrival: 250_000, promptTokens: 36, outputTokens: 29 },
    ]);
  });

  it("drops failures, counts them, and takes its time from them", () => {
    const source = openTrace("burstgpt");
    const rows = ["10,ChatGPT,0,0,0,API log", "11,ChatGPT,5,6,11,API log", "12,ChatGPT,9,0,9,API log"];
    expect(drain(source, [[HEADER, ...rows].join("\n")])).toEqual([
      { id: 0, arrival: 1e6, promptTokens: 5, outputTokens: 6 },
    ]);
    expect(source.dropped).toEqual({ lines: 2, firstLine: 2, why: expect.stringContaining("0 response tokens") });
    expect(source.skipped.lines).toBe(0);
  });

  it.each([
    ["x,ChatGPT,5,6,11,API log", 'Timestamp is "x"'],
    ["-1,ChatGPT,5,6,11,API log", 'Timestamp is "-1"'],
    ["11,ChatGPT,0,6,6,API log", 'Request tokens is "0"'],
    ["11,ChatGPT,5,many,6,API log", 'Response tokens is "many"'],
    ["11,ChatGPT,5,6", "it has 4 fields; it must have 6"],
  ])("says what is wrong with %j", (line, message) => {
    expect(() => readTrace("burstgpt", `${HEADER}\n${line}`)).toThrow(message);
  });
});
