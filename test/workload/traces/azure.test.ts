import { describe, expect, it } from "vitest";
import { readTrace } from "../drain.ts";

const HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens";
const arrivals = (format: "azure-2023" | "azure-2024", ...stamps: string[]): number[] =>
  readTrace(format, [HEADER, ...stamps.map((stamp) => `${stamp},5,7`)].join("\n")).map(({ arrival }) => arrival);

describe("azure-2023", () => {
  it("reads rows as the publisher writes them: seven decimals, CRLF, no last line end", () => {
    const text = `${HEADER}\r\n2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8`;
    expect(readTrace("azure-2023", text)).toEqual([
      { id: 0, arrival: 0, promptTokens: 4808, outputTokens: 10 },
      { id: 1, arrival: 52_000, promptTokens: 3180, outputTokens: 8 },
    ]);
  });

  it("rounds ticks of 100 ns to microseconds", () => {
    expect(arrivals("azure-2023", "2023-11-16 18:17:03.0000004", "2023-11-16 18:17:03.0000015")).toEqual([0, 2]);
  });

  it.each([
    ["midnight", "2023-11-16 23:59:59.9999990", "2023-11-17 00:00:00.0000000", 1],
    ["the end of a month", "2023-11-30 23:59:59.5000000", "2023-12-01 00:00:00.0000000", 500_000],
    ["the end of a year", "2023-12-31 23:59:59.0000000", "2024-01-01 00:00:00.0000000", 1_000_000],
    ["a leap day", "2024-02-28 00:00:00.0000000", "2024-03-01 00:00:00.0000000", 2 * 86_400e6],
    ["no leap day", "2023-02-28 00:00:00.0000000", "2023-03-01 00:00:00.0000000", 86_400e6],
    ["no leap day in 2100", "2100-02-28 00:00:00.0000000", "2100-03-01 00:00:00.0000000", 86_400e6],
  ])("counts over %s", (_over, first, second, gap) => {
    expect(arrivals("azure-2023", first, second)).toEqual([0, gap]);
  });

  it("finds its columns by name", () => {
    const text = "GeneratedTokens,NumImages,TIMESTAMP,ContextTokens\n9,2,2023-11-16 18:17:03.9799600,40";
    expect(readTrace("azure-2023", text)).toEqual([{ id: 0, arrival: 0, promptTokens: 40, outputTokens: 9 }]);
  });

  it.each([
    ["2024-05-12 01:00:00.088263+00:00,5,7", "azure-2024"],
    ["2023-11-16T25:00:00.0000000,5,7", "must be like 2023-11-16 18:17:03.9799600"],
    ["2023-11-31 00:00:00.0000000,5,7", 'TIMESTAMP is "2023-11-31 00:00:00.0000000"'],
    ["2023-11-16 18:17:03.9799600,0,7", 'ContextTokens is "0"; it must be a whole number from 1'],
    ["2023-11-16 18:17:03.9799600,5,1.5", 'GeneratedTokens is "1.5"'],
    ["2023-11-16 18:17:03.9799600,5,-1", 'GeneratedTokens is "-1"'],
    ["2023-11-16 18:17:03.9799600,5", "it has 2 fields; it must have 3"],
    ["2023-11-16 18:17:03.9799600,5,7,1", "it has 4 fields; it must have 3"],
    ["\u0000\u0007binary,5,7", '"\\u0000\\u0007binary"'],
  ])("says what is wrong with %j, and with which line", (line, message) => {
    const read = () => readTrace("azure-2023", `${HEADER}\n2023-11-16 18:17:03.9799600,5,7\n${line}\n`);
    expect(read).toThrow(message);
    expect(read).toThrow(/^line 3: /);
  });

  it.each(["", "\n\n"])("says that an empty trace %j holds nothing", (text) => {
    expect(() => readTrace("azure-2023", text)).toThrow("the trace holds no request");
  });

  it("refuses another header, skip or not", () => {
    const read = () => readTrace("azure-2023", "Timestamp,Model,Request tokens\n5,ChatGPT,1", { onError: "Skip" });
    expect(read).toThrow("line 1: the header");
    expect(read).toThrow("has no column TIMESTAMP, ContextTokens, GeneratedTokens");
  });
});

describe("azure-2024", () => {
  it("reads stamps with an offset, with six decimals or none", () => {
    const [first, second, third] = [
      "2024-05-12 23:59:59.999999+00:00",
      "2024-05-13 00:00:00+00:00",
      "2024-05-13 02:30:00.500000+02:30",
    ];
    expect(arrivals("azure-2024", first, second, third)).toEqual([0, 1, 500_001]);
  });

  it("points to azure-2023 where there is no offset", () => {
    expect(() => arrivals("azure-2024", "2023-11-16 18:17:03.9799600")).toThrow(
      "must be like 2024-05-12 01:00:00.088263+00:00; this is how azure-2023 has it",
    );
  });

  it("refuses offsets that no place has", () => {
    expect(() => arrivals("azure-2024", "2024-05-12 01:00:00+15:00")).toThrow("TIMESTAMP is");
  });
});

describe("azure-2025", () => {
  const images = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens";
  it("puts a row's images before its tokens, on top of them, and takes stamps with or without a zone", () => {
    const text = `${images}\n2024-10-15 00:00:00.1234567,2,40,9\n2024-10-15 00:00:01.123457+00:00,0,7,1`;
    expect(readTrace("azure-2025", text, { imageTokens: 100 })).toEqual([
      {
        id: 0,
        arrival: 0,
        promptTokens: 240,
        outputTokens: 9,
        encoderItems: [
          { offset: 0, tokens: 100 },
          { offset: 100, tokens: 100 },
        ],
      },
      { id: 1, arrival: 1_000_000, promptTokens: 7, outputTokens: 1 },
    ]);
  });

  it.each([
    ["2024-10-15 00:00:00.1,-1,40,9", 'NumImages is "-1"; it must be a whole number'],
    ["2024-10-15 00:00:00.1,1.5,40,9", 'NumImages is "1.5"'],
    ["yesterday,1,40,9", 'TIMESTAMP is "yesterday"; it must be like 2024-10-15 00:00:00.123456'],
  ])("says what is wrong with %j", (line, message) => {
    expect(() => readTrace("azure-2025", `${images}\n${line}`)).toThrow(message);
  });

  it("needs its columns", () =>
    expect(() => readTrace("azure-2025", `${HEADER}\n2024-10-15 00:00:00.1,1,1`)).toThrow("has no column NumImages"));
});
