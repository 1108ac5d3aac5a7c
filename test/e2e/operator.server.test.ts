import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeyPair } from "../env/certificates.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { freePorts } from "../env/daemon.ts";
import { apply, applyAll, type Manifest, manifestsOf, pathOf } from "../env/manifests.ts";
import { eventually, type Program, up } from "./program.ts";

/** What an operator has to be beside right, on a real API server: watchable, bounded, at your service at `kubectl apply`. */
const root = new URL("../../", import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), "utf8");
const SIMULATIONS = "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations";
const HPA = "/apis/autoscaling/v2/namespaces/inference/horizontalpodautoscalers/vllm-llama-8b";

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpSpan["attributes"] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

let plane: ControlPlane;
let operator: Program;
let folder: string;
let webhookPort: number;
let receiver: Server;
const received: OtlpBody[] = [];

const simulation = (name: string, spec: Record<string, unknown> = {}): Manifest => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name, namespace: "inference" },
  spec: {
    mirror: { workloads: [{ kind: "Deployment", name: "vllm-llama-8b" }] },
    workload: {
      synthetic: {
        clients: [
          {
            name: "chat",
            rate: 6,
            prompt: { distribution: "normal", mean: 900, deviation: 100, min: 10 },
            output: { distribution: "normal", mean: 200, deviation: 20, min: 5 },
          },
        ],
      },
    },
    run: { horizon: "10m", warmUp: "1m", bands: false },
    ...spec,
  },
});
interface Status {
  phase: string;
  observedGeneration: number;
  conditions: { type: string; status: string; reason: string; message: string; observedGeneration: number }[];
}
const statusOf = async (name: string): Promise<{ generation: number; status: Status | undefined }> => {
  const { body } = await plane.request("GET", `${SIMULATIONS}/${name}`);
  const { metadata, status } = body as { metadata: { generation: number }; status?: Status };
  return { generation: metadata.generation, status };
};
const condition = (status: Status | undefined, type: string) => status?.conditions.find((one) => one.type === type);
const untilCondition = (name: string, type: string, reason?: string): Promise<Status> =>
  eventually(
    async () => {
      const { status } = await statusOf(name);
      const found = condition(status, type);
      return found?.status === "True" && (reason === undefined || found.reason === reason) && status;
    },
    { what: `${type} ${reason ?? ""} of ${name}`, withinSeconds: 90, detail: () => operator.output() },
  );
const eventsOf = async (name: string): Promise<string[]> => {
  const { body } = await plane.request("GET", "/apis/events.k8s.io/v1/namespaces/inference/events");
  const { items } = body as { items: { reason: string; regarding: { name: string } }[] };
  return items.filter(({ regarding }) => regarding.name === name).map(({ reason }) => reason);
};
const warningsOf = (headers: Record<string, string | string[] | undefined>): string => {
  const { warning = [] } = headers;
  return (Array.isArray(warning) ? warning : [warning]).join("\n");
};
const mount = (keys: KeyPair): void => {
  writeFileSync(join(folder, "tls.crt"), keys.certificate);
  writeFileSync(join(folder, "tls.key"), keys.key);
};
/** Of the certificate that the webhook shows now. */
const shown = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: webhookPort, host: "127.0.0.1", ca: plane.certificates.ca }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });

beforeAll(async () => {
  plane = await startControlPlane();
  folder = mkdtempSync(join(tmpdir(), "servetwin-webhook-"));
  mount(await plane.serverKeys(["localhost"]));
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      if (request.url === "/v1/traces") received.push(JSON.parse(body) as OtlpBody);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await applyAll(plane, text("crds/servetwin.dev_inferencesimulations.yaml"));
  for (const name of ["inference", "servetwin-system"])
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await applyAll(plane, text("deploy/examples/quickstart/vllm-llama-8b.yaml"), "inference");
  await applyAll(plane, text("deploy/examples/quickstart/hpa.yaml"), "inference");
  await eventually(async () => (await plane.request("GET", SIMULATIONS)).status === 200, { what: "the CRD" });
  [webhookPort = 0] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const args = [
    ...["--kubeconfig", plane.kubeconfigPath(), "--max-shadows-per-namespace", "1"],
    ...["--webhook-listen", `127.0.0.1:${webhookPort}`, "--webhook-certificates", folder],
    ...["--allow-url", "https://traces.example/ours"],
  ];
  operator = await up(args, 60, {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test" },
  });
});

