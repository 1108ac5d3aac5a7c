import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { latencyModels } from "../../src/latency/models/index.ts";
import { kpiBands } from "../../src/report/bands.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { bandScenarios, kpiBandRule } from "../../src/twin/bands.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { PacedWorlds } from "../../src/worker/paced-worlds.ts";
import { previewPool } from "../../src/worker/pool.ts";
import { runPreview } from "../../src/worker/preview.ts";
import type { Progress, ShadowMessage, ShadowPulse } from "../../src/worker/protocol.ts";
import { ShadowHost } from "../../src/worker/shadow-host.ts";
import { readTrace } from "../../src/worker/trace-input.ts";
import { scenario, waitingHpa } from "../twin/scenario-fixture.ts";

const threads = new URL("../../dist/", import.meta.url);
const maxTraceBytes = 1e6;
const said = scenario({ autoscalers: [waitingHpa(2)], horizonMicros: 300e6 });
const physical = latencyModels.schema.parse({ name: "physical" });
const pool = previewPool(threads, 2);
afterAll(() => pool.close());

const rows = Array.from(
  { length: 200 },
  (_, i) => `2023-11-16 18:17:${String(Math.floor(i / 4)).padStart(2, "0")}.${i % 4}000000,${100 + i},20`,
);
const csv = ["TIMESTAMP,ContextTokens,GeneratedTokens", ...rows].join("\n");
const traced = (text: string | Uint8Array, onError: "Fail" | "Skip" = "Fail") =>
  scenario({
    horizonMicros: 60e6,
    traffic: {
      kind: "trace",
      format: "azure-2023",
      input: { kind: "inline", base64: Buffer.from(text).toString("base64"), digest: "d" },
      rateScale: 1,
      startOffsetMicros: 0,
      onError,
      maxRequests: 1000,
    },
  });

describe("a preview", () => {
  it("comes to the same report alone, in a pool, and paced", async () => {
    const alone = await runPreview({ scenario: said, maxTraceBytes });
    if (alone.kind !== "report") throw new Error(alone.message);
    const signal = new AbortController().signal;
    const pooled = await Promise.all([1, 2, 3].map(() => pool.run({ scenario: said, maxTraceBytes }, signal)));
    for (const one of pooled) expect(one).toEqual(alone);
    const paced = new World(said);
    for (let at = 0; at <= 300e6; at += 1_234_567) paced.runUntil(at as SimTime);
    while (paced.next !== undefined) paced.step();
    const { scenarioDigest, version } = alone.report;
    expect(paced.report({ scenarioDigest, version }, 300e6 as SimTime)).toEqual(alone.report);
  });

  it("says where its figures would lie on real servers, if asked and if its latency model knows", async () => {
    const signal = new AbortController().signal;
    const known = { ...said, workloads: said.workloads.map((one) => ({ ...one, latency: physical })) };
    const [without, unaware, banded] = await Promise.all([
      pool.run({ scenario: known, maxTraceBytes }, signal),
      pool.run({ scenario: said, maxTraceBytes, bands: true }, signal),
      pool.run({ scenario: known, maxTraceBytes, bands: true }, signal),
    ]);
    if (without.kind !== "report" || unaware.kind !== "report" || banded.kind !== "report")
      throw new Error("no report");
    expect(unaware.report.bands).toBeUndefined();
    const { bands, families, ...report } = banded.report;
    const { families: plain, ...same } = without.report;
    expect(report).toEqual(same);
    expect(families.slice(0, plain.length)).toEqual(plain);
    const e2e = bands?.e2eMeanSeconds;
    expect(e2e?.p10).toBeLessThan(report.kpis.e2eSeconds.mean);
    expect(e2e?.p90).toBeGreaterThan(report.kpis.e2eSeconds.mean);
    expect(families.at(-1)?.name).toBe("servetwin_kpi_band");
  });

  it("tells key figures so far of the run in the middle of its bands, and how far all three are", async () => {
    const known = { ...said, workloads: said.workloads.map((one) => ({ ...one, latency: physical })) };
    const told: Progress[] = [];
    const task = { scenario: known, maxTraceBytes, bands: true, looks: 4 };
    const result = await pool.run(task, new AbortController().signal, (progress) => told.push(progress));
    if (result.kind !== "report") throw new Error("no report");
    const looks = told.filter(({ kpis }) => kpis !== undefined);
    expect(looks.map(({ simulatedSeconds }) => simulatedSeconds)).toEqual([75, 150, 225, 300]);
    expect(looks.at(-1)?.kpis?.ttftSeconds).toEqual(result.report.kpis.ttftSeconds);
    const done = told.map((progress) => progress.done);
    expect([...done].sort((a, b) => a - b)).toEqual(done);
    // The first look comes after a quarter of a third of all, whatever the ends have told by then.
    expect(done[0]).toBeGreaterThanOrEqual(1 / 12);
    expect(done.at(-1)).toBeLessThanOrEqual(1);
  });

  it("ends at once when it is cancelled, and the pool goes on", async () => {
    const abort = new AbortController();
    const long = pool.run({ scenario: { ...said, horizonMicros: 1e6 * 86_400 * 30 }, maxTraceBytes }, abort.signal);
    setTimeout(() => abort.abort(), 300);
    await expect(long).rejects.toThrow(/abort/i);
    expect((await pool.run({ scenario: said, maxTraceBytes }, new AbortController().signal)).kind).toBe("report");
  });

  it("tells how far it is", async () => {
    const told: number[] = [];
    await pool.run(
      { scenario: { ...said, horizonMicros: 3600e6 * 3 }, maxTraceBytes },
      new AbortController().signal,
      ({ done }) => told.push(done),
    );
    expect(told.length).toBeGreaterThan(0);
    for (const done of told) expect(done).toBeGreaterThan(0);
    expect([...told].sort((a, b) => a - b)).toEqual(told);
  });

  it("reads a trace, plain or gzip, to the same report", async () => {
    const [plain, packed] = await Promise.all(
      [csv, gzipSync(csv)].map((text) => runPreview({ scenario: traced(text), maxTraceBytes })),
    );
    if (plain?.kind !== "report" || packed?.kind !== "report") throw new Error("no report");
    expect(plain.report.kpis.requests.arrived).toBe(200);
    expect(packed.report.kpis).toEqual(plain.report.kpis);
  });

  it("comes back with the line of a broken trace", async () => {
    const broken = csv.replace(",150,20", ",many,20");
    expect(await runPreview({ scenario: traced(broken), maxTraceBytes })).toMatchObject({
      kind: "problem",
      reason: "BrokenTrace",
      message: expect.stringContaining("line 52"),
    });
    const skipped = await runPreview({ scenario: traced(broken, "Skip"), maxTraceBytes });
    if (skipped.kind !== "report") throw new Error(skipped.message);
    expect(skipped.report.kpis.requests.arrived).toBe(199);
    expect(skipped.report.notes.join()).toContain("line 52");
  });

  it("refuses a trace that inflates beyond the bound", async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const reading = async () => {
      let read = 0;
      for await (const text of readTrace({ kind: "inline", base64: bomb.toString("base64"), digest: "d" }, 1_000_000))
        read += text.length;
      return read;
    };
    await expect(reading()).rejects.toThrow(/more than 1000000 bytes/);
  });
});

