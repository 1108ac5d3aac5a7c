import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { dump } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rngOf } from "../../src/sim/rng.ts";
import type { FoundTraffic } from "../../src/twin/scenario.ts";
import { observeWindow } from "../../src/worker/observe-window.ts";
import { ObservedSource } from "../../src/workload/observed/index.ts";
import { distance } from "../distribution-distance.ts";
import { BUNDLE, eventually, type Program, up } from "../e2e/program.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { playProduction, type SyntheticProduction } from "../synthetic-production.ts";
import { Quickstart } from "../twin/quickstart.ts";
import { drain } from "../workload/drain.ts";

const SECONDS = 1800;
const STEP = 30;
/** Whole minutes, a while ago, so that all of it can be asked for. */
const START = Math.floor(Date.now() / 60_000) * 60 - SECONDS - 600;
const SELECTOR = '{namespace="inference"}';
const CLIENTS = [
  {
    name: "chat",
    rate: 4,
    prompt: { distribution: "lognormal", mean: 700, deviation: 600, max: 8000 },
    output: { distribution: "lognormal", mean: 150, deviation: 100, max: 2000 },
    prefix: { tokens: 320, groups: 1 },
  },
];
const PATTERN = [{ shape: "ramp", at: "10m", duration: "5m", from: 1, to: 2 }];

let production: SyntheticProduction;
let prometheus: Prometheus;

/** A production of two pods of the quickstart's Deployment, whose traffic doubles. */
const play = (): SyntheticProduction => {
  const quickstart = new Quickstart();
  const { simulation } = quickstart;
  simulation.spec.overrides = { ...simulation.spec.overrides, replicas: 2 };
  quickstart.gone.add(quickstart.hpa);
  simulation.spec.workload = { synthetic: { clients: CLIENTS, pattern: PATTERN } };
  const mirrored = quickstart.mirror();
  if (!mirrored.ok) throw new Error(JSON.stringify(mirrored.problems));
  return playProduction(mirrored.value.scenario, { startSeconds: START, seconds: SECONDS, scrapeSeconds: 15 });
};

beforeAll(async () => {
  production = play();
  prometheus = await startPrometheus({ backfill: production.openMetrics });
});
afterAll(() => prometheus?.stop());

const observe = (from: number, to: number): Promise<FoundTraffic> =>
  observeWindow(
    { url: prometheus.url },
    { selector: SELECTOR, metrics: "Auto", stepMicros: STEP * 1e6, fromSeconds: START + from, toSeconds: START + to },
    Date.now() / 1000,
  );

describe("traffic of a synthetic production, read from a real Prometheus", () => {
  it("has its rate over time, its lengths as distributions and its prefix hits", async () => {
    const found = await observe(300, 1500);
    expect(found.families).toMatchObject({ name: "vLLM", prompts: "vllm:request_prompt_tokens" });
    expect(found.notes).toMatchObject({ targets: 2, resets: 0, gaps: 0, badSamples: 0, withoutInf: 0, late: 0 });
    const said = { steps: found.steps, stepMicros: STEP * 1e6, repeated: false, rateScale: 1 };
    const requests = drain(new ObservedSource(said, rngOf(1)));
    const truth = production.requests.filter(({ arrival }) => arrival >= 300e6 && arrival < 1500e6);
    const perMinute = (all: readonly { arrival: number }[], from: number): number[] =>
      Array.from({ length: 20 }, (_, i) => all.filter((r) => Math.floor((r.arrival - from) / 60e6) === i).length);
    const [real, recovered] = [perMinute(truth, 300e6), perMinute(requests, 0)];
    real.forEach((count, minute) => {
      // Scrapes fall on the minutes here; what is not seen is how requests lie between two scrapes.
      expect(Math.abs((recovered[minute] as number) - count), `minute ${minute}: ${real} ${recovered}`).toBeLessThan(3);
    });
    expect(
      distance(
        truth.map((r) => r.promptTokens),
        requests.map((r) => r.promptTokens),
      ),
    ).toBeLessThan(0.06);
    expect(
      distance(
        truth.map((r) => r.outputTokens),
        requests.map((r) => r.outputTokens),
      ),
    ).toBeLessThan(0.06);
    const shared = requests.reduce((sum, { prefix }) => sum + (prefix?.kind === "group" ? prefix.tokens : 0), 0);
    const [hits, queries] = await Promise.all(
      ["hits", "queries"].map(async (what) => {
        const increase = `sum(increase(vllm:prefix_cache_${what}_total${SELECTOR}[20m]))`;
        return (await prometheus.query(increase, START + 1500))[0]?.value as number;
      }),
    );
    const tokens = requests.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
    expect(shared / tokens).toBeCloseTo((hits as number) / (queries as number), 1);
  });

  it("is told as missing where nothing was scraped, and makes nothing up", async () => {
    const { steps } = await observe(-1200, -600).catch((error: Error) => ({ steps: error }));
    expect(steps).toMatchObject({ reason: "NoProductionSeries" });
    const { steps: half } = await observe(-240, 240);
    expect(half.slice(0, 7).every(({ coverage, classes }) => coverage === 0 && classes.length === 0)).toBe(true);
    expect(half.slice(9).every(({ coverage }) => coverage === 1)).toBe(true);
  });
});

