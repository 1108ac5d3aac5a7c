import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Program, up } from "../e2e/program.ts";
import type { ControlPlane } from "../env/control-plane.ts";
import { apply, applyAll, type Manifest, manifestsOf } from "../env/manifests.ts";
import { settled, simulated, startPlatform, text } from "./platform.ts";

/** The ValidatingAdmissionPolicy on a real API server: what it refuses, with which words, and what it admits. */
const FOLDER = "deploy/gitops/admission-policy";
const HPAS = "/apis/autoscaling/v2/namespaces/inference/horizontalpodautoscalers";

let plane: ControlPlane;
let operator: Program | undefined;

const hpa = (change: (spec: Record<string, unknown>) => unknown = (spec) => spec): Manifest => {
  const [manifest] = manifestsOf(text(`${FOLDER}/hpa.yaml`)) as [Manifest];
  change(manifest["spec"] as Record<string, unknown>);
  return manifest;
};
const simulation = (change: (spec: Record<string, unknown>) => unknown = (spec) => spec): Manifest => {
  const [manifest] = manifestsOf(text(`${FOLDER}/simulation.yaml`)) as [Manifest];
  change(manifest["spec"] as Record<string, unknown>);
  return manifest;
};
/** What applying it would be answered. */
const tried = async (manifest: Manifest): Promise<string> => {
  const path = `${HPAS}/${manifest.metadata.name}?dryRun=All&fieldManager=user&force=true`;
  const { status, body } = await plane.request("PATCH", path, manifest, {
    contentType: "application/apply-patch+yaml",
  });
  return status < 300 ? "admitted" : (body as { message: string }).message;
};
const run = async (): Promise<Program> => {
  operator = await up(["--kubeconfig", plane.kubeconfigPath(), "--lease-namespace", "default"], 60);
  return operator;
};

beforeAll(async () => {
  plane = await startPlatform();
  const gated = { metadata: { labels: { "servetwin.dev/gated": "true" } } };
  expect((await plane.request("PATCH", "/api/v1/namespaces/inference", gated)).status).toBe(200);
  await applyAll(plane, text(`${FOLDER}/policy.yaml`));
  await eventually(async () => (await tried(hpa())) !== "admitted", { what: "the policy" });
});
afterAll(async () => {
  await operator?.stop("SIGKILL");
  await plane?.stop();
});

describe("the policy", () => {
  it("refuses where nobody simulates anything", async () => {
    expect(await tried(hpa())).toContain("no params found");
  });

  it("refuses until the simulation has finished, and admits what has met its objectives", async () => {
    await apply(plane, simulation());
    await eventually(async () => (await tried(hpa())).includes("has not finished"), { what: "a refusal" });
    const running = await run();
    const { status } = await settled(plane, "chat-gate", () => running.output());
    expect(status?.runs?.map(({ scenario, verdict }) => [scenario, verdict])).toContainEqual([
      "two-at-least",
      "Passed",
    ]);
    await eventually(async () => (await tried(hpa())) === "admitted", { what: "an admission" });
  });

  it("refuses a spec that was not tried", async () => {
    expect(await tried(hpa((spec) => (spec["minReplicas"] = 3)))).toContain("no candidate that replaces");
    const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } };
    expect(await tried(hpa((spec) => (spec["behavior"] = behavior)))).toContain("no candidate that replaces");
  });

  it("has nothing against what changes no spec, is another's, or is elsewhere", async () => {
    const path = `${HPAS}/vllm-llama-8b?dryRun=All`;
    expect((await plane.request("PATCH", path, { metadata: { labels: { touched: "yes" } } })).status).toBe(200);
    const other = hpa((spec) => ((spec["scaleTargetRef"] as { name: string }).name = "other"));
    expect(await tried({ ...other, metadata: { ...other.metadata, name: "other" } })).toBe("admitted");
    const elsewhere = hpa();
    await apply(plane, { ...elsewhere, metadata: { ...elsewhere.metadata, namespace: "default" } });
  });

  it("goes by the present generation of the simulation, and refuses what does not meet the objectives", async () => {
    await operator?.stop();
    // As strict as no platform can be; nobody has looked at it yet.
    const strict = simulation((spec) => (spec["objectives"] = [{ metric: "ttft", percentile: 90, atMost: "1ms" }]));
    await apply(plane, strict);
    await eventually(async () => (await tried(hpa())).includes("has not finished"), { what: "a refusal" });
    const running = await run();
    await eventually(
      async () => {
        const { metadata, status } = await simulated(plane, "chat-gate");
        return status?.observedGeneration === metadata["generation"] && status?.verdict === "Failed";
      },
      { withinSeconds: 110, what: "a verdict", detail: () => running.output() },
    );
    await eventually(async () => (await tried(hpa())).includes("has not passed with it"), { what: "a refusal" });
  });
});
