import { readFileSync } from "node:fs";
import { loadAll } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SimulationStatus } from "../../src/schema/simulation-status.ts";
import type { NodesScenario } from "../../src/twin/scenario.ts";
import { driftScenario } from "../bench/drift.ts";
import { eventually, type Program, up } from "../e2e/program.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { apply, applyAll, type Manifest } from "../env/manifests.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { clusterRbac } from "../install/render.ts";
import { playProduction } from "../synthetic-production.ts";

/** `spec.calibration: Auto` on a real API server, with the operator's own rights, from a real Prometheus. */
const SECONDS = 1200;
const START = Math.floor(Date.now() / 60_000) * 60 - SECONDS - 300;
/** By which production's steps take longer than the twin's. */
const SLOWER = 1.15;
/** 120 s, and then up to the next probe. */
const SLOW_START = {
  scheduleSeconds: { mean: 1, deviation: 0 },
  imagePullSeconds: { mean: 20, deviation: 0 },
  modelLoadSeconds: { mean: 60, deviation: 8 },
  engineInitSeconds: { mean: 40, deviation: 5 },
  probe: { initialDelaySeconds: 0, periodSeconds: 5 },
};
/** kube-state-metrics tells of pods that are on nodes. */
const NODES: NodesScenario = {
  pools: [
    {
      name: "h100",
      gpusPerNode: 8,
      labels: {},
      taints: [],
      minNodes: 1,
      maxNodes: 1,
      weight: 0,
      nodes: 1,
      provisionSeconds: { mean: 120, deviation: 0 },
    },
  ],
  scoring: { strategy: "LeastAllocated" },
  autoscaler: { kind: "None" },
  pods: {
    "vllm-llama-8b": {
      placement: { gpus: 1, priority: 0, nodeSelector: {}, affinity: [], tolerations: [] },
      members: 1,
      evictable: true,
      image: "vllm",
      imagePullSeconds: { mean: 0, deviation: 0 },
      weightBytes: 16e9,
      storage: { name: "claim", perNode: false },
    },
  },
  disruptions: [],
};
const SIMULATIONS = "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

let plane: ControlPlane;
let prometheus: Prometheus;
let operator: Program;

const simulation = (name: string, spec: Record<string, unknown>, prometheusSaid: object): Manifest => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name, namespace: "inference" },
  spec: {
    mirror: { workloads: [{ kind: "Deployment", name: "vllm-llama-8b" }] },
    calibration: "Auto",
    workload: { prometheus: { url: prometheus.url, ...prometheusSaid } },
    run: { horizon: "10m", bands: false },
    ...spec,
  },
});
const statusOf = async (name: string): Promise<SimulationStatus | undefined> =>
  ((await plane.request("GET", `${SIMULATIONS}/${name}`)).body as { status?: SimulationStatus }).status;
const condition = (status: SimulationStatus | undefined, type: string) =>
  status?.conditions.find((one) => one.type === type);
const until = (name: string, type: string, reason: string): Promise<SimulationStatus> =>
  eventually(
    async () => {
      const status = await statusOf(name);
      return condition(status, type)?.reason === reason && status;
    },
    { what: `${type} ${reason} of ${name}`, withinSeconds: 100, detail: () => operator.output() },
  );
const eventsOf = async (name: string): Promise<string[]> => {
  const { body } = await plane.request("GET", "/apis/events.k8s.io/v1/namespaces/inference/events");
  const { items } = body as { items: { reason: string; regarding: { name: string } }[] };
  return items.filter(({ regarding }) => regarding.name === name).map(({ reason }) => reason);
};
const isoOf = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(".000", "");

beforeAll(async () => {
  const scenario = { ...driftScenario(SLOWER, 2), seed: 11, nodes: NODES };
  const workloads = scenario.workloads.map((workload) => ({ ...workload, start: SLOW_START }));
  const played = playProduction(
    { ...scenario, workloads },
    { startSeconds: START, seconds: SECONDS, scrapeSeconds: 15, prefixes: ["vllm:", "kube_pod_"], scales: { 500: 8 } },
  );
  [prometheus, plane] = await Promise.all([startPrometheus({ backfill: played.openMetrics }), startControlPlane()]);
  await applyAll(plane, read("crds/servetwin.dev_inferencesimulations.yaml"));
  for (const name of ["inference", "servetwin-system"])
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const manifest of await clusterRbac()) await apply(plane, manifest);
  await applyAll(plane, read("deploy/examples/quickstart/vllm-llama-8b.yaml"), "inference");
  await eventually(async () => (await plane.request("GET", SIMULATIONS)).status === 200, { what: "the CRD" });
  const user = await plane.user("system:serviceaccount:servetwin-system:servetwin");
  operator = await up(["--kubeconfig", user.kubeconfigPath, "--allow-url", prometheus.url], 60);
});
afterAll(async () => {
  await operator?.stop();
  await Promise.all([plane?.stop(), prometheus?.stop()]);
});