describe("the program", () => {
  let folder: string;
  let guard: Server;
  let guarded = "";
  /** What it asks for before it passes a query on; undefined: it is down. */
  let token: string | undefined = "good";

  const simulation = (mode: string, more: object = {}) => ({
    apiVersion: "servetwin.dev/v1alpha1",
    kind: "InferenceSimulation",
    metadata: { name: "live", namespace: "inference" },
    spec: {
      mode,
      mirror: { workloads: [{ kind: "Deployment", name: "vllm-llama-8b" }] },
      overrides: { replicas: 2 },
      workload: { prometheus: { url: guarded, ...more } },
      run: { bands: false },
    },
  });
  const write = (name: string, object: object): void =>
    writeFileSync(join(folder, name), dump(object, { noRefs: true }));

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "servetwin-live-"));
    guard = createServer((request, answer) => {
      if (token === undefined) return request.socket.destroy();
      if (request.headers.authorization !== `Bearer ${token}`) return answer.writeHead(401).end();
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", async () => {
        const type = { "content-type": request.headers["content-type"] ?? "" };
        const passed = await fetch(`${prometheus.url}${request.url}`, {
          method: "POST",
          headers: type,
          body: Buffer.concat(parts),
        });
        answer.writeHead(passed.status).end(await passed.text());
      });
    });
    guarded = await new Promise<string>((resolve) => {
      guard.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(guard.address() as { port: number }).port}`));
    });
    writeFileSync(join(folder, "token"), "good\n");
    write("deployment.yaml", new Quickstart().deployment);
  });
  afterAll(() => {
    guard?.closeAllConnections();
    guard?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [BUNDLE, "run", "-f", folder, "-o", "json", ...args], { maxBuffer: 1 << 26 });

  it("runs a window again as it was, with the window's own time", async () => {
    const until = new Date((START + 1500) * 1000).toISOString().replace(".000", "");
    write("simulation.yaml", simulation("Replay", { window: "6m", until }));
    const withToken = ["--prometheus-token-file", `${guarded}=${join(folder, "token")}`];
    const { stdout } = await run(...withToken);
    const [report] = JSON.parse(stdout).simulations[0].runs;
    const truth = production.requests.filter(({ arrival }) => arrival >= 1140e6 && arrival < 1500e6).length;
    expect(report.horizonSeconds).toBe(360);
    expect(report.startUnixSeconds).toBe(START + 1140);
    expect(Math.abs(report.kpis.requests.arrived - truth)).toBeLessThan(4);

    const example = readFileSync("deploy/examples/live-traffic/simulations.yaml", "utf8");
    writeFileSync(join(folder, "simulation.yaml"), example.replaceAll("http://prometheus.monitoring:9090", guarded));
    const doubled = JSON.parse((await run(...withToken, "--simulation", "chat-doubled", "--no-bands")).stdout);
    expect(doubled.simulations[0].runs[0].kpis.requests.arrived).toBeGreaterThan(truth);
  });

  it("says what is wrong: no permission, the wrong token, nobody there", async () => {
    const refusal = async (...args: string[]) =>
      run(...args).then(
        () => "",
        (error: { stderr: string; code: number }) => `${error.code} ${error.stderr}`,
      );
    expect(await refusal()).toMatch(/^2 .*is not on the operator's allow list/s);
    expect(await refusal("--allow-url", guarded)).toMatch(/^2 .*answers 401.*--prometheus-token-file/s);
    token = undefined;
    expect(await refusal("--allow-url", guarded)).toMatch(/^2 .*can't be read/s);
    token = "good";
  });

  it("follows live traffic, waits while Prometheus is away, and catches up", async () => {
    let playing: Program | undefined;
    let following: Program | undefined;
    let scraping: Prometheus | undefined;
    const [stage, own] = [
      mkdtempSync(join(tmpdir(), "servetwin-stage-")),
      mkdtempSync(join(tmpdir(), "servetwin-twin-")),
    ];
    const before = prometheus;
    try {
      const shadow = simulation("Shadow");
      const played = {
        ...shadow,
        metadata: { name: "production", namespace: "inference" },
        spec: {
          ...shadow.spec,
          workload: { synthetic: { clients: [{ ...CLIENTS[0], rate: 8 }] } },
          export: { naming: "Production" },
        },
      };
      for (const [where, object] of [
        [stage, played],
        [own, simulation("Shadow", { step: "2s", delay: "19s" })],
      ] as const) {
        writeFileSync(join(where, "deployment.yaml"), dump(new Quickstart().deployment));
        writeFileSync(join(where, "simulation.yaml"), dump(object, { noRefs: true }));
      }
      playing = await up([stage]);
      scraping = await startPrometheus({
        scrape: [{ job: "production", target: new URL(playing.url).host, intervalSeconds: 1, honorLabels: true }],
      });
      prometheus = scraping;
      following = await up([own, "--prometheus-token-file", `${guarded}=${join(folder, "token")}`]);
      const detail = async () =>
        (await (await fetch(`${following?.url}/api/v1/simulations/inference/live`)).json()) as {
          simulatedSeconds?: number;
          kpis: { requestsArrived?: number };
          status: {
            mirrored: { path: string; value: string }[];
            conditions: { type: string; status: string; reason: string }[];
          };
        };
      const ready = async () => (await detail()).status?.conditions?.find(({ type }) => type === "Ready");
      const ofTwin = async (): Promise<number> => {
        const page = await (await fetch(`${following?.url}/metrics`)).text();
        const lines = page.matchAll(/^sim:vllm:request_success_total\{[^}]*\} (\d+)/gm);
        return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
      };
      await eventually(async () => (await ofTwin()) > 50, { withinSeconds: 60, what: "requests of the twin" });
      await eventually(async () => (await ready())?.status === "True", { withinSeconds: 40, what: "Ready" });
      token = undefined;
      await eventually(async () => (await ready())?.reason === "PrometheusUnreachable", {
        withinSeconds: 30,
        what: "PrometheusUnreachable",
      });
      const meanwhile = await ofTwin();
      token = "good";
      await eventually(async () => (await ready())?.reason === "Following", { withinSeconds: 40, what: "Following" });
      await eventually(async () => (await ofTwin()) > meanwhile + 50, { withinSeconds: 40, what: "more requests" });
      const rate = (await detail()).status.mirrored.find(({ path }) => path === "traffic.ratePerSecond.mean");
      expect(Number(rate?.value)).toBeGreaterThan(4);
      expect(Number(rate?.value)).toBeLessThan(13);
      expect(following.output()).not.toContain("reconcile failed");
    } finally {
      prometheus = before;
      token = "good";
      await Promise.all([playing?.stop(), following?.stop(), scraping?.stop()]);
      for (const where of [stage, own]) rmSync(where, { recursive: true });
    }
  });
});
