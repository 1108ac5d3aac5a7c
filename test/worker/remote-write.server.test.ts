import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dump, load } from "js-yaml";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { floatText } from "../../src/exporter/float-text.ts";
import { samplesOf, type WriteBatch } from "../../src/exporter/remote-write/write-batch.ts";
import { remoteWriteProblems } from "../../src/operator/push.ts";
import type { InferenceSimulation } from "../../src/schema/resource.ts";
import type { SimulationStatus } from "../../src/schema/simulation-status.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { type PreviewPool, previewPool } from "../../src/worker/pool.ts";
import type { RecordedSeriesSaid } from "../../src/worker/protocol.ts";
import { Push, type PushState, Room } from "../../src/worker/remote-write/push.ts";
import { Receiver } from "../../src/worker/remote-write/receiver.ts";
import { eventually, up } from "../e2e/program.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { exportedAt, servedAt } from "../exporter/series-at.ts";
import { playProduction } from "../synthetic-production.ts";
import { Quickstart } from "../twin/quickstart.ts";
import { chat, scenario } from "../twin/scenario-fixture.ts";

/** A quarter of an hour of last week. */
const START = Math.floor(Date.now() / 60_000) * 60 - 7 * 86_400;
const recorded: RecordedSeriesSaid = {
  startUnixSeconds: START,
  everySeconds: 15,
  naming: "Prefixed",
  labels: { team: "é" },
};
const said = (name: string): Scenario =>
  scenario({
    simulation: `inference/${name}`,
    horizonMicros: 900e6,
    traffic: { kind: "synthetic", synthetic: chat(4) },
  });

/** Stands before Prometheus: away, of 1.0 alone, or letting through what comes. */
class Gate {
  readonly #server: Server;
  away = false;
  only1 = false;
  busy: { status: number; retryAfter: string } | undefined;
  readonly seen: { version: string; status: number; at: number }[] = [];
  url = "";
  onSeen: () => void = () => undefined;

  constructor(target: () => string) {
    this.#server = createServer(async (request, answer) => {
      if (this.away) return request.socket.destroy();
      const body = await bytesOf(request);
      const version = String(request.headers["x-prometheus-remote-write-version"]);
      const end = (status: number, headers: Record<string, string> = {}, text = ""): void => {
        this.seen.push({ version, status, at: Date.now() });
        this.onSeen();
        answer.writeHead(status, headers).end(text);
      };
      if (this.busy !== undefined) return end(this.busy.status, { "retry-after": this.busy.retryAfter });
      if (this.only1 && version !== "0.1.0") return end(415);
      const passed = await fetch(`${target()}${request.url}`, {
        method: "POST",
        headers: Object.fromEntries(
          ["content-type", "content-encoding", "x-prometheus-remote-write-version"].map((name) => [
            name,
            String(request.headers[name]),
          ]),
        ),
        body,
      }).catch(() => undefined);
      if (passed === undefined) return request.socket.destroy();
      const written = passed.headers.get("x-prometheus-remote-write-samples-written");
      const headers = written === null || this.only1 ? {} : { "x-prometheus-remote-write-samples-written": written };
      end(passed.status, headers as Record<string, string>, await passed.text());
    });
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const bytesOf = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

/** Two pods of the quickstart's Deployment. */
const production = (): string => {
  const quickstart = new Quickstart();
  quickstart.gone.add(quickstart.hpa);
  const { simulation } = quickstart;
  simulation.spec.overrides = { ...simulation.spec.overrides, replicas: 2 };
  simulation.spec.workload = { synthetic: { clients: [{ ...chat(4).clients[0] }] } };
  const mirrored = quickstart.mirror();
  if (!mirrored.ok) throw new Error(JSON.stringify(mirrored.problems));
  return playProduction(mirrored.value.scenario, { startSeconds: START, seconds: 600, scrapeSeconds: 15 }).openMetrics;
};

let prometheus: Prometheus;
let gate: Gate;
let pool: PreviewPool;
beforeAll(async () => {
  prometheus = await startPrometheus({
    remoteWriteReceiver: true,
    outOfOrderSeconds: 30 * 86_400,
    backfill: production(),
  });
  gate = new Gate(() => prometheus.url);
  await gate.open();
  pool = previewPool(new URL(`file://${fileURLToPath(new URL("../../dist/", import.meta.url))}`), 1);
});
afterAll(async () => {
  await pool?.close();
  gate?.close();
  await prometheus?.stop();
});
afterEach(() => {
  gate.away = false;
  gate.only1 = false;
  gate.busy = undefined;
  gate.onSeen = () => undefined;
  gate.seen.length = 0;
});

