import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WATCHED_KINDS } from "../../src/store/kinds.ts";
import type { ControlPlane } from "../env/control-plane.ts";
import { apply, describeObject, type Manifest, pathOf } from "../env/manifests.ts";
import { serviceAccountKubeconfig } from "../env/service-account.ts";
import { kustomize } from "../install/render.ts";
import { type Ended, type PodSpec, runContainer } from "./container.ts";
import { startPlatform } from "./platform.ts";

/** The PreSync hook of Argo CD on a real API server: applied as Argo CD does, and its Job run with the rights of its ServiceAccount. */
const FOLDER = "deploy/gitops/argo-cd";
const HPA = "/apis/autoscaling/v2/namespaces/inference/horizontalpodautoscalers/vllm-llama-8b";

let plane: ControlPlane;
let manifests: readonly Manifest[];
let hooks: readonly Manifest[];

const annotation = ({ metadata }: Manifest, name: string): string | undefined =>
  (metadata["annotations"] as Record<string, string> | undefined)?.[`argocd.argoproj.io/${name}`];
const wave = (manifest: Manifest): number => Number(annotation(manifest, "sync-wave") ?? 0);
const podSpec = (): PodSpec => {
  const job = hooks.find(({ kind }) => kind === "Job") as Manifest;
  return (job["spec"] as { template: { spec: PodSpec } }).template.spec;
};
/** The gate's Job, with another change of the HPA than the one in the folder. */
const gate = async (change: (hpa: string) => string = (hpa) => hpa): Promise<Ended> => {
  const configMaps = hooks.map((hook) => {
    const data = hook["data"] as Record<string, string> | undefined;
    return data === undefined ? hook : { ...hook, data: { ...data, "hpa.yaml": change(data["hpa.yaml"] as string) } };
  });
  return runContainer(podSpec(), configMaps, await serviceAccountKubeconfig(plane, "inference", "servetwin-gate"));
};

beforeAll(async () => {
  plane = await startPlatform();
  manifests = await kustomize(FOLDER);
  hooks = manifests.filter((one) => annotation(one, "hook") === "PreSync");
});
afterAll(() => plane?.stop());

describe("the gate of Argo CD", () => {
  it("is made of hooks, the Job after what it needs; what is synced is no hook", async () => {
    const inOrder = [...hooks].sort((a, b) => wave(a) - wave(b));
    expect(inOrder.at(-1)?.kind).toBe("Job");
    expect(new Set(inOrder.slice(0, -1).map(wave))).toEqual(new Set([-1]));
    expect(manifests.filter((one) => !hooks.includes(one)).map(describeObject)).toEqual([
      "HorizontalPodAutoscaler/inference/vllm-llama-8b",
    ]);
    for (const hook of inOrder) await apply(plane, hook);
  });

  it("has a pod that the restricted profile lets in", async () => {
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "gate", namespace: "inference" }, spec: podSpec() };
    const answer = await plane.request("POST", "/api/v1/namespaces/inference/pods?dryRun=All", pod);
    expect([answer.status, answer.body]).toEqual([201, expect.anything()]);
  });

  it("lets a change through that meets the objectives, which it finds out by reading only", async () => {
    const { code, stdout, stderr } = await gate();
    expect(code, stderr).toBe(0);
    // What belongs to no namespace is nothing that it may see, and nothing that it needs.
    const refused = [...stderr.matchAll(/(\w+) can't be listed/g)].map(([, kind]) => kind);
    const beyond = WATCHED_KINDS.filter(({ clusterScoped }) => clusterScoped === true).map(({ plural }) => plural);
    expect(refused.sort()).toEqual(beyond.sort());
    expect(stdout).toContain("HorizontalPodAutoscaler");
    expect(((await plane.request("GET", HPA)).body as { spec: { minReplicas: number } }).spec.minReplicas).toBe(1);
  });

  it("fails on one that does not meet them, and on one that can't be read", async () => {
    const starved = await gate((hpa) =>
      hpa.replace("maxReplicas: 8", "maxReplicas: 1").replace("minReplicas: 2", "minReplicas: 1"),
    );
    expect(starved.code, starved.stderr).toBe(1);
    const wrong = await gate((hpa) => hpa.replace("spec:", "spec: {"));
    expect(wrong.code, wrong.stderr).toBe(2);
  });

  it("may list what is mirrored in its namespace, get ConfigMaps by name, and no more", async () => {
    const may = async (verb: string, resource: string, group = "", namespace = "inference"): Promise<boolean> => {
      const answer = await plane.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        spec: {
          user: "system:serviceaccount:inference:servetwin-gate",
          resourceAttributes: { verb, group, resource, namespace },
        },
      });
      return (answer.body as { status: { allowed: boolean } }).status.allowed;
    };
    expect(await may("list", "deployments", "apps")).toBe(true);
    expect(await may("get", "configmaps")).toBe(true);
    expect(await may("list", "deployments", "apps", "other")).toBe(false);
    for (const verb of ["list", "create", "update"]) expect(await may(verb, "configmaps")).toBe(false);
    for (const verb of ["get", "create", "patch", "delete"]) expect(await may(verb, "deployments", "apps")).toBe(false);
    expect(await may("get", "secrets")).toBe(false);
    expect(await may("patch", "inferencesimulations/status", "servetwin.dev")).toBe(false);
  });

  it("is applied again as it is: a second sync makes no new names", async () => {
    for (const manifest of manifests) await apply(plane, manifest);
    for (const manifest of manifests) expect((await plane.request("GET", pathOf(manifest))).status).toBe(200);
  });
});
