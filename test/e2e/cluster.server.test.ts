import { existsSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { applyAll as applyAllTo, apply as applyTo, type Manifest } from "../env/manifests.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { clusterRbac } from "../install/render.ts";
import { eventually, type Program, up } from "./program.ts";

/**
 * The whole way on the real control plane, as a user of a cluster goes it: CRD, RBAC, Deployment, HPA, trace, InferenceSimulation;
 * the operator as a program with no more rights than deploy/operator gives it; a real Prometheus beside it.
 */
const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const AZURE = new URL("../shared/traces/azure-2023/AzureLLMInferenceTrace_conv.csv.gz", root);
const OWN = new URL("deploy/examples/traces/chat-1h.csv", root);

let plane: ControlPlane;
let kubeconfig: string;
const programs: Program[] = [];

const apply = (manifest: Manifest): Promise<void> => applyTo(plane, manifest);
const applyAll = (yaml: string, namespace?: string): Promise<void> => applyAllTo(plane, yaml, namespace);

interface Simulation {
  metadata: { generation: number };
  status?: {
    phase?: string;
    inputDigest?: string;
    replicas?: number;
    conditions?: { type: string; status: string; reason: string; lastTransitionTime: string }[];
    runs?: { digest: string; kpis: Record<string, { mean: number }> }[];
    mirrored?: { path: string; value: string; from: string }[];
  };
}

const simulation = async (name: string, namespace = "inference"): Promise<Simulation> => {
  const answer = await plane.request(
    "GET",
    `/apis/servetwin.dev/v1alpha1/namespaces/${namespace}/inferencesimulations/${name}`,
  );
  expect(answer.status).toBe(200);
  return answer.body as Simulation;
};

const ready = (name: string, except?: string, withinSeconds = 60): Promise<Simulation> =>
  eventually(
    async () => {
      const found = await simulation(name);
      const fresh = found.status?.inputDigest !== undefined && found.status.inputDigest !== except;
      return fresh && found.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")
        ? found
        : false;
    },
    { withinSeconds, what: `Ready of ${name}`, detail: () => programs.map((program) => program.output()).join("\n") },
  );

const start = async (...args: string[]): Promise<Program> => {
  const program = await up(["--kubeconfig", kubeconfig, ...args]);
  programs.push(program);
  return program;
};

const metrics = async (program: Program): Promise<string> => (await fetch(`${program.url}/metrics`)).text();

const preview = (name: string, over: Record<string, unknown> = {}): Manifest => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name, namespace: "inference" },
  spec: {
    mode: "Preview",
    mirror: { workloads: [{ kind: "Deployment", name: "vllm-llama-8b" }] },
    workload: { trace: { format: "azure-2023", configMap: { name: "trace", key: "conv.csv.gz" }, rateScale: 4 } },
    run: { horizon: "14m" },
    ...over,
  },
});

