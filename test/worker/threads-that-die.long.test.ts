import { afterAll, describe, expect, it } from "vitest";
import { previewPool, RunFailure } from "../../src/worker/pool.ts";
import type { ShadowMessage } from "../../src/worker/protocol.ts";
import { ShadowHost } from "../../src/worker/shadow-host.ts";
import { scenario, workload } from "../twin/scenario-fixture.ts";

const threads = new URL("../../dist/", import.meta.url);
const maxTraceBytes = 1e6;
/** Fits into little memory. */
const small = scenario({ horizonMicros: 60e6 });
/** Doesn't: every replica is an engine with queues and metrics of its own. */
const huge = scenario({ horizonMicros: 3600e6, workloads: [{ ...workload(), replicas: 20_000 }] });
const bounds = { maxMebibytes: 48 };
const signal = new AbortController().signal;

describe("a run that needs too much memory", () => {
  const pool = previewPool(threads, 1, bounds);
  afterAll(() => pool.close());

  it("fails alone and says what to do; the thread is replaced", async () => {
    const failed = await pool.run({ scenario: huge, maxTraceBytes }, signal).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(RunFailure);
    expect(failed).toMatchObject({ reason: "OutOfMemory", fix: expect.stringContaining("--max-run-memory") });
    expect((failed as RunFailure).message).toBe("the simulation needed more than 48 MiB of memory");
    expect((await pool.run({ scenario: small, maxTraceBytes }, signal)).kind).toBe("report");
  });
});

describe("a run that takes too long", () => {
  const pool = previewPool(threads, 1, { maxMebibytes: 512, maxSeconds: 0.3 });
  afterAll(() => pool.close());

  it("is ended, and is no cancellation", async () => {
    const month = { ...small, horizonMicros: 30 * 86_400e6 };
    await expect(pool.run({ scenario: month, maxTraceBytes }, signal)).rejects.toMatchObject({
      reason: "RunTooLong",
      fix: expect.stringContaining("--max-run-time"),
    });
  });
});

describe("the thread of the paced worlds", () => {
  it("fails the world in whose turn it died; the others begin anew, as they were scaled last", async () => {
    const told: ShadowMessage[] = [];
    let hear: () => void = () => undefined;
    const host = new ShadowHost(
      threads,
      (message) => {
        told.push(message);
        hear();
      },
      bounds,
    );
    const until = async (done: () => boolean): Promise<void> => {
      while (!done()) {
        await new Promise<void>((resolve) => {
          hear = resolve;
        });
      }
    };
    const snapshots = (key: string) =>
      told.flatMap((message) => (message.kind === "snapshot" && message.key === key ? [message.snapshot] : []));
    try {
      const endless = { ...small, horizonMicros: undefined };
      host.send({ kind: "start", key: "ns/small", scenario: endless, speed: 1, maxTraceBytes });
      host.send({ kind: "scale", key: "ns/small", workload: "llama", replicas: 4, by: "test" });
      await until(() => snapshots("ns/small").length > 0);
      const before = told.length;
      host.send({
        kind: "start",
        key: "ns/huge",
        scenario: { ...huge, horizonMicros: undefined },
        speed: 1,
        maxTraceBytes,
      });
      await until(() => told.slice(before).some(({ kind }) => kind === "restarted"));
      expect(told.find(({ kind }) => kind === "problem")).toMatchObject({ key: "ns/huge", reason: "OutOfMemory" });
      expect(told.filter(({ kind }) => kind === "restarted")).toEqual([{ kind: "restarted", key: "ns/small" }]);
      const died = told.length;
      await until(() => told.length > died);
      const [again] = snapshots("ns/small").slice(-1);
      expect(again?.simulatedSeconds).toBeLessThan(5);
      expect(again?.replicas.spec).toBe(4);
    } finally {
      await host.close();
    }
  });
});
