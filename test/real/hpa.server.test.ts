import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PodView } from "../../src/controlplane/autoscaler.ts";
import { eventually, type Program, up } from "../e2e/program.ts";
import { binaries } from "../env/build.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { temporaryDirectory } from "../env/daemon.ts";
import { apply, applyAll, type Manifest, manifestsOf } from "../env/manifests.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { type PrometheusAdapter, startPrometheusAdapter } from "../env/prometheus-adapter.ts";
import { clusterRbac } from "../install/render.ts";
import { apart, type Course } from "./course.ts";
import {
  ADAPTER_CONFIG,
  DOWNSCALE_WINDOW_SECONDS,
  LOOPS,
  type Loop,
  loopOf,
  RUNNING,
  SCRAPE_SECONDS,
  SYNC_SECONDS,
  syncedAt,
  TOLERANCE_SECONDS,
  twinCourse,
  twinOf,
} from "./loops.ts";
import { AUDIT_POLICIES, heldUp, recordedSyncs } from "./recorded-syncs.ts";
import { timeoutOfRuns, undisturbed } from "./repeat.ts";
import { type Decided, decidedByReal, decidedByTwin, type PlacedPods } from "./replayed-syncs.ts";

/**
 * The real HPA controller scales simulated replicas: the operator's Shadows serve their metrics, a real Prometheus scrapes
 * them, a real prometheus-adapter answers for external and custom metrics from it, kube-controller-manager acts through /scale.
 * What it saw and did at each sync is read from the servers' audit logs and held against the twin's own HPA, in two ways:
 * sync by sync, and as a whole loop on the same traffic.
 */
const root = new URL("../../", import.meta.url);
const EXAMPLE = "deploy/examples/real-autoscalers";
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

/** How long the loops run, and how many syncs that has to give. */
const RUN_SECONDS = 64;
const LEAST_SYNCS = 200;
/** Shares of the time at which the two courses may differ by more than the tolerance: of one loop, and of all together. */
const MOST_APART = { one: 0.25, all: 0.05 };

const metric = (type: "Pods" | "External", target: object) => [
  { type, [type === "Pods" ? "pods" : "external"]: { metric: { name: RUNNING }, target } },
];
const steps = [{ shape: "ramp", at: "8s", duration: "35s", from: 0.8, to: 5.6 }];
/** Loops that look at pods: the test sets how ready placeholders of that name are. */
const POD_LOOPS = [
  loopOf("value", steps, metric("External", { type: "Value", value: "12" })),
  loopOf("pods", steps, metric("Pods", { type: "AverageValue", averageValue: "12" })),
];

const ALL = [...LOOPS, ...POD_LOOPS];