describe("calibration: Auto", () => {
  it("fits the engine before a preview, simulates with it, and keeps it over a restart", async () => {
    const window = { window: "20m", until: isoOf(START + SECONDS) };
    await apply(plane, simulation("chat", {}, window));
    const reasons = new Set<string>();
    const done = await eventually(
      async () => {
        const status = await statusOf("chat");
        reasons.add(condition(status, "Ready")?.reason ?? "");
        return status?.phase === "Succeeded" && status;
      },
      { what: "the preview", withinSeconds: 100, detail: () => operator.output() },
    );
    expect(reasons).toContain("Fitting");
    expect(condition(done, "Calibrated")).toMatchObject({ status: "True", reason: "Fitted" });
    const { overrides, values, misfit, requests, starts } = done.calibration as NonNullable<typeof done.calibration>;
    const { stepFactor = 0, stepDeviation } = overrides.engine?.latencyCorrections ?? {};
    const fitted = values.find(({ name }) => name === "stepFactor");
    expect(Math.abs(stepFactor - SLOWER)).toBeLessThan(0.05);
    expect(fitted).toMatchObject({ before: 1, after: stepFactor });
    expect(fitted?.low).toBeLessThan(stepFactor);
    expect(fitted?.high).toBeGreaterThan(stepFactor);
    expect(stepDeviation).toBeLessThan(0.05);
    expect(misfit?.after).toBeLessThan((misfit?.before ?? 0) / 2);
    expect(requests).toBeGreaterThan(1000);
    const used = done.mirrored?.find(({ path }) => path.endsWith("latencyCorrections.stepFactor"));
    expect(used).toMatchObject({
      value: String(stepFactor),
      from: "derived: fitted to production, see status.calibration",
    });
    const startUp = values.find(({ name }) => name === "startUntilReadySeconds");
    expect(starts).toBe(6);
    expect(startUp?.low).toBeLessThan(125);
    expect(startUp?.high).toBeGreaterThan(118);
    expect(Math.abs((startUp?.after ?? 0) - 122.5)).toBeLessThan(10);
    expect(Number.parseFloat(overrides.start?.untilReady.mean ?? "")).toBeCloseTo(startUp?.after ?? 0, 0);
    const ofStart = done.mirrored?.find(({ path }) => path.endsWith("start.untilReady.meanSeconds"));
    expect(ofStart?.from).toBe("derived: fitted to production, see status.calibration");
    await eventually(async () => (await eventsOf("chat")).includes("Calibrated"), { what: "an Event" });

    // What is in the status is not fitted again: by whoever begins anew, and where the window is the same.
    const { digest } = done.runs?.[0] ?? {};
    const next = await up(["--kubeconfig", plane.kubeconfigPath(), "--allow-url", prometheus.url], 60);
    await operator.stop();
    operator = next;
    await eventually(
      async () =>
        (await fetch(`${next.url}/metrics`)).text().then((text) => text.includes('simulation="inference/chat"')),
      {
        what: "series of the next operator",
        withinSeconds: 60,
        detail: () => next.output(),
      },
    );
    const after = await statusOf("chat");
    expect([after?.calibration, after?.runs?.[0]?.digest]).toEqual([done.calibration, digest]);
    expect(next.output()).not.toMatch(/Calibrated/);
    expect(await eventsOf("chat")).toEqual(expect.arrayContaining(["Calibrated", "SimulationCompleted"]));
  });

  it("fits nothing to too little, says so, and simulates without", async () => {
    await apply(plane, simulation("short", {}, { window: "10m", until: isoOf(START + SECONDS) }));
    const status = await until("short", "Calibrated", "NotEnoughData");
    const done = await eventually(
      async () => {
        const now = await statusOf("short");
        return now?.phase === "Succeeded" && now;
      },
      { what: "the preview", withinSeconds: 60, detail: () => operator.output() },
    );
    expect(condition(status, "Calibrated")?.status).toBe("False");
    expect(done.calibration).toBeUndefined();
    await eventually(async () => (await eventsOf("short")).includes("NotEnoughData"), { what: "an Event" });
  });

  it("fits a Shadow beside its run, which begins anew with what was found", async () => {
    const [example] = loadAll(read("deploy/examples/calibration/simulation.yaml")) as Manifest[];
    const { workload, ...spec } = (example as { spec?: object }).spec as { workload: { prometheus: object } };
    const { prometheus: said } = workload;
    const window = { ...said, url: prometheus.url, window: "20m", until: isoOf(START + SECONDS) };
    await apply(plane, simulation("shadow", spec, window));
    const status = await until("shadow", "Calibrated", "Fitted");
    expect(status.calibration?.overrides.engine?.latencyCorrections["stepFactor"]).toBeCloseTo(SLOWER, 1);
    await eventually(
      async () => {
        const used = (await statusOf("shadow"))?.mirrored?.find(({ path }) => path.endsWith(".stepFactor"));
        return used !== undefined;
      },
      { what: "the Shadow with what was found", detail: () => operator.output() },
    );
  });
});