afterAll(async () => {
  await operator?.stop("SIGKILL");
  await plane?.stop();
  receiver?.close();
  rmSync(folder, { recursive: true });
});

describe("an operator", () => {
  it("keeps conditions that kstatus reads, of the generation that they speak of", async () => {
    await apply(plane, simulation("chat"));
    const status = await untilCondition("chat", "Ready");
    expect(status.phase).toBe("Succeeded");
    const { generation } = await statusOf("chat");
    expect(status.observedGeneration).toBe(generation);
    expect(status.conditions.every(({ observedGeneration }) => observedGeneration === generation)).toBe(true);
    expect(["Reconciling", "Stalled"].map((type) => condition(status, type)?.status)).toEqual(["False", "False"]);
    await eventually(async () => (await eventsOf("chat")).length > 0, { what: "an Event" });
    expect(await eventsOf("chat")).toEqual(["SimulationCompleted"]);
  });

  it("gives a namespace what it may have, and no more", async () => {
    const shadow = { mode: "Shadow", run: { bands: false } };
    await apply(plane, simulation("shadow-1", shadow));
    await untilCondition("shadow-1", "Ready", "Following");
    await apply(plane, simulation("shadow-2", shadow));
    const { conditions } = await untilCondition("shadow-2", "Stalled", "TooManyShadows");
    expect(conditions.find(({ type }) => type === "Stalled")?.message).toContain("--max-shadows-per-namespace");
    // Its turn comes when the other goes.
    await plane.request("DELETE", `${SIMULATIONS}/shadow-1`);
    await untilCondition("shadow-2", "Ready", "Following");
  });

  it("traces each look at a simulation, where it is asked to", async () => {
    await eventually(async () => received.length > 0, { what: "traces" });
    const [first] = received[0]?.resourceSpans ?? [];
    const attributes = Object.fromEntries(
      (first?.resource.attributes ?? []).map(({ key, value }) => [key, value.stringValue]),
    );
    expect(attributes).toMatchObject({ "service.name": "servetwin", "deployment.environment": "test" });
    const spans = received.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
    const look = spans.find(({ name }) => name === "reconcile");
    expect(look?.attributes).toContainEqual({
      key: "servetwin.simulation",
      value: { stringValue: expect.stringMatching(/^inference\//) },
    });
    const within = spans.filter(({ traceId }) => traceId === look?.traceId).map(({ name }) => name);
    expect(within).toContain("mirror");
  });

  it("logs a JSON object per line, with the simulation in a field", () => {
    const lines = operator
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"));
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told).toContainEqual(
      expect.objectContaining({ level: "info", simulation: "inference/chat", reason: "SimulationCompleted" }),
    );
    expect(told.every(({ time, message }) => typeof time === "string" && typeof message === "string")).toBe(true);
  });
});

describe("its webhook", () => {
  beforeAll(async () => {
    for (const manifest of manifestsOf(text("deploy/kustomize/components/webhook/webhook.yaml"))) {
      const webhooks = (manifest["webhooks"] as Record<string, unknown>[]).map((webhook) => ({
        ...webhook,
        clientConfig: {
          url: `https://127.0.0.1:${webhookPort}/validate`,
          caBundle: Buffer.from(plane.certificates.ca).toString("base64"),
        },
      }));
      const path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
      expect((await plane.request("POST", path, { ...manifest, webhooks })).status).toBe(201);
    }
    // The API server takes a moment to heed it.
    await eventually(
      async () => (await plane.request("POST", `${SIMULATIONS}?dryRun=All`, bad("try"))).status === 422,
      { what: "the webhook" },
    );
  });

  const bad = (name: string) => simulation(name, { run: { horizon: "900d" } });

  it("refuses a simulation that could never run, with every reason", async () => {
    const { status, body } = await plane.request("POST", `${SIMULATIONS}?dryRun=All`, bad("refused"));
    expect(status).toBe(422);
    expect((body as { message: string }).message).toContain("900d is longer than");
    const trace = (where: Record<string, unknown>) =>
      simulation("elsewhere", { workload: { trace: { format: "azure-2023", ...where } } });
    for (const [where, says] of [
      [{ url: "http://169.254.169.254/latest/meta-data" }, "is not on the operator's allow list"],
      [{ url: "https://traces.example/ours/../theirs.csv" }, "is not on the operator's allow list"],
      [{ path: "/etc/passwd" }, "files are read in folder mode only"],
    ] as const) {
      const answer = await plane.request("POST", `${SIMULATIONS}?dryRun=All`, trace(where));
      expect(answer.status).toBe(422);
      expect((answer.body as { message: string }).message).toContain(says);
    }
  });

  it("warns of one that can't run as things stand, and lets it in", async () => {
    const lost = simulation("lost", { mirror: { workloads: [{ kind: "Deployment", name: "nobody" }] } });
    const { status, headers } = await plane.request("POST", `${SIMULATIONS}?dryRun=All`, lost);
    expect(status).toBe(201);
    expect(warningsOf(headers)).toContain("Deployment nobody does not exist");
  });

  it("says at a dry run of an HPA what the twin predicts", async () => {
    // On a machine that is busy the first may come to no prediction, or only of another simulation; it must come to an answer.
    const said = await eventually(
      async () => {
        const began = performance.now();
        const { status, headers } = await plane.request("PATCH", `${HPA}?dryRun=All`, { spec: { minReplicas: 6 } });
        expect(performance.now() - began).toBeLessThan(6000);
        expect(status).toBe(200);
        const warnings = warningsOf(headers);
        return /inference\/chat, \d+ min simulated/.test(warnings) && warnings;
      },
      { what: "a prediction", withinSeconds: 90 },
    );
    expect(said).toMatch(/servetwin: inference\/chat, \d+ min simulated: .*gpuHours [\d.]+ -> [\d.]+/);
    const [, before = "", after = ""] = /inference\/chat,.*gpuHours ([\d.]+) -> ([\d.]+)/.exec(said) ?? [];
    expect(Number(after)).toBeGreaterThan(Number(before));
    expect(((await plane.request("GET", HPA)).body as { spec: { minReplicas: number } }).spec.minReplicas).toBe(1);
  });

  it("says nothing of what changes nothing, or is nobody's", async () => {
    const same = await plane.request("PATCH", `${HPA}?dryRun=All`, { metadata: { labels: { touched: "yes" } } });
    expect([same.status, warningsOf(same.headers)]).toEqual([200, ""]);
    const [hpa] = manifestsOf(text("deploy/examples/quickstart/hpa.yaml"), "inference");
    const other = { ...hpa, metadata: { name: "other", namespace: "inference" } } as Manifest;
    (other["spec"] as { scaleTargetRef: unknown }).scaleTargetRef = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      name: "x",
    };
    const path = pathOf(other).replace(/\/other$/, "?dryRun=All");
    const created = await plane.request("POST", path, other);
    expect([created.status, warningsOf(created.headers)]).toEqual([201, ""]);
  });

  it("takes new certificates as they are mounted", async () => {
    const before = await shown();
    mount(await plane.serverKeys(["localhost"]));
    await eventually(async () => (await shown()) !== before, { what: "the new certificate", withinSeconds: 30 });
    const answer = await plane.request("POST", `${SIMULATIONS}?dryRun=All`, bad("again"));
    expect(answer.status).toBe(422);
  });

  it("is counted under controller-runtime's names", async () => {
    const metrics = await (await fetch(`${operator.url}/metrics`)).text();
    expect(metrics).toMatch(/controller_runtime_webhook_requests_total\{webhook="\/validate",code="200"\} [1-9]/);
  });
});

