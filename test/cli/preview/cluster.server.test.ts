import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, runProgram } from "../../e2e/program.ts";
import { type ControlPlane, startControlPlane } from "../../env/control-plane.ts";
import { apply, applyAll, type Manifest } from "../../env/manifests.ts";
import { type Prometheus, startPrometheus } from "../../env/prometheus.ts";
import { playProduction, type SyntheticProduction } from "../../synthetic-production.ts";
import { Quickstart } from "../../twin/quickstart.ts";
import { threeAtLeast } from "./platform.ts";

/**
 * As an SRE would use it: the platform from a real API server, by the kubeconfig of somebody who may read and nothing else, and the traffic from
 * a real Prometheus that knows a production's last half hour.
 */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const SECONDS = 1800;
const LAST_MINUTES = 15;
/** Ended just now. */
const START = Math.floor(Date.now() / 1000) - SECONDS - 30;
const CLIENTS = [
  {
    name: "chat",
    rate: 2,
    prompt: { distribution: "lognormal", mean: 700, deviation: 600, max: 8000 },
    output: { distribution: "lognormal", mean: 150, deviation: 100, max: 2000 },
  },
];

/** In the cluster its traffic is one request a minute: what comes of more is Prometheus' doing. */
const CHAT: Manifest = {
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name: "chat", namespace: "inference" },
  spec: {
    mirror: { workloads: [{ kind: "Deployment", name: "vllm-llama-8b" }] },
    workload: {
      synthetic: {
        clients: [
          {
            name: "any",
            rate: 0.016,
            prompt: { distribution: "constant", tokens: 100 },
            output: { distribution: "constant", tokens: 10 },
          },
        ],
      },
    },
    candidates: [
      {
        name: "three-at-least",
        patches: [{ target: { kind: "HorizontalPodAutoscaler" }, merge: { spec: { minReplicas: 3 } } }],
      },
    ],
    run: { horizon: `${LAST_MINUTES}m` },
  },
};

const READER: readonly Manifest[] = [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "reader", namespace: "inference" },
    rules: [
      {
        apiGroups: ["apps", "autoscaling", "servetwin.dev"],
        resources: ["deployments", "horizontalpodautoscalers", "inferencesimulations"],
        verbs: ["get", "list", "watch"],
      },
    ],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "reader", namespace: "inference" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "sre" }],
  },
];

interface Document {
  readonly objects: readonly string[];
  readonly simulations: readonly {
    readonly simulation: string;
    readonly answer: string;
    readonly values: readonly unknown[];
    readonly comparison: { readonly met?: string; readonly replications: number };
    readonly runs: Readonly<Record<"baseline" | "change", { readonly kpis: { requests: { arrived: number } } }>>;
  }[];
}

let production: SyntheticProduction;
let prometheus: Prometheus;
let plane: ControlPlane;
let kubeconfig: string;
let folder: string;

beforeAll(async () => {
  const quickstart = new Quickstart();
  const { simulation } = quickstart;
  simulation.spec.overrides = { ...simulation.spec.overrides, replicas: 2 };
  quickstart.gone.add(quickstart.hpa);
  simulation.spec.workload = { synthetic: { clients: CLIENTS } };
  const mirrored = quickstart.mirror();
  if (!mirrored.ok) throw new Error(JSON.stringify(mirrored.problems));
  production = playProduction(mirrored.value.scenario, { startSeconds: START, seconds: SECONDS, scrapeSeconds: 15 });
  [prometheus, plane] = await Promise.all([
    startPrometheus({ backfill: production.openMetrics }),
    // Without controllers: whatever changes, the program changed.
    startControlPlane(),
  ]);
  await applyAll(plane, read("crds/servetwin.dev_inferencesimulations.yaml"));
  await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: "inference" } });
  for (const manifest of READER) await apply(plane, manifest);
  await applyAll(plane, read("deploy/examples/quickstart/vllm-llama-8b.yaml"), "inference");
  await applyAll(plane, read("deploy/examples/quickstart/hpa.yaml"), "inference");
  await eventually(() => apply(plane, CHAT).then(() => true), { what: "the CRD" });
  kubeconfig = (await plane.user("sre")).kubeconfigPath;
  folder = mkdtempSync(join(tmpdir(), "servetwin-cluster-"));
  writeFileSync(join(folder, "change.yaml"), threeAtLeast());
});
afterAll(async () => {
  await Promise.all([plane?.stop(), prometheus?.stop()]);
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

const preview = async (...args: readonly string[]) => {
  const traffic = ["--prometheus", prometheus.url, "--last", `${LAST_MINUTES}m`];
  const bounds = ["--objective", "gpuHours <= 0.6", "--budget", "6", "-o", "json"];
  const { code, stdout, stderr } = await runProgram([
    "preview",
    ...["--kubeconfig", kubeconfig, ...traffic, ...bounds, ...args],
  ]);
  expect(stdout, stderr).not.toBe("");
  return { code, document: JSON.parse(stdout) as Document };
};

/** Everything that lies there, with its version. */
const everything = async (): Promise<readonly string[]> => {
  const paths = [
    "/apis/apps/v1/namespaces/inference/deployments",
    "/apis/autoscaling/v2/namespaces/inference/horizontalpodautoscalers",
    "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations",
    "/api/v1/namespaces/inference/events",
    "/api/v1/namespaces/inference/configmaps",
    "/apis/coordination.k8s.io/v1/namespaces/inference/leases",
  ];
  const lists = await Promise.all(paths.map((path) => plane.request("GET", path)));
  return lists.flatMap(({ body }, i) =>
    (body as { items: { metadata: { name: string; resourceVersion: string } }[] }).items.map(
      ({ metadata }) => `${paths[i]}/${metadata.name} ${metadata.resourceVersion}`,
    ),
  );
};

describe("servetwin preview, of a cluster and production's own traffic", () => {
  const CHANGED = [
    {
      path: "autoscalers[vllm-llama-8b].minReplicas",
      before: 1,
      after: 3,
      from: "HorizontalPodAutoscaler/inference/vllm-llama-8b spec.minReplicas",
    },
  ];

  it.each([
    { by: "a manifest", args: () => ["-f", join(folder, "change.yaml")] },
    { by: "a candidate", args: () => ["--simulation", "inference/chat", "--candidate", "three-at-least"] },
  ])("says what a change would do, by $by, and changes nothing", async ({ args }) => {
    const before = await everything();
    expect(before).toHaveLength(3);
    const { code, document } = await preview(...args());
    expect(document.objects).toEqual(["HorizontalPodAutoscaler/inference/vllm-llama-8b"]);
    expect(document.simulations).toHaveLength(1);
    const [one] = document.simulations;
    expect(one).toMatchObject({ simulation: "inference/chat", answer: "not met", comparison: { met: "not met" } });
    expect(one?.values).toEqual(CHANGED);
    expect(code).toBe(1);
    // What came in production's last minutes, as its counters told it.
    const from = (SECONDS + 30 - LAST_MINUTES * 60) * 1e6;
    const truth = production.requests.filter(({ arrival }) => arrival >= from).length;
    for (const run of [one?.runs.baseline, one?.runs.change]) {
      expect(run?.kpis.requests.arrived).toBeGreaterThan(truth * 0.9);
      expect(run?.kpis.requests.arrived).toBeLessThan(truth * 1.05);
    }
    expect(await everything()).toEqual(before);
  });
});