let plane: ControlPlane;
let operator: Program;
let prometheus: Prometheus;
let adapter: PrometheusAdapter;
let folder: ReturnType<typeof temporaryDirectory>;
const logOf = (server: keyof typeof AUDIT_POLICIES): string => join(folder.path, `${server}.log`);
/** Flags that let a server write down what is asked of it. */
const audit = (server: keyof typeof AUDIT_POLICIES): string[] => {
  const policy = join(folder.path, `${server}.json`);
  writeFileSync(policy, JSON.stringify(AUDIT_POLICIES[server]));
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${logOf(server)}`];
};

/** Unix seconds at which each Shadow began: news that came at once has the least between. */
const began = new Map<string, number>();
/** Pods of a namespace after each write. */
const pods = new Map<string, PlacedPods[]>();
/** What a controller's informer is late by at most. */
const INFORMER_MICROS = 500_000;

const simulationOf = ({ manifests }: Loop): Manifest => manifests[2] as Manifest;
const syncsOf = ({ namespace }: Loop) => recordedSyncs([logOf("api"), logOf("adapter")], namespace);

const look = async (): Promise<void> => {
  const { simulations } = (await (await fetch(`${operator.url}/api/v1/simulations`)).json()) as {
    simulations: { namespace: string; simulatedSeconds?: number }[];
  };
  const now = Date.now() / 1000;
  for (const { namespace, simulatedSeconds } of simulations) {
    if (simulatedSeconds === undefined || simulatedSeconds === 0) continue;
    began.set(namespace, Math.min(began.get(namespace) ?? Number.POSITIVE_INFINITY, now - simulatedSeconds));
  }
};

/** Sets what the placeholder Pods of a loop look like, right after a sync, so that the next one sees it. */
const place = async (loop: Loop, wanted: readonly { name: string; phase: string; ready: boolean }[]): Promise<void> => {
  const { namespace } = loop;
  const before = syncsOf(loop).length;
  await eventually(async () => syncsOf(loop).length > before, { what: `a sync of ${namespace}` });
  const placed = pods.get(namespace) ?? [];
  pods.set(namespace, placed);
  /** Writes what a pod then looks like, and notes when it may have been seen. */
  const write = async (view: PodView, manifest: Manifest, part?: "/status"): Promise<void> => {
    const sent = Date.now() * 1000;
    await apply(plane, manifest, part);
    const others = placed.at(-1)?.views.filter(({ name }) => name !== view.name) ?? [];
    placed.push({ sent, seen: Date.now() * 1000 + INFORMER_MICROS, views: [...others, view] });
  };
  for (const { name, phase, ready } of wanted) {
    const labels = { "servetwin.dev/simulation": `${namespace}.${simulationOf(loop).metadata.name}` };
    const head = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace } };
    const spec = { containers: [{ name: "vllm", image: "example.test/vllm:1" }] };
    const created: PodView = {
      name,
      phase: "Pending",
      ready: false,
      startedAt: undefined,
      readyChangedAt: undefined,
      deleting: false,
    };
    const known = placed.at(-1)?.views.some((view) => view.name === name) === true;
    if (!known) await write(created, { ...head, metadata: { ...head.metadata, labels }, spec });
    const conditions = [
      { type: "Ready", status: ready ? "True" : "False", lastTransitionTime: "2026-01-01T00:00:00Z" },
    ];
    const status = { phase, startTime: "2026-01-01T00:00:00Z", conditions };
    await write({ ...created, phase: phase as PodView["phase"], ready }, { ...head, status }, "/status");
  }
};

/** Names of the simulated pods that serve. */
const podNames = async ({ namespace }: Loop): Promise<string[]> => {
  const page = await (await fetch(`${operator.url}/metrics`)).text();
  const line = new RegExp(`^vllm:num_requests_running\\{.*\\}`, "gm");
  const labels = (page.match(line) ?? []).filter((text) => text.includes(`namespace="${namespace}"`));
  return labels.map((text) => /[{,]pod="([^"]+)"/.exec(text)?.[1] ?? "");
};

/** What the real controller did, and what the twin does alone, in seconds of the world. */
const coursesOf = (loop: Loop): { readonly real: Course; readonly twin: Course; readonly until: number } => {
  const syncs = syncsOf(loop);
  const inWorld = (at: number): number => at / 1e6 - (began.get(loop.namespace) ?? Number.NaN);
  const steps = syncs.flatMap(({ wrote }) =>
    wrote === undefined ? [] : { atSeconds: inWorld(wrote.at), replicas: wrote.replicas },
  );
  const [first, last] = [syncs.find(({ at }) => inWorld(at) > 0), syncs.at(-1)];
  if (first === undefined || last === undefined) throw new Error("no sync");
  const period = (last.at - first.at) / 1e6 / (syncs.length - 1 - syncs.indexOf(first));
  const until = inWorld(last.at);
  return {
    real: { start: 1, steps },
    twin: twinCourse(syncedAt(twinOf(loop), inWorld(first.at), period), until),
    until,
  };
};

const start = async (): Promise<void> => {
  folder = temporaryDirectory("audit");
  plane = await startControlPlane({
    controllerManager: true,
    hpaSyncPeriodSeconds: SYNC_SECONDS,
    hpaDownscaleStabilizationSeconds: DOWNSCALE_WINDOW_SECONDS,
    apiServerFlags: audit("api"),
    controllerManagerFlags: ["--concurrent-horizontal-pod-autoscaler-syncs=20"],
    readyWithinSeconds: 90,
  });
  await applyAll(plane, read("crds/servetwin.dev_inferencesimulations.yaml"));
  for (const name of ["servetwin-system", ...ALL.map(({ namespace }) => namespace)])
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const manifest of await clusterRbac()) await apply(plane, manifest);
  const user = await plane.user("system:serviceaccount:servetwin-system:servetwin");
  await eventually(
    async () => (await plane.request("GET", "/apis/servetwin.dev/v1alpha1/inferencesimulations")).status === 200,
    { what: "the CRD" },
  );
  operator = await up(["--kubeconfig", user.kubeconfigPath], 90);
  prometheus = await startPrometheus({
    scrape: [
      {
        job: "servetwin",
        target: new URL(operator.url).host,
        intervalSeconds: SCRAPE_SECONDS,
        honorLabels: true,
      },
    ],
    readyWithinSeconds: 90,
  });
  adapter = await startPrometheusAdapter(plane, {
    prometheusUrl: prometheus.url,
    config: ADAPTER_CONFIG,
    flags: audit("adapter"),
    readyWithinSeconds: 90,
  });
  // Those that look at pods go first: the others begin when controller and adapter know the kind and the metrics.
  for (const { manifests } of POD_LOOPS) for (const manifest of manifests) await apply(plane, manifest);
  const [first] = POD_LOOPS as [Loop];
  const sees = async () => syncsOf(first).some(({ queries }) => queries[0]?.elements !== undefined);
  await eventually(sees, { withinSeconds: 90, what: "a sync that sees its metric" });
  for (const { manifests } of LOOPS) for (const manifest of manifests) await apply(plane, manifest);
  await eventually(async () => (await look(), began.size === ALL.length), { withinSeconds: 60, what: "all Shadows" });
};

const run = async (): Promise<void> => {
  const last = Math.max(...began.values());
  const [value, ofPods] = POD_LOOPS as [Loop, Loop];
  const [own = ""] = await eventually(
    async () => {
      const names = await podNames(ofPods);
      return names.length > 0 && names;
    },
    { what: "a simulated pod" },
  );
  const at = (seconds: number) => sleep(Math.max(0, (last + seconds) * 1000 - Date.now()));
  let done = false;
  const looking = (async () => {
    for (; !done; await sleep(250)) await look();
  })();
  const running = (name: string, ready = true) => ({ name, phase: "Running", ready });
  const pending = (name: string) => ({ name, phase: "Pending", ready: false });
  try {
    await place(value, [running("one"), running("two", false)]);
    await place(ofPods, [running(own)]);
    await at(20);
    await place(value, [running("one"), running("two")]);
    await place(ofPods, [running(own), pending("starting")]);
    await at(35);
    await place(value, [running("one"), running("two"), running("three"), pending("four")]);
    await place(ofPods, [running(own), running("starting"), running("unseen")]);
    await at(50);
    await place(value, [running("one", false), running("two"), running("three", false), pending("four")]);
    await at(RUN_SECONDS);
  } finally {
    done = true;
    await looking;
  }
};

const stop = async (): Promise<void> => {
  await adapter?.stop();
  await prometheus?.stop();
  await operator?.stop();
  await plane?.stop();
  folder?.remove();
  began.clear();
  pods.clear();
};

const heldUpAnywhere = async (): Promise<string | undefined> => {
  const held = ALL.flatMap((loop) => heldUp(syncsOf(loop), SYNC_SECONDS)?.concat(` in ${loop.namespace}`) ?? []);
  return held.length === 0 ? undefined : held.join(", ");
};

beforeAll(async () => {
  const onNewServers = async (): Promise<void> => {
    await stop();
    await start();
    await run();
  };
  await undisturbed(onNewServers, heldUpAnywhere);
}, timeoutOfRuns(300));

afterAll(stop, 60_000);

describe("the real HPA controller on simulated replicas", () => {
  it.each(ALL.map((loop) => [loop.namespace, loop] as const))(
    "decides at each sync of %s what the twin's HPA decides on the same values",
    (_name, loop) => {
      const syncs = syncsOf(loop);
      const [autoscaler] = twinOf(loop).autoscalers;
      if (autoscaler === undefined) throw new Error("no autoscaler");
      expect(syncs.length).toBeGreaterThan(RUN_SECONDS / SYNC_SECONDS / 2);
      expect(syncs.filter(({ wrote }) => wrote !== undefined).length).toBeGreaterThan(0);
      const described = (decided: readonly Decided[]) =>
        decided.map((one, i) => ({ sync: i, saw: JSON.stringify([syncs[i]?.scale, syncs[i]?.queries]), ...one }));
      const real = described(syncs.map(decidedByReal));
      const ways = [...decidedByTwin(autoscaler, syncs, pods.get(loop.namespace) ?? [])].map(described);
      expect(ways.find((way) => isDeepStrictEqual(way, real)) ?? ways[0]).toEqual(real);
    },
  );

  it("did so often enough", () => {
    const count = LOOPS.reduce((sum, loop) => sum + syncsOf(loop).length, 0);
    expect(count).toBeGreaterThanOrEqual(LEAST_SYNCS);
  });

  it("takes the courses that the twin's own takes", () => {
    const shares = LOOPS.map((loop) => {
      const { real, twin, until } = coursesOf(loop);
      const share = apart(real, twin, TOLERANCE_SECONDS, until);
      const lines = [real, twin].map(({ steps: all }) =>
        all.map(({ atSeconds, replicas }) => `${atSeconds.toFixed(1)}s→${replicas}`),
      );
      const syncs = syncsOf(loop).length;
      console.info(
        `${loop.namespace}: ${syncs} syncs, apart ${(100 * share).toFixed(1)} %\nreal ${lines[0]?.join(" ")}\ntwin ${lines[1]?.join(" ")}`,
      );
      return share;
    });
    expect(Math.max(...shares)).toBeLessThan(MOST_APART.one);
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeLessThan(MOST_APART.all);
  });
});

describe("the example", () => {
  it("is taken by the API server as it is, and by the operator without a warning but those it is due", async () => {
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: "inference" } });
    for (const file of ["vllm-llama-8b.yaml", "hpa.yaml", "simulation.yaml"])
      await applyAll(plane, read(`${EXAMPLE}/${file}`));
    const path = "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations/vllm-llama-8b";
    const status = await eventually(
      async () => {
        const { body } = await plane.request("GET", path);
        const { status: found } = body as { status?: { phase: string; replicas?: number; warnings: string[] } };
        return found?.phase === "Following" && found.replicas === 1 && found;
      },
      { what: "Following" },
    );
    expect(status.warnings.join()).toMatch(/^[^,]*production's names[^,]*, or they may steer production[^,]*$/);
    const scaled = await plane.request("PATCH", `${path}/scale`, { spec: { replicas: 3 } });
    expect(scaled.status).toBe(200);
    const readBack = async () => {
      const { body } = await plane.request("GET", `${path}/scale`);
      return (body as { status: { replicas: number } }).status.replicas === 3;
    };
    await eventually(readBack, { withinSeconds: 10, what: "the new replicas in /scale" });
    for (const kind of ["inferencesimulations", "horizontalpodautoscalers"]) {
      const group = kind === "inferencesimulations" ? "servetwin.dev/v1alpha1" : "autoscaling/v2";
      await plane.request("DELETE", `/apis/${group}/namespaces/inference/${kind}/vllm-llama-8b`);
    }
  }, 60_000);

  it("has a configuration that Prometheus takes", async () => {
    const { promtool } = await binaries({ needed: ["promtool"] });
    const file = fileURLToPath(new URL(`${EXAMPLE}/prometheus.yml`, root));
    const { stdout } = await promisify(execFile)(promtool, ["check", "config", file]);
    expect(stdout).toContain("SUCCESS");
  });

  it("does not scale without spec.replicas: /scale answers with an error", async () => {
    const [simulation] = manifestsOf(read(`${EXAMPLE}/simulation.yaml`), "default") as [Manifest];
    const { replicas: _, ...spec } = simulation.spec as Record<string, unknown>;
    await apply(plane, { ...simulation, spec });
    const path = "/apis/servetwin.dev/v1alpha1/namespaces/default/inferencesimulations/vllm-llama-8b";
    const answer = await plane.request("GET", `${path}/scale`);
    expect(answer).toMatchObject({ status: 500, body: { message: expect.stringContaining(".spec.replicas") } });
    await plane.request("DELETE", path);
  });
});