describe("the operator on a real control plane", () => {
  beforeAll(async () => {
    plane = await startControlPlane({ controllerManager: true });
    await applyAll(read("crds/servetwin.dev_inferencesimulations.yaml"));
    for (const name of ["inference", "servetwin-system"])
      await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    for (const manifest of await clusterRbac()) await apply(manifest);
    // The real role, for a user in place of the ServiceAccount: an RBAC mistake fails these tests.
    const user = await plane.user("system:serviceaccount:servetwin-system:servetwin");
    kubeconfig = user.kubeconfigPath;
    await eventually(
      async () => (await plane.request("GET", "/apis/servetwin.dev/v1alpha1/inferencesimulations")).status === 200,
      { what: "the CRD" },
    );
    const trace = existsSync(AZURE) ? readFileSync(AZURE) : readFileSync(OWN);
    await apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "trace", namespace: "inference" },
      binaryData: { "conv.csv.gz": trace.toString("base64") },
    });
    await applyAll(read("deploy/examples/quickstart/vllm-llama-8b.yaml"), "inference");
    await applyAll(read("deploy/examples/quickstart/hpa.yaml"), "inference");
  });

  afterEach(async () => {
    for (const program of programs.splice(0)) await program.stop();
  });

  afterAll(() => plane?.stop());

  it("goes from apply to Ready, status.runs, page and /metrics, with a real Prometheus at the end", async () => {
    const operator = await start();
    await apply(preview("chat"));
    const done = await ready("chat");
    expect(done.status?.phase).toBe("Succeeded");
    expect(done.status?.runs?.[0]?.kpis.requestsCompleted?.mean).toBeGreaterThan(1000);
    expect(done.status?.mirrored?.find(({ path }) => path.endsWith("maxNumSeqs"))?.from).toMatch(
      /Deployment\/inference\/vllm-llama-8b|default/,
    );

    const page = await fetch(operator.url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("chat");
    const api = (await (await fetch(`${operator.url}/api/v1/simulations/inference/chat`)).json()) as {
      status: { phase: string };
    };
    expect(api.status.phase).toBe("Succeeded");

    const prometheus: Prometheus = await startPrometheus({
      scrape: [
        { job: "servetwin", target: operator.url.replace("http://", ""), intervalSeconds: 1, honorLabels: true },
      ],
    });
    try {
      const p99 = await eventually(
        async () => {
          const [sample] = await prometheus.query(
            'histogram_quantile(0.99, sum by (le) (sim:vllm:time_to_first_token_seconds_bucket{origin="simulated",simulation="inference/chat"}))',
          );
          return sample?.value;
        },
        { what: "p99 from Prometheus", detail: () => prometheus.log() },
      );
      expect(p99).toBeGreaterThan(0.005);
      expect(p99).toBeLessThan(3000);
      expect((await prometheus.targets())[0]?.health).toBe("up");
    } finally {
      await prometheus.stop();
    }

    await plane.request("DELETE", "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations/chat");
    await eventually(async () => !(await metrics(operator)).includes('simulation="inference/chat"'), {
      what: "end of the series",
    });
  });

  it("runs again when the HPA is edited, and the replicas take another course", async () => {
    const operator = await start();
    await apply(preview("edited"));
    const before = await ready("edited");
    const course = async () =>
      (
        (await (await fetch(`${operator.url}/api/v1/simulations/inference/edited`)).json()) as {
          runs: { timeline: { columns: { replicasReady: number[] } } }[];
        }
      ).runs[0]?.timeline.columns.replicasReady;
    const first = await course();
    const hpa = "/apis/autoscaling/v2/namespaces/inference/horizontalpodautoscalers/vllm-llama-8b";
    const { body } = await plane.request("GET", hpa);
    try {
      const patched = await plane.request("PATCH", hpa, { spec: { minReplicas: 3 } });
      expect(patched.status).toBe(200);
      const after = await ready("edited", before.status?.inputDigest);
      expect(after.status?.runs?.[0]?.digest).not.toBe(before.status?.runs?.[0]?.digest);
      expect(await course()).not.toEqual(first);
    } finally {
      await plane.request("PATCH", hpa, {
        spec: { minReplicas: (body as { spec: { minReplicas: number } }).spec.minReplicas },
      });
      await plane.request("DELETE", "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations/edited");
    }
  });

  it("converges after being killed in the middle, with nothing lost or doubled", async () => {
    const first = await start();
    await apply(preview("killed", { run: { horizon: "14m", replications: 8 } }));
    await eventually(async () => (await simulation("killed")).status?.phase === "Running", { what: "Running" });
    await first.stop("SIGKILL");
    const second = await start();
    const done = await ready("killed", undefined, 90);
    expect(done.status?.runs).toHaveLength(1);
    const completed = async () => {
      const { body } = await plane.request("GET", "/apis/events.k8s.io/v1/namespaces/inference/events");
      const { items } = body as { items: { reason: string; regarding: { name: string }; series?: unknown }[] };
      return items.filter(({ reason, regarding }) => reason === "SimulationCompleted" && regarding.name === "killed");
    };
    await eventually(async () => (await completed()).length > 0, { what: "the event" });

    // Once more, when it is done: the status stays as it is, and the series come back.
    await second.stop("SIGKILL");
    const third = await start();
    await eventually(async () => (await metrics(third)).includes('simulation="inference/killed"'), {
      withinSeconds: 90,
      what: "series",
    });
    const again = await simulation("killed");
    expect(again.status).toEqual(done.status);
    const events = await completed();
    expect(events).toHaveLength(1);
    expect(events[0]?.series).toBeUndefined();
    await plane.request("DELETE", "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations/killed");
  });

  it("lets one of two operators lead, and the other take over within 20 s of its death", async () => {
    const first = await start();
    await eventually(async () => (await metrics(first)).includes('leader_election_master_status{name="servetwin"} 1'), {
      what: "a leader",
    });
    const second = await start();
    await apply(preview("led"));
    await ready("led");
    expect(await metrics(second)).toContain('leader_election_master_status{name="servetwin"} 0');
    await first.stop("SIGKILL");
    const died = Date.now();
    await eventually(
      async () => (await metrics(second)).includes('leader_election_master_status{name="servetwin"} 1'),
      {
        withinSeconds: 20,
        what: "take-over",
      },
    );
    expect(Date.now() - died).toBeLessThan(20_000);
    const before = await simulation("led");
    await apply(preview("led", { run: { horizon: "10m" } }));
    await ready("led", before.status?.inputDigest);
  });

  it("says on the object what is wrong, and goes on with the rest", async () => {
    await start();
    await apply(preview("sound"));
    await apply(preview("lost", { mirror: { workloads: [{ name: "nobody" }] } }));
    await ready("sound");
    const lost = await eventually(
      async () => {
        const found = await simulation("lost");
        return found.status?.conditions?.find(({ type, status }) => type === "Stalled" && status === "True") ?? false;
      },
      { what: "Stalled" },
    );
    expect(lost.reason).not.toBe("");
  });
});
