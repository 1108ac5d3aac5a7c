import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import { instant } from "../../src/sim/time.ts";
import { UnwritableFileError } from "../../src/worker/line-file.ts";
import { runPreview } from "../../src/worker/preview.ts";
import { type RequestLine, RequestLog } from "../../src/worker/request-log.ts";
import { chat, scenario, workload } from "../twin/scenario-fixture.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-requests-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (path: string): RequestLine[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RequestLine);
const request = (id: number) => ({ id, arrival: instant(id), promptTokens: 10 + id, outputTokens: 3 });
const arrived = (id: number): Fact => ({ kind: "arrived", at: instant(id), request: request(id) });

describe("the log of requests", () => {
  it("has a line for each, as they end, and those in flight last, by id", () => {
    const path = join(folder, "all.jsonl");
    const log = new RequestLog(path);
    for (const id of [9, 4, 2, 7]) log.tell(arrived(id));
    log.tell({ kind: "first-token", at: instant(50), request: request(9), pod: "a" });
    log.tell({ kind: "first-token", at: instant(60), request: request(4), pod: "b" });
    log.tell({
      kind: "finished",
      pod: "b",
      workload: "w",
      priority: 0,
      facts: {
        request: request(4),
        outcome: "length",
        queued: instant(5),
        scheduled: instant(6),
        firstToken: instant(60),
        end: instant(70),
        outputTokens: 3,
        cachedTokens: 8,
        preemptions: 1,
      },
    });
    log.tell({ kind: "refused", at: instant(80), request: request(7), outcome: "unroutable" });
    log.end();
    const never = { firstTokenUs: null, endUs: null, outputTokens: null, cachedTokens: null, preemptions: null };
    expect(read(path)).toEqual([
      {
        id: 4,
        arrivalUs: 4,
        firstTokenUs: 60,
        endUs: 70,
        promptTokens: 14,
        outputTokens: 3,
        cachedTokens: 8,
        preemptions: 1,
        replica: "b",
        outcome: "length",
      },
      {
        ...never,
        id: 7,
        arrivalUs: 7,
        promptTokens: 17,
        endUs: 80,
        outputTokens: 0,
        replica: null,
        outcome: "unroutable",
      },
      { ...never, id: 2, arrivalUs: 2, promptTokens: 12, replica: null, outcome: null },
      { ...never, id: 9, arrivalUs: 9, promptTokens: 19, firstTokenUs: 50, replica: "a", outcome: null },
    ]);
  });

  it("says where it can't be written", () => {
    expect(() => new RequestLog(join(folder, "nowhere", "a"))).toThrow(UnwritableFileError);
  });
});

describe("a preview that is asked for it", () => {
  const maxTraceBytes = 1e6;

  it("accounts for every request of its report", async () => {
    const requestsFile = join(folder, "run.jsonl");
    const said = scenario({ horizonMicros: 120e6, traffic: { kind: "synthetic", synthetic: chat(20) } });
    const result = await runPreview({ scenario: said, maxTraceBytes, requestsFile });
    if (result.kind !== "report") throw new Error(result.message);
    const { requests } = result.report.kpis;
    const lines = read(requestsFile);
    expect(lines).toHaveLength(requests.arrived);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(requests.arrived);
    expect(lines.filter(({ outcome }) => outcome === "stop" || outcome === "length")).toHaveLength(requests.completed);
    expect(lines.filter(({ outcome }) => outcome === null)).toHaveLength(requests.inFlightAtEnd);
    const quiet = await runPreview({ scenario: said, maxTraceBytes });
    expect(quiet).toEqual(result);
  });

  it("leaves nothing behind where it fails", async () => {
    const requestsFile = join(folder, "failed.jsonl");
    const traffic = {
      kind: "trace",
      format: "azure-2023",
      input: { kind: "inline", base64: "", digest: "d" },
      rateScale: 1,
      startOffsetMicros: 0,
      onError: "Fail",
      maxRequests: 1,
    } as const;
    const result = await runPreview({ scenario: scenario({ traffic }), maxTraceBytes, requestsFile });
    expect(result.kind).toBe("problem");
    expect(existsSync(requestsFile)).toBe(false);
    const nowhere = join(folder, "nowhere", "a");
    expect(await runPreview({ scenario: scenario(), maxTraceBytes, requestsFile: nowhere })).toMatchObject({
      kind: "problem",
      reason: "UnwritableFile",
    });
  });
});

describe("closed-loop clients in a world", () => {
  it("come back after each answer, whatever the threads, and give up with their session", async () => {
    const [client] = chat(1).clients;
    if (client === undefined) throw new Error("no client");
    const session = { rounds: 3, thinkTime: { mean: "2s", deviation: "1s" }, contextGrowth: "accumulate" } as const;
    const synthetic = chat(1, { clients: [{ ...client, rate: 2, session }] });
    const requestsFile = join(folder, "sessions.jsonl");
    const said = scenario({ horizonMicros: 300e6, traffic: { kind: "synthetic", synthetic } });
    const play = async (over: object = {}) => {
      const result = await runPreview({ scenario: { ...said, ...over }, maxTraceBytes, requestsFile });
      if (result.kind !== "report") throw new Error(result.message);
      return { report: result.report, text: readFileSync(requestsFile, "utf8") };
    };
    const [one, two] = [await play(), await play()];
    expect(two).toEqual(one);
    const { arrived, rejected } = one.report.kpis.requests;
    expect(rejected).toBe(0);
    expect(arrived).toBeGreaterThan(1500);
    // A context too small for second rounds: each session ends with its first refusal.
    const small = workload();
    const cramped = await play({ workloads: [{ ...small, engine: { ...small.engine, maxModelLen: 700 } }] });
    const { requests } = cramped.report.kpis;
    expect(requests.rejected).toBeGreaterThan(300);
    expect(requests.arrived).toBeLessThan(arrived);
  });

  const maxTraceBytes = 1e6;
});
