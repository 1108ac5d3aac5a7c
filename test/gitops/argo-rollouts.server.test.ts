import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Program, up } from "../e2e/program.ts";
import { binaries } from "../env/build.ts";
import type { ControlPlane } from "../env/control-plane.ts";
import { apply, type Manifest, manifestsOf } from "../env/manifests.ts";
import { startPrometheus } from "../env/prometheus.ts";
import { kustomize } from "../install/render.ts";
import { type PodSpec, runContainer } from "./container.ts";
import { startPlatform, text } from "./platform.ts";

/** The analyses on the CRDs of Argo Rollouts: the Job as a process, the query asked of a real Prometheus, the conditions of real expr-lang. */
const ARGO = "/apis/argoproj.io/v1alpha1/namespaces/inference";

interface AnalysisTemplate extends Manifest {
  readonly spec: {
    readonly args: readonly { readonly name: string; readonly value?: string }[];
    readonly metrics: readonly [Metric];
  };
}
interface Metric {
  readonly successCondition: string;
  readonly failureCondition: string;
  readonly provider: {
    readonly job: { readonly spec: { readonly template: { readonly spec: PodSpec } } };
    readonly prometheus: { readonly address: string; readonly query: string };
  };
}

let plane: ControlPlane;
let manifests: readonly Manifest[];
let operator: Program | undefined;

/** The one metric of a template as the API server has it, with Rollouts' arguments put in. */
const metricOf = async (name: string, given: Readonly<Record<string, string>>): Promise<Metric> => {
  const { spec } = (await plane.request("GET", `${ARGO}/analysistemplates/${name}`)).body as AnalysisTemplate;
  const known = new Map(spec.args.map((arg) => [arg.name, given[arg.name] ?? arg.value]));
  const filled = JSON.stringify(spec.metrics[0]).replace(/\{\{\s*args\.([\w-]+)\s*\}\}/g, (whole, arg: string) => {
    const value = known.get(arg);
    if (value === undefined) throw new Error(`${name} is not given ${whole}`);
    return value;
  });
  return JSON.parse(filled) as Metric;
};

beforeAll(async () => {
  plane = await startPlatform([
    { crd: "rolloutCrd", served: `${ARGO}/rollouts` },
    { crd: "analysisTemplateCrd", served: `${ARGO}/analysistemplates` },
  ]);
  manifests = await kustomize("deploy/gitops/argo-rollouts");
  for (const manifest of manifests) await apply(plane, manifest);
});
afterAll(async () => {
  await operator?.stop("SIGKILL");
  await plane?.stop();
});

describe("the analysis that runs a Job", () => {
  /** As the Rollout's first step asks for it. */
  const podSpec = async (): Promise<PodSpec> => {
    const rollout = manifests.find(({ kind }) => kind === "Rollout") as Manifest;
    const { steps } = (rollout["spec"] as { strategy: { canary: { steps: [{ analysis: Asked }] } } }).strategy.canary;
    const { templates, args } = steps[0].analysis;
    const given = Object.fromEntries(args.map(({ name, value }) => [name, value]));
    const { job } = (await metricOf(templates[0].templateName, given)).provider;
    return job.spec.template.spec;
  };
  interface Asked {
    readonly templates: readonly [{ readonly templateName: string }];
    readonly args: readonly { readonly name: string; readonly value: string }[];
  }

  it("has a pod that the restricted profile lets in", async () => {
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "inference" } };
    const answer = await plane.request("POST", "/api/v1/namespaces/inference/pods?dryRun=All", {
      ...pod,
      spec: await podSpec(),
    });
    expect([answer.status, answer.body]).toEqual([201, expect.anything()]);
  });

  it("passes what meets the objectives, without a right in the cluster, and fails what does not", async () => {
    const passed = await runContainer(await podSpec(), manifests);
    expect(passed.code, passed.stderr).toBe(0);
    expect(passed.stdout).toContain("chat-rollout");
    const starved = manifests.map((manifest) => {
      const data = manifest["data"] as Record<string, string> | undefined;
      const rollout = data?.["rollout.yaml"];
      if (rollout === undefined) return manifest;
      return {
        ...manifest,
        data: { ...data, "rollout.yaml": rollout.replace("--max-num-seqs=64", "--max-num-seqs=8") },
      };
    });
    const failed = await runContainer(await podSpec(), starved);
    expect(failed.code, failed.stderr).toBe(1);
  });
});

describe("the analysis that asks Prometheus", () => {
  it("finds the time to first token of a Shadow in what the operator exports", async () => {
    const [simulation] = manifestsOf(text("deploy/gitops/argo-rollouts/simulation.yaml")) as [Manifest];
    const { objectives: _, ...spec } = simulation["spec"] as Record<string, unknown>;
    await apply(plane, { ...simulation, spec: { ...spec, mode: "Shadow", run: { bands: false } } });
    operator = await up(["--kubeconfig", plane.kubeconfigPath(), "--lease-namespace", "default"], 60);
    const target = operator.url.replace("http://", "");
    const prometheus = await startPrometheus({
      scrape: [{ job: "servetwin", target, intervalSeconds: 1, honorLabels: true }],
    });
    try {
      const given = { namespace: "inference", simulation: "chat-rollout", prometheus: prometheus.url };
      const { provider } = await metricOf("servetwin-simulated-ttft", given);
      expect(provider.prometheus.address).toBe(prometheus.url);
      const [sample] = await eventually(
        async () => {
          const found = await prometheus.query(provider.prometheus.query);
          return found.length > 0 && Number.isFinite(found[0]?.value) && found;
        },
        { withinSeconds: 90, what: "a figure", detail: () => prometheus.log() },
      );
      expect(sample?.value).toBeGreaterThan(0.005);
      expect(sample?.value).toBeLessThan(60);
      const other = await metricOf("servetwin-simulated-ttft", { ...given, simulation: "nobody" });
      expect(await prometheus.query(other.provider.prometheus.query)).toEqual([]);
    } finally {
      await prometheus.stop();
    }
  });

  it("succeeds, fails or is inconclusive as the figure is", async () => {
    const given = { namespace: "n", simulation: "s" };
    const { successCondition, failureCondition } = await metricOf("servetwin-simulated-ttft", given);
    const { expr } = await binaries({ needed: ["expr"] });
    const results = [[0.4], [1], [3], []];
    const input = results
      .flatMap((result) => [successCondition, failureCondition].map((formula) => ({ formula, result })))
      .map((question) => `${JSON.stringify(question)}\n`)
      .join("");
    const { stdout } = spawnSync(expr, { input, encoding: "utf8" });
    const holds = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { holds?: boolean }).holds);
    expect(results.map((_, i) => holds.slice(2 * i, 2 * i + 2))).toEqual([
      [true, false],
      [true, false],
      [false, true],
      [false, false],
    ]);
  });
});