describe("when it is told to stop", () => {
  it("cancels what runs and says so, is no longer ready, gives its Lease back; and nobody is kept from applying", async () => {
    await apply(
      plane,
      simulation("cut-short", { run: { horizon: "31d", bands: false }, overrides: { replicas: 500 } }),
    );
    await eventually(async () => (await statusOf("cut-short")).status?.phase === "Running", { what: "a run" });
    expect(await operator.stop("SIGTERM")).toBe(0);
    for (const name of ["cut-short", "shadow-2"]) {
      const { status } = await statusOf(name);
      expect(condition(status, "Ready")).toMatchObject({ status: "False", reason: "Interrupted" });
      expect(condition(status, "Reconciling")?.status).toBe("True");
    }
    expect((await statusOf("chat")).status?.phase).toBe("Succeeded");
    const lease = await plane.request(
      "GET",
      "/apis/coordination.k8s.io/v1/namespaces/servetwin-system/leases/servetwin",
    );
    expect((lease.body as { spec: { holderIdentity?: string } }).spec.holderIdentity ?? "").toBe("");
    // failurePolicy: Ignore.
    const applied = await plane.request("PATCH", `${HPA}?dryRun=All`, { spec: { minReplicas: 5 } });
    expect(applied.status).toBe(200);
  });
});
