import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { dump } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Program } from "../e2e/program.ts";
import { binaries, sourceFolder } from "../env/build.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { freePorts, temporaryDirectory } from "../env/daemon.ts";
import { apply, applyAll, type Manifest, manifestsOf } from "../env/manifests.ts";
import { installed, preview, refusals, startInstalled, untilFinished } from "./installed.ts";
import { chart } from "./render.ts";

/**
 * The chart with its webhook, applied to a real API server; the operator runs with the rendered arguments and the certificate of the Secret that
 * the chart names. What the chart can't have here is changed: nothing routes a Service's address, so the Service becomes an alias of localhost
 * (type ExternalName), and its port that of the operator. The certificate is asked for by the Service's name all the same.
 */
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const files = temporaryDirectory("chart-webhook");
const NAMESPACE = "twin";
const DEPLOYMENT = "deploy/examples/quickstart/vllm-llama-8b.yaml";
const HPA = "deploy/examples/quickstart/hpa.yaml";

let plane: ControlPlane;
let operator: Program;

interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly service: object; readonly caBundle: string };
}

const reachable = (port: number, manifest: Manifest): Manifest => {
  if (manifest.kind === "Service" && manifest.metadata.name === "servetwin-webhook")
    return { ...manifest, spec: { type: "ExternalName", externalName: "localhost" } };
  if (manifest.kind !== "ValidatingWebhookConfiguration") return manifest;
  const webhooks = (manifest["webhooks"] as Webhook[]).map(({ clientConfig, ...webhook }) => ({
    ...webhook,
    clientConfig: { ...clientConfig, service: { ...clientConfig.service, port } },
  }));
  return { ...manifest, webhooks };
};

/** What `kubectl apply --dry-run=server` says. */
const dryRun = async (manifest: Manifest): Promise<{ stdout: string; stderr: string }> => {
  const file = join(files.path, "dry-run.yaml");
  writeFileSync(file, dump(manifest));
  const { kubectl } = await binaries({ needed: ["kubectl"] });
  const args = ["--kubeconfig", plane.kubeconfigPath(), "apply", "--dry-run=server", "-f", file];
  return promisify(execFile)(kubectl, args, { env: { HOME: files.path, PATH: "/usr/bin:/bin" } });
};

/** The same, once the twin predicts something: on a machine that is busy the first may come to no prediction. */
const predicted = (manifest: Manifest): Promise<{ stdout: string; stderr: string }> =>
  eventually(
    async () => {
      const said = await dryRun(manifest);
      return said.stderr.includes("min simulated") && said;
    },
    { what: "a prediction", withinSeconds: 90, detail: () => operator.output() },
  );

const quickstartHpa = (namespace: string): Manifest => {
  const [hpa] = manifestsOf(read(HPA), namespace) as [Manifest];
  return { ...hpa, spec: { ...(hpa.spec as object), minReplicas: 6 } };
};

beforeAll(async () => {
  plane = await startControlPlane();
  await binaries({ needed: ["kedaOperator"] });
  await applyAll(
    plane,
    readFileSync(join(sourceFolder("keda"), "config/crd/bases/keda.sh_scaledobjects.yaml"), "utf8"),
  );
  for (const name of [NAMESPACE, "inference", "scaled", "other"]) {
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    if (name === NAMESPACE) continue;
    await applyAll(plane, read(DEPLOYMENT), name);
    if (name !== "scaled") await applyAll(plane, read(HPA), name);
  }
  const [port = 0] = await freePorts(1);
  const keys = await plane.serverKeys([`servetwin-webhook.${NAMESPACE}.svc`]);
  await apply(plane, {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/tls",
    metadata: { name: "servetwin-webhook", namespace: NAMESPACE },
    stringData: { "tls.crt": keys.certificate, "tls.key": keys.key },
  });
  const authority = Buffer.from(plane.certificates.ca).toString("base64");
  const manifests = await chart(
    NAMESPACE,
    'watch.namespaces=["inference","scaled"]',
    "watch.nodes=true",
    "webhook.enabled=true",
    "webhook.certManager=false",
    `webhook.caBundle="${authority}"`,
  );
  await installed(
    plane,
    manifests.map((manifest) => reachable(port, manifest)),
  );
  operator = await startInstalled(plane, manifests, NAMESPACE, files.path, {
    "--webhook-listen": `127.0.0.1:${port}`,
  });
  for (const namespace of ["inference", "scaled", "other"]) await apply(plane, preview("chat", namespace));
  for (const namespace of ["inference", "scaled"]) await untilFinished(plane, namespace, "chat", operator);
});
afterAll(async () => {
  await operator?.stop();
  await plane?.stop();
  files.remove();
});

describe("the chart's webhook", () => {
  const SIMULATIONS = (namespace: string): string =>
    `/apis/servetwin.dev/v1alpha1/namespaces/${namespace}/inferencesimulations?dryRun=All`;
  const neverRuns = (namespace: string): Manifest => {
    const said = preview("long", namespace);
    return { ...said, spec: { ...(said.spec as object), run: { horizon: "900d" } } };
  };

  it("refuses a simulation that could never run, in the watched namespace", async () => {
    // The API server takes a moment to heed the configuration.
    const refused = await eventually(
      async () => {
        const answer = await plane.request("POST", SIMULATIONS("inference"), neverRuns("inference"));
        return answer.status === 422 && answer;
      },
      { what: "a refusal", detail: () => `${operator.output()}\n${plane.log("apiServer")}` },
    );
    expect((refused.body as { message: string }).message).toMatch(/simulations\.servetwin\.dev.*900d is longer than/);
    // Another namespace is not its own to judge.
    expect((await plane.request("POST", SIMULATIONS("other"), neverRuns("other"))).status).toBe(201);
  });

  it("says at `kubectl apply --dry-run=server` what the twin predicts, and nothing where it doesn't watch", async () => {
    const { stdout, stderr } = await predicted(quickstartHpa("inference"));
    expect(stdout).toContain("horizontalpodautoscaler.autoscaling/vllm-llama-8b configured (server dry run)");
    expect(stderr).toMatch(/^Warning: servetwin: inference\/chat, \d+ min simulated: .*gpuHours [\d.]+ -> [\d.]+/m);
    expect((await dryRun(quickstartHpa("other"))).stderr).not.toContain("servetwin");
  });

  it("says so of a Deployment, and of a ScaledObject that is new", async () => {
    const [deployment] = manifestsOf(read(DEPLOYMENT), "inference") as [Manifest];
    const changed = { ...deployment, spec: { ...(deployment.spec as object), replicas: 5 } };
    expect((await predicted(changed)).stderr).toMatch(/servetwin: inference\/chat, .*: .*gpuHours [\d.]+ -> [\d.]+/);

    const { stdout, stderr } = await predicted({
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: { name: "vllm-llama-8b", namespace: "scaled" },
      spec: {
        scaleTargetRef: { name: "vllm-llama-8b" },
        minReplicaCount: 4,
        maxReplicaCount: 8,
        triggers: [
          {
            type: "prometheus",
            metadata: {
              serverAddress: "http://prometheus.monitoring.svc:9090",
              query: 'sum(vllm:num_requests_waiting{namespace="scaled"})',
              threshold: "5",
            },
          },
        ],
      },
    });
    expect(stdout).toContain("scaledobject.keda.sh/vllm-llama-8b created (server dry run)");
    expect(stderr).toMatch(/servetwin: scaled\/chat, .*: .*replicasMax \d -> 4/);
  });

  it("needs no right beyond those of the chart", async () => {
    expect(await refusals(operator)).toEqual([]);
  });
});