const access = () => ({ url: `${gate.url}/api/v1/write` });
const push = (room = 1_000_000) => {
  const abort = new AbortController();
  const changes: PushState[] = [];
  const one: Push = new Push({
    receiver: new Receiver(access()),
    room: new Room(room),
    signal: abort.signal,
    changed: () => changes.push(one.state),
  });
  return { push: one, abort, changes };
};
const doneOf = ({ push: one }: { push: Push }): Promise<true> =>
  eventually(async () => one.state.done, {
    withinSeconds: 60,
    what: "the end",
    detail: () => JSON.stringify(one.state),
  });

/** Runs a scenario in a thread and pushes it. */
const pushed = async (one: Scenario, pushing = push()) => {
  const result = await pool.run(
    { scenario: one, maxTraceBytes: 1e6, recorded },
    pushing.abort.signal,
    undefined,
    (batch) => pushing.push.give(batch),
  );
  expect(result.kind).toBe("report");
  pushing.push.end();
  await doneOf(pushing);
  return pushing.push.state;
};

const expectServed = async (one: Scenario): Promise<void> => {
  for (const seconds of [0, 15, 450, 900]) {
    const exported = await exportedAt(one, recorded, seconds);
    expect(exported.size).toBeGreaterThan(seconds === 0 ? 3 : 300);
    const served = await servedAt(prometheus, START + seconds, `simulation="${one.simulation}"`);
    expect(served, `at ${seconds} s`).toEqual(exported);
  }
  // A stale marker ends each series, so that none is shown for five minutes more.
  expect((await servedAt(prometheus, START + 916, `simulation="${one.simulation}"`)).size).toBe(0);
};

describe("a push to a real Prometheus", () => {
  it("speaks 2.0, and what is asked back at old instants is what the exporter would have said", async () => {
    const state = await pushed(said("two"));
    expect(state).toMatchObject({ failed: 0, dropped: 0, pending: 0, untilMillis: Math.round((START + 915) * 1000) });
    expect(gate.seen.every(({ version, status }) => version === "2.0.0" && status === 204)).toBe(true);
    await expectServed(said("two"));
  });

  it("speaks 1.0 where 2.0 is answered by 415", async () => {
    gate.only1 = true;
    const state = await pushed(said("one"));
    expect(state).toMatchObject({ failed: 0, dropped: 0 });
    expect(gate.seen.map(({ version }) => version).filter((version) => version === "2.0.0")).toHaveLength(1);
    expect(gate.seen[0]).toMatchObject({ version: "2.0.0", status: 415 });
    await expectServed(said("one"));
  });

  it("loses nothing while the receiver restarts in the middle, for as long as there is room", async () => {
    const pushing = push();
    let restarted: Promise<void> | undefined;
    gate.onSeen = () => {
      if (gate.seen.length !== 5) return;
      // What comes while it stops waits for the new one, as behind a Service.
      gate.away = true;
      restarted = prometheus.restart().then(() => {
        gate.away = false;
      });
    };
    const state = await pushed(said("restart"), pushing);
    expect(gate.seen.length).toBeGreaterThan(10);
    await restarted;
    expect(pushing.changes.some(({ waitsFor }) => waitsFor?.includes("can't be reached"))).toBe(true);
    expect(state).toMatchObject({ failed: 0, dropped: 0, waitsFor: undefined });
    await expectServed(said("restart"));
  });

  it("counts what finds no room", async () => {
    gate.away = true;
    const pushing = push(10_000);
    const running = pushed(said("overflow"), pushing);
    await eventually(async () => pushing.push.state.dropped > 0, { withinSeconds: 60, what: "dropped samples" });
    expect(pushing.push.state.pending).toBeLessThanOrEqual(10_000);
    gate.away = false;
    const { sent, dropped, failed } = await running;
    // All of it, as the push with room has it.
    expect(sent + dropped).toBe((await pushed({ ...said("overflow"), simulation: "inference/other" })).sent);
    expect(failed).toBe(0);
    const served = await prometheus.query('count({simulation="inference/overflow"})', START + 15);
    expect(served[0]?.value ?? 0).toBeGreaterThan(0);
  });

  it("waits as long as it is told to, and does not ask again what was refused", async () => {
    const batch = (value: number, atMillis = START * 1000): WriteBatch => [
      { labels: ["__name__", "sim:refused"], type: "gauge", help: "", points: [[Math.round(atMillis), value]] },
    ];
    gate.busy = { status: 429, retryAfter: "1" };
    const pushing = push();
    await pushing.push.give(batch(1));
    await eventually(async () => pushing.push.state.waitsFor?.includes("429"), { what: "429" });
    gate.busy = undefined;
    // Before all that Prometheus may take.
    await pushing.push.give(batch(2, (START - 40 * 86_400) * 1000));
    await pushing.push.give(batch(3, START * 1000 + 1000));
    pushing.push.end();
    await doneOf(pushing);
    const [first, second] = gate.seen;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(950);
    expect(gate.seen.map(({ status }) => status)).toEqual([429, 204, 400, 204]);
    const { sent, failed, refusal } = pushing.push.state;
    expect({ sent, failed }).toEqual({ sent: 2, failed: 1 });
    expect(refusal).toMatch(/answers 400/);
    expect(samplesOf(batch(1))).toBe(1);
  });
});

