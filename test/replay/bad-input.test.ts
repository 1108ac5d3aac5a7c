import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { csv, header, replay, type Setup, type TraceFiles } from "./replay.ts";

const setup: Setup = { model: "meta-llama/Llama-3.1-8B-Instruct", gpu: "H100", horizon: "10m" };
const rows = [
  { request_id: 3, arrival_time_us: 5, input_tokens: 9, output_tokens: 2 },
  { request_id: 4, arrival_time_us: 7, input_tokens: 8, output_tokens: 2 },
];
const good: TraceFiles = { "trace.yaml": header(), "trace.csv": csv(rows) };
const ids = async (files: TraceFiles, trace: object = {}) =>
  (await replay({ ...setup, trace: trace as never }, files)).requests.map(({ id }) => id);

describe("the two files of a trace", () => {
  it.each([
    ["by its header", good, { path: "trace.yaml" }],
    ["by its rows", good, { path: "trace.csv" }],
    ["packed", { "trace.yaml": header(), "trace.csv.gz": gzipSync(csv(rows)) }, { path: "trace.yaml" }],
    ["packed, by its rows", { "trace.yml": header(), "trace.csv.gz": gzipSync(csv(rows)) }, { path: "trace.csv.gz" }],
  ] as const)("are found %s", async (_name, files, trace) => expect(await ids(files, trace)).toEqual([3, 4]));

  it.each([
    ["no such header", good, { path: "other.yaml" }, /spec\.workload\.trace\.path: .*other\.yaml/],
    [
      "no rows",
      { "trace.yaml": header() },
      {},
      /trace\.path: trace\.yaml has no rows beside it: trace\.csv or trace\.csv\.gz/,
    ],
    [
      "no header",
      { "trace.csv": csv(rows) },
      { path: "trace.csv" },
      /has no header beside it: trace\.yaml or trace\.yml/,
    ],
    ["another ending", good, { path: "trace.json" }, /names neither the header nor the rows/],
    ["a path that leads out", good, { path: "../trace.yaml" }, /trace\.path: .*no rows|no file|outside the folder/],
    [
      "no version",
      { ...good, "trace.yaml": "mode: generated\n" },
      {},
      /^trace\.yaml: .*trace_version is missing; write trace_version: 3/,
    ],
    ["a header that is no YAML", { ...good, "trace.yaml": "a: [1\nb: 2\n" }, {}, /^trace\.yaml:\d+: .*no YAML/],
    ["an endless header", { ...good, "trace.yaml": "#".repeat(70_000) }, {}, /^trace\.yaml: .*70000 bytes/],
    [
      "a broken row",
      { ...good, "trace.csv": csv(rows).replace(",8,", ",-8,") },
      {},
      /^trace trace\.csv, line 3: input_tokens is "-8"; it must be/,
    ],
    ["a URL", good, { path: undefined, url: "https://example.com/trace.csv" }, /trace\.url: .*two files/],
    ["sessions of another format", good, { format: "azure-2023", sessions: "auto" }, /only traces of format .*blis-v2/],
    ["a mode that is none", good, { sessions: "closed" }, /spec\.workload\.trace\.sessions/],
  ] as const)("with %s are refused", async (_name, files, trace, says) => {
    await expect(ids(files, trace)).rejects.toThrow(says);
  });

  it("with a broken row that is passed over say so", async () => {
    const files = { ...good, "trace.csv": csv(rows).replace("3,5,9,2", "3,5,9") };
    const { requests, report } = await replay({ ...setup, trace: { onError: "Skip" } }, files);
    expect(requests.map(({ id }) => id)).toEqual([4]);
    expect(report.notes.join()).toContain("1 lines of the trace were skipped, the first is line 2: it has 3 fields");
  });
});
