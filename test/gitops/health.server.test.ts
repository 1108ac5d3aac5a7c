import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Program, up } from "../e2e/program.ts";
import { binaries } from "../env/build.ts";
import type { ControlPlane } from "../env/control-plane.ts";
import { apply, type Manifest, manifestsOf } from "../env/manifests.ts";
import { type Simulated, settled, simulated, startPlatform, text } from "./platform.ts";

/**
 * What Argo CD and Flux make of statuses that the operator has written: simulations of a real API server, judged by the
 * interpreter and the evaluator that the two have, with the script and the expressions of deploy/gitops.
 */
const ARGO_CD = "deploy/gitops/argo-cd/argocd-cm.yaml";
const FLUX = "deploy/gitops/flux/kustomizations.yaml";
const KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations";

let plane: ControlPlane;
let operator: Program | undefined;
const objects = new Map<string, Simulated>();

const simulation = (name: string, spec: Readonly<Record<string, unknown>> = {}): Manifest => ({
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
            rate: 2,
            prompt: { distribution: "normal", mean: 900, deviation: 100, min: 10 },
            output: { distribution: "normal", mean: 100, deviation: 10, min: 5 },
          },
        ],
      },
    },
    run: { horizon: "5m", replications: 2, bands: false },
    ...spec,
  },
});
const ttftAtMost = (seconds: number) => ({
  objectives: [{ metric: "ttft", percentile: 90, atMost: `${seconds}s` }],
});
const keep = async (state: string, name: string): Promise<void> => {
  objects.set(state, await simulated(plane, name));
};

beforeAll(async () => {
  plane = await startPlatform([{ crd: "kustomizationCrd", served: KUSTOMIZATIONS }]);
  await apply(plane, simulation("plain"));
  await keep("nobody has looked at it", "plain");
  const running = await up(["--kubeconfig", plane.kubeconfigPath(), "--lease-namespace", "default"], 60);
  operator = running;
  const said = (): string => running.output();
  await apply(plane, simulation("passed", ttftAtMost(60)));
  await apply(plane, simulation("failed", ttftAtMost(0.000_001)));
  await apply(plane, simulation("lost", { mirror: { workloads: [{ kind: "Deployment", name: "nobody" }] } }));
  await apply(plane, simulation("shadow", { mode: "Shadow", run: { bands: false } }));
  // Between the two replications' figures: one meets it, the other does not.
  const { mean = 0 } = (await settled(plane, "plain", said)).status?.runs?.[0]?.kpis["ttftP90Seconds"] ?? {};
  await apply(plane, simulation("open", ttftAtMost(mean)));
  for (const name of ["plain", "passed", "failed", "open", "lost", "shadow"]) {
    await settled(plane, name, said);
    await keep(name, name);
  }
  const long = { run: { horizon: "31d", bands: false }, overrides: { replicas: 500 } };
  await apply(plane, simulation("long", long));
  await eventually(async () => (await simulated(plane, "long")).status?.phase === "Running", { what: "a run" });
  await keep("running", "long");
  await running.stop();
  await keep("interrupted", "long");
  // Nobody is there who could look at the change.
  await apply(plane, simulation("passed", ttftAtMost(59)));
  await keep("passed, then changed", "passed");
});
afterAll(async () => {
  await operator?.stop("SIGKILL");
  await plane?.stop();
});

/** One line of JSON in, one out, for each. */
const judged = (program: string, questions: readonly unknown[]): readonly Readonly<Record<string, string>>[] => {
  const { stdout, stderr, status } = spawnSync(program, {
    input: questions.map((question) => `${JSON.stringify(question)}\n`).join(""),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, string>>);
};

/** The state of each object, in the order in which they were kept, by what it is called there. */
const named = (answers: readonly Readonly<Record<string, string>>[]): Record<string, string | undefined> =>
  Object.fromEntries([...objects.keys()].map((state, i) => [state, answers[i]?.["status"] ?? answers[i]?.["failed"]]));

describe("Argo CD's health check", () => {
  let answers: readonly Readonly<Record<string, string>>[];
  beforeAll(async () => {
    const [configMap] = manifestsOf(text(ARGO_CD));
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: "argocd" } });
    await apply(plane, configMap as Manifest);
    const { body } = await plane.request("GET", "/api/v1/namespaces/argocd/configmaps/argocd-cm");
    const { data } = body as { data: Record<string, string> };
    // Its name is how Argo CD finds it: GROUP_KIND.
    const script = data["resource.customizations.health.servetwin.dev_InferenceSimulation"];
    const { lua } = await binaries({ needed: ["lua"] });
    answers = judged(
      lua,
      [...objects.values()].map((object) => ({ script, object })),
    );
  });

  it("is Healthy, Degraded, Suspended or Progressing as the operator has it", () => {
    expect(named(answers)).toEqual({
      "nobody has looked at it": "Progressing",
      plain: "Healthy",
      passed: "Healthy",
      failed: "Degraded",
      open: "Suspended",
      lost: "Degraded",
      shadow: "Healthy",
      running: "Progressing",
      interrupted: "Progressing",
      "passed, then changed": "Progressing",
    });
  });

  it("says why", () => {
    const messages = Object.fromEntries([...objects.keys()].map((state, i) => [state, answers[i]?.["message"]]));
    expect(messages["failed"]).toContain("the objectives are not met");
    expect(messages["lost"]).toContain("nobody");
    expect(messages["open"]).toContain("spec.run.replications");
    expect(messages["passed, then changed"]).toBe("waits for the operator");
  });
});

describe("Flux's health check", () => {
  interface Kustomization extends Manifest {
    readonly spec: {
      readonly dependsOn?: readonly { readonly name: string }[];
      readonly healthCheckExprs?: readonly Readonly<Record<string, string>>[];
    };
  }
  let kustomizations: readonly Kustomization[];
  beforeAll(async () => {
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: "flux-system" } });
    for (const manifest of manifestsOf(text(FLUX))) await apply(plane, manifest);
    kustomizations = ((await plane.request("GET", KUSTOMIZATIONS)).body as { items: Kustomization[] }).items;
  });

  it("stands in the Kustomization that the other depends on", () => {
    const [platform, gate] = kustomizations;
    expect(platform?.spec.dependsOn).toEqual([{ name: gate?.metadata.name }]);
    expect(gate?.spec.healthCheckExprs?.[0]).toMatchObject({
      apiVersion: objects.get("passed")?.apiVersion,
      kind: objects.get("passed")?.kind,
    });
  });

  it("is Current, Failed or InProgress as the operator has it", async () => {
    const expressions = kustomizations.find(({ spec }) => spec.healthCheckExprs)?.spec.healthCheckExprs?.[0];
    const { flux } = await binaries({ needed: ["flux"] });
    const answers = judged(
      flux,
      [...objects.values()].map((object) => ({ expressions, object })),
    );
    expect(named(answers)).toEqual({
      // The kustomize-controller takes what can't be evaluated for Unknown, and waits.
      "nobody has looked at it": expect.stringContaining("no such attribute(s): status"),
      plain: "Current",
      passed: "Current",
      failed: "Failed",
      open: "Failed",
      lost: "Failed",
      shadow: "Current",
      running: "InProgress",
      interrupted: "InProgress",
      "passed, then changed": "InProgress",
    });
  });
});