describe("the operator", () => {
  it("pushes a replay of production's window at the window's own instants; the same again does no harm", async () => {
    const folder = mkdtempSync(join(tmpdir(), "servetwin-push-"));
    const { deployment } = new Quickstart();
    const example = readFileSync("deploy/examples/backfill/simulation.yaml", "utf8");
    const object = load(
      example
        .replace("http://prometheus.monitoring:9090/api/v1/write", `${gate.url}/api/v1/write`)
        .replace("http://prometheus.monitoring:9090", prometheus.url)
        .replace("window: 1h", "window: 5m")
        .replace("offset: 5m", `until: ${new Date((START + 600) * 1000).toISOString()}`),
    ) as { spec: object };
    const overrides = { replicas: 2 };
    writeFileSync(join(folder, "deployment.yaml"), dump(deployment));
    writeFileSync(
      join(folder, "simulation.yaml"),
      dump({ ...object, spec: { ...object.spec, overrides, run: { warmUp: "0s", bands: false } } }, { noRefs: true }),
    );
    const allowed = ["--allow-url", prometheus.url, "--allow-url", `${gate.url}/api/v1/write`];
    let program = await up([folder, ...allowed]);
    try {
      const status = async () => {
        const answer = await fetch(`${program.url}/api/v1/simulations/inference/chat-last-hour`);
        return ((await answer.json()) as { status?: SimulationStatus }).status;
      };
      const pushedAll = (what: string) =>
        eventually(async () => (await status())?.conditions.find(({ type }) => type === "Pushed")?.status === "True", {
          withinSeconds: 60,
          what,
          detail: program.output,
        });
      await pushedAll("Pushed");
      const { remoteWrite } = (await status()) ?? {};
      expect(remoteWrite).toMatchObject({ failed: 0, dropped: 0 });
      expect(Date.parse(remoteWrite?.until ?? "")).toBe((START + 615) * 1000);
      const page = await (await fetch(`${program.url}/metrics`)).text();
      expect(page).toContain(`servetwin_remote_write_samples_total ${floatText(remoteWrite?.sent ?? 0)}\n`);
      expect(page).toContain("servetwin_remote_write_samples_pending 0.0\n");
      // Both sides of one graph.
      const rise = async (name: string): Promise<number> =>
        (await prometheus.query(`sum(increase(${name}[4m]))`, START + 600))[0]?.value ?? 0;
      const [real, twin] = [
        await rise("vllm:request_success_total"),
        await rise(`sim:vllm:request_success_total{simulation="inference/chat-last-hour"}`),
      ];
      expect(real).toBeGreaterThan(500);
      expect(Math.abs(twin / real - 1)).toBeLessThan(0.1);

      // A folder's status lives as long as the operator: the next one pushes the same samples.
      await program.stop();
      gate.seen.length = 0;
      program = await up([folder, ...allowed]);
      await pushedAll("Pushed again");
      expect(gate.seen.every(({ status: code }) => code === 204)).toBe(true);
    } finally {
      await program.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses a URL that is not allowed, and a run without a date", () => {
    const asked = (url: string) =>
      ({ spec: { export: { remoteWrite: { url, interval: "15s" } } } }) as unknown as InferenceSimulation;
    const problems = (one: Scenario) =>
      remoteWriteProblems(asked("http://a/api/v1/write"), one, ["http://a/api/v1/write"], []);
    expect(remoteWriteProblems(asked("http://b/"), said("x"), ["http://a/"], [])).toMatchObject([
      { reason: "UrlNotAllowed", field: "spec.export.remoteWrite.url" },
    ]);
    expect(problems(said("x"))).toMatchObject([{ reason: "NoDate" }]);
    expect(problems({ ...said("x"), startUnixSeconds: START })).toEqual([]);
  });
});
