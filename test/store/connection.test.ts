import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Backoff, pause } from "../../src/store/kubernetes/backoff.ts";
import { connect } from "../../src/store/kubernetes/connection.ts";
import { ApiFailure, storeErrorOf } from "../../src/store/kubernetes/failure.ts";
import { microTime } from "../../src/store/kubernetes/micro-time.ts";
import { StoreError } from "../../src/store/store.ts";
import { TokenBucket } from "../../src/store/token-bucket.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-kubeconfig-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let written = 0;
const kubeconfig = (text: string): string => {
  const path = join(folder, `config-${written++}`);
  writeFileSync(path, text);
  return path;
};

const CONFIG = `
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1/base"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: production, context: {cluster: c, user: u}}, {name: hollow, context: {cluster: none, user: u}}]
current-context: production
`;

describe("connect", () => {
  it("says what is wrong with a kubeconfig", () => {
    const refusal = (options: Parameters<typeof connect>[0]) => {
      try {
        connect(options);
      } catch (error) {
        return error;
      }
      return undefined;
    };
    for (const [options, message] of [
      [{ kubeconfig: join(folder, "none") }, /none can't be read: .*ENOENT/],
      [{ kubeconfig: kubeconfig("a: [") }, /can't be read/],
      [{ kubeconfig: kubeconfig(CONFIG), context: "prodution" }, /no context prodution; did you mean production\?/],
      [{ kubeconfig: kubeconfig(CONFIG), context: "zzz" }, /there is: production, hollow/],
      [{ kubeconfig: kubeconfig(CONFIG), context: "hollow" }, /hollow of the kubeconfig names no server/],
    ] as const) {
      const error = refusal(options);
      expect(error).toBeInstanceOf(StoreError);
      expect((error as StoreError).message).toMatch(message);
    }
  });

  it("lets requests that come together share what the first connects with", async () => {
    const connection = connect({ kubeconfig: kubeconfig(CONFIG) });
    const asked = Array.from({ length: 20 }, () => connection.ask({ method: "GET", path: "/api" }));
    const errors = (await Promise.allSettled(asked)).map((one) => one.status === "rejected" && String(one.reason));
    expect(errors.filter((error) => error === false || !error.includes("ECONNREFUSED"))).toEqual([]);
    await connection.close();
  });

  it("tells of requests that nobody answered", async () => {
    const said: unknown[] = [];
    const connection = connect({ kubeconfig: kubeconfig(CONFIG), requested: (one) => said.push(one) });
    expect(connection.host).toBe("127.0.0.1:1");
    await expect(connection.ask({ method: "GET", path: "/api" })).rejects.toThrow();
    expect(said).toEqual([{ method: "GET", code: "<error>", host: "127.0.0.1:1" }]);
    await connection.close();
  });
});

describe("failures of writes", () => {
  it.each<[number, string, StoreError["kind"]]>([
    [404, "not found", "gone"],
    [409, "conflict", "retry"],
    [429, "slow down", "retry"],
    [401, "token expired", "retry"],
    [500, "etcd is away", "retry"],
    [503, "starting", "retry"],
    [500, "failed to create typed patch object (ns/a; v1, Kind=X): .status.x: field not declared in schema", "refused"],
    [400, "bad", "refused"],
    [403, "forbidden", "refused"],
    [422, "invalid", "refused"],
  ])("%i %s: %s", (status, message, kind) => {
    expect(storeErrorOf(new ApiFailure(status, message, 3), "x")).toMatchObject({
      kind,
      message: `x: ${message}`,
      retryAfterSeconds: kind === "retry" ? 3 : undefined,
    });
  });

  it("without an answer can be tried again", () => {
    expect(storeErrorOf(new Error("connect ECONNREFUSED"), "x").kind).toBe("retry");
  });
});

describe("waiting", () => {
  it("doubles from the first to the longest, with jitter, until reset", () => {
    const backoff = new Backoff(0.5, 30);
    const within = (seconds: number, middle: number): void => {
      expect(seconds).toBeGreaterThanOrEqual(middle * 0.5);
      expect(seconds).toBeLessThan(middle * 1.5);
    };
    for (const middle of [0.5, 1, 2, 4, 8, 16, 30, 30]) within(backoff.next(), middle);
    expect(backoff.failures).toBe(8);
    backoff.reset();
    within(backoff.next(), 0.5);
  });

  it("ends silently when it is called off", async () => {
    const calledOff = new AbortController();
    const waiting = pause(100, calledOff.signal);
    calledOff.abort();
    await waiting;
    await pause(100, calledOff.signal);
  });

  it("by tokens: a burst, then a rate, also of tokens that are not there yet", () => {
    const bucket = new TokenBucket(10, 2, 0);
    expect([bucket.reserve(0), bucket.reserve(0)]).toEqual([0, 0]);
    expect(bucket.reserve(0)).toBeCloseTo(0.1);
    expect(bucket.reserve(0)).toBeCloseTo(0.2);
    expect(bucket.take(0.25)).toBe(false);
    expect(bucket.take(0.31)).toBe(true);
    expect(bucket.take(0.31)).toBe(false);
    expect([bucket.take(100), bucket.take(100), bucket.take(100)]).toEqual([true, true, false]);
  });
});

it("times for Go's MicroTime have six digits", () => {
  expect(microTime(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)))).toBe("2026-01-02T03:04:05.006000Z");
});