describe("paced worlds", () => {
  const paced = () => {
    let now = 0;
    const told: ShadowMessage[] = [];
    const worlds = new PacedWorlds({
      clock: () => now,
      unixSeconds: () => 1_700_000_000,
      tell: (message) => told.push(message),
    });
    const go = (milliseconds: number) => {
      for (let i = 0; i < milliseconds; i += 50) {
        now += 50;
        worlds.turn();
      }
    };
    return { worlds, told, go };
  };
  const endless = { ...said, horizonMicros: undefined };
  const pulseOf = (message: ShadowMessage | undefined): ShadowPulse => {
    if (message?.kind === "pulse") return message.pulse;
    if (message?.kind === "snapshot") return message.snapshot;
    throw new Error(`neither pulse nor snapshot: ${message?.kind}`);
  };

  it("keep pace with the clock, at the speed that was said", () => {
    const { worlds, told, go } = paced();
    worlds.command({ kind: "start", key: "a", scenario: endless, speed: 1, maxTraceBytes });
    worlds.command({ kind: "start", key: "b", scenario: endless, speed: 10, maxTraceBytes });
    go(20_000);
    const of = (key: string) => told.filter((message) => "key" in message && message.key === key);
    const last = (key: string) => pulseOf(of(key).at(-1));
    expect(last("a").simulatedSeconds).toBeGreaterThan(18.9);
    expect(last("a").simulatedSeconds).toBeLessThanOrEqual(20);
    expect(last("b").simulatedSeconds).toBeGreaterThan(185);
    expect(of("a").length).toBeLessThan(25);
    // Figures are much to tell.
    expect(of("a").filter(({ kind }) => kind === "snapshot").length).toBe(4);
  });

  it("draw their series where somebody asks, as they are then, a stretch at a time", () => {
    const { worlds, told, go } = paced();
    for (const key of ["a", "b"]) worlds.command({ kind: "start", key, scenario: endless, speed: 1, maxTraceBytes });
    go(5000);
    expect(worlds.draw()).toBe(false);
    expect(told.some(({ kind }) => kind === "drawn")).toBe(false);
    worlds.command({ kind: "draw" });
    worlds.command({ kind: "stop", key: "b" });
    while (worlds.draw());
    expect(told.at(-1)).toEqual({ kind: "all-drawn" });
    const drawn = told.filter((message) => message.kind === "drawn");
    expect(drawn.map(({ key }) => key)).toEqual(["a"]);
    const running = drawn[0]?.families.find(({ name }) => name === "vllm:num_requests_running");
    expect(running?.samples.length).toBe(2);
  });

  it("take a write to the scale without beginning anew", () => {
    const { worlds, told, go } = paced();
    worlds.command({ kind: "start", key: "a", scenario: { ...endless, autoscalers: [] }, speed: 10, maxTraceBytes });
    go(5000);
    worlds.command({ kind: "scale", key: "a", workload: "llama", replicas: 4, by: "test" });
    go(50);
    // Told at once, since the autoscaler reads it back.
    expect(pulseOf(told.at(-1)).replicas).toEqual({ spec: 4, ready: 2 });
    go(20_000);
    const last = pulseOf(told.at(-1));
    expect(last.replicas).toEqual({ spec: 4, ready: 4 });
    expect(last.simulatedSeconds).toBeGreaterThan(240);
  });

  const uncertain = {
    ...endless,
    workloads: endless.workloads.map((one) => ({ ...one, latency: physical })),
  };
  const lastSnapshot = (told: readonly ShadowMessage[]) => {
    const last = told.findLast(({ kind }) => kind === "snapshot");
    if (last?.kind !== "snapshot") throw new Error("no snapshot");
    return last.snapshot;
  };

  it("have bands: those of the same world at both ends of its step times, at the same moment", () => {
    const { worlds, told, go } = paced();
    worlds.command({ kind: "start", key: "a", scenario: uncertain, speed: 20, maxTraceBytes });
    go(9500);
    expect(lastSnapshot(told).bands).toBeUndefined();
    go(6000);
    const { bands } = lastSnapshot(told);
    worlds.command({ kind: "draw" });
    worlds.draw();
    const drawn = told.find(({ kind }) => kind === "drawn");
    if (drawn?.kind !== "drawn") throw new Error("nothing drawn");
    const { families } = drawn;
    const ends = bandScenarios(uncertain);
    if (bands === undefined || ends === undefined) throw new Error("no bands");
    const at = 200e6 as SimTime;
    const kpisOf = (of: Scenario) => {
      const world = new World(of);
      world.runUntil(at);
      return world.progress(at).kpis;
    };
    const middle = kpisOf(uncertain);
    const expected = kpiBands(
      { middle, fast: kpisOf(ends.fast), slow: kpisOf(ends.slow) },
      kpiBandRule(middle.prefixCacheHitRatio),
    );
    expect(bands).toEqual(expected);
    expect((bands.e2eP50Seconds?.p90 ?? 0) / (bands.e2eP50Seconds?.p10 ?? 1)).toBeGreaterThan(1.1);
    const family = families.find(({ name }) => name === "servetwin_kpi_band");
    expect(family?.samples.length).toBe(2 * Object.keys(bands).length);
  });

  it("have no bands where the latency model doesn't know how uncertain it is", () => {
    const { worlds, told, go } = paced();
    worlds.command({ kind: "start", key: "a", scenario: endless, speed: 20, maxTraceBytes });
    go(21_000);
    expect(lastSnapshot(told).bands).toBeUndefined();
  });

  it("scale at both ends as well", () => {
    const { worlds, told, go } = paced();
    const fixed = { ...uncertain, autoscalers: [] };
    worlds.command({ kind: "start", key: "a", scenario: fixed, speed: 20, maxTraceBytes });
    go(1000);
    worlds.command({ kind: "scale", key: "a", workload: "llama", replicas: 4, by: "test" });
    go(20_000);
    const hours = lastSnapshot(told).bands?.gpuHours;
    // A replica for 400 s would be 0.11.
    expect(hours?.p10).toBeGreaterThan(0.3);
    expect(hours?.p90).toBe(hours?.p10);
  });

  it("have bands with a trace, which each end reads for itself", async () => {
    const { worlds, told, go } = paced();
    const { workloads } = uncertain;
    const scenario = { ...traced(csv), workloads, horizonMicros: undefined };
    worlds.command({ kind: "start", key: "a", scenario, speed: 20, maxTraceBytes });
    for (let i = 0; i < 22; i += 1) {
      go(1000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(lastSnapshot(told).kpis.requests.completed).toBe(200);
    expect(lastSnapshot(told).bands?.requestsCompleted).toEqual({ p10: 200, p90: 200 });
  });

  it("fail one by one", async () => {
    const { worlds, told, go } = paced();
    worlds.command({
      kind: "start",
      key: "broken",
      scenario: { ...traced("nonsense"), horizonMicros: undefined },
      speed: 1,
      maxTraceBytes,
    });
    worlds.command({ kind: "start", key: "sound", scenario: endless, speed: 1, maxTraceBytes });
    for (let i = 0; i < 20 && !told.some(({ kind }) => kind === "problem"); i += 1) {
      go(100);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(told.find(({ kind }) => kind === "problem")).toMatchObject({ key: "broken", reason: "BrokenTrace" });
    go(2000);
    expect(worlds.size).toBe(1);
  });

  it("run in a thread of their own", async () => {
    const told: string[] = [];
    let first = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      first = resolve;
    });
    const host = new ShadowHost(threads, ({ kind }) => {
      told.push(kind);
      first();
    });
    await host.draw();
    expect(told).toEqual([]);
    for (const key of ["a", "b"]) host.send({ kind: "start", key, scenario: endless, speed: 1, maxTraceBytes });
    await begun;
    expect(told[0]).toBe("snapshot");
    await Promise.all([host.draw(), host.draw()]);
    expect(told.filter((kind) => kind === "drawn").length).toBe(2);
    await host.close();
  });
});
