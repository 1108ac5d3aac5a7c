import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { dump } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Program } from "../e2e/program.ts";
import { binaries } from "../env/build.ts";
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

/** What `kubectl apply --dry-run=server` says of the quickstart's HPA, changed. */
const dryRun = async (namespace: string, minReplicas: number): Promise<{ stdout: string; stderr: string }> => {
  const [hpa] = manifestsOf(read(HPA), namespace) as [Manifest];
  const file = join(files.path, "hpa.yaml");
  writeFileSync(file, dump({ ...hpa, spec: { ...(hpa.spec as object), minReplicas } }));
  const { kubectl } = await binaries({ needed: ["kubectl"] });
  const args = ["--kubeconfig", plane.kubeconfigPath(), "apply", "--dry-run=server", "-f", file];
  return promisify(execFile)(kubectl, args, { env: { HOME: files.path, PATH: "/usr/bin:/bin" } });
};

beforeAll(async () => {
  plane = await startControlPlane();
  for (const name of [NAMESPACE, "inference", "other"]) {
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    if (name === NAMESPACE) continue;
    await applyAll(plane, read("deploy/examples/quickstart/vllm-llama-8b.yaml"), name);
    await applyAll(plane, read(HPA), name);
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
    'watch.namespaces=["inference"]',
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
  for (const namespace of ["inference", "other"]) await apply(plane, preview("chat", namespace));
  await untilFinished(plane, "inference", "chat", operator);
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
    // On a machine that is busy the first may come to no prediction.
    const { stdout, stderr } = await eventually(
      async () => {
        const said = await dryRun("inference", 6);
        return said.stderr.includes("min simulated") && said;
      },
      { what: "a prediction", withinSeconds: 90 },
    );
    expect(stdout).toContain("horizontalpodautoscaler.autoscaling/vllm-llama-8b configured (server dry run)");
    expect(stderr).toMatch(/^Warning: servetwin: inference\/chat, \d+ min simulated: .*gpuHours [\d.]+ -> [\d.]+/m);
    expect((await dryRun("other", 6)).stderr).not.toContain("servetwin");
  });

  it("needs no right beyond those of the chart", async () => {
    expect(await refusals(operator)).toEqual([]);
  });
});
