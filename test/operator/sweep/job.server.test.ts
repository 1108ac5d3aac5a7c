import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { dump, load } from "js-yaml";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { MOST_STATUS_BYTES } from "../../../src/operator/bounded-status.ts";
import { eventually, type Program, runProgram, up } from "../../e2e/program.ts";
import { type ControlPlane, startControlPlane } from "../../env/control-plane.ts";
import { apply, applyAll, type Manifest } from "../../env/manifests.ts";
import { clusterRbac, kustomize } from "../../install/render.ts";
import { Kubelet } from "./kubelet.ts";
import { hpa, type Spec } from "./swept.ts";

/**
 * Sweeps as Indexed Jobs on the real control plane: the real Job controller makes the Pods, a process stands for each. The operator has the
 * rights that deploy/kustomize gives it, and those for sweeps in the namespace inference only.
 */
const root = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const EXAMPLE = "deploy/examples/sweep-job/simulation.yaml";
const QUICKSTART = ["deploy/examples/quickstart/vllm-llama-8b.yaml", "deploy/examples/quickstart/hpa.yaml"];
const SIMULATIONS = "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations";
const OPERATOR = "system:serviceaccount:servetwin-system:servetwin";
const WORKER = "system:serviceaccount:inference:servetwin-sweep";
const IMAGE = "servetwin:test";

let plane: ControlPlane;
let kubeconfig: string;
let kubelet: Kubelet;
let operator: Program | undefined;
let folder: string;

const start = async (...args: string[]): Promise<Program> => {
  operator = await up(["--kubeconfig", kubeconfig, ...args]);
  return operator;
};
const permitted = ["--sweep-job-namespace", "inference", "--sweep-image", IMAGE];

const minReplicas = { target: hpa, path: "/spec/minReplicas", values: [1, 2, 3, 4, 9] };
const target = { target: hpa, path: "/spec/metrics/0/pods/target/averageValue", values: [2, 8] };
const RUN = { horizon: "4m", warmUp: "30s", seed: 7, bands: false };
const sweepOf = (job: Spec | undefined, more: Spec = {}): Spec => ({
  ...{ search: "Grid", parameters: [minReplicas, target], replications: 3, ...more },
  ...(job === undefined ? {} : { job }),
});
const simulation = (name: string, sweep: Spec, more: Spec = {}): Manifest => {
  const said = load(read(EXAMPLE)) as Manifest & { spec: Spec };
  const metadata = { name, namespace: "inference" };
  return { ...said, metadata, spec: { ...said.spec, run: RUN, sweep, ...more } };
};

interface Status {
  phase: string;
  verdict?: string;
  conditions: { type: string; status: string; reason: string; message: string }[];
  sweep?: { tried: number; recommended?: { values: string[] } };
  sweepJob?: { ledger: string; job?: string; runs: number; done: number };
}
const statusOf = async (name: string): Promise<Status | undefined> =>
  ((await plane.request("GET", `${SIMULATIONS}/${name}`)).body as { status?: Status }).status;
const condition = (status: Status | undefined, type: string) => status?.conditions.find((one) => one.type === type);
const until = (name: string, what: string, holds: (status: Status) => boolean, withinSeconds = 90): Promise<Status> =>
  eventually(
    async () => {
      const status = await statusOf(name);
      return status !== undefined && holds(status) && status;
    },
    {
      what: `${what} of ${name}`,
      withinSeconds,
      detail: () =>
        `${operator?.output()}\n${String(kubelet.failure)}\n${kubelet.begun.map((one) => one.message()).join("\n")}`,
    },
  );
const isReady = (status: Status): boolean => condition(status, "Ready")?.status === "True";
const isStalled = (status: Status): boolean => condition(status, "Stalled")?.status === "True";

const list = async (path: string, name: string): Promise<{ metadata: { name: string } }[]> => {
  const selector = `labelSelector=servetwin.dev/simulation=inference.${name}`;
  const { body } = await plane.request("GET", `${path}?${selector}`);
  return (body as { items: { metadata: { name: string } }[] }).items;
};
const JOBS = "/apis/batch/v1/namespaces/inference/jobs";
const MAPS = "/api/v1/namespaces/inference/configmaps";
/** What `servetwin sweep -o json` finds of the same manifests, without a cluster. */
const onCommandLine = async (manifest: Manifest): Promise<string> => {
  writeFileSync(join(folder, "simulation.yaml"), dump(manifest));
  const { stdout } = await runProgram(["sweep", "-f", folder, "-o", "json"]);
  return stdout;
};
const found = async (name: string): Promise<string> =>
  (await fetch(`${operator?.url}/api/v1/simulations/inference/${name}/sweep`)).text();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-sweep-"));
  for (const path of QUICKSTART) cpSync(new URL(path, root), join(folder, basename(path)));
  plane = await startControlPlane({ controllerManager: true });
  await applyAll(plane, read("crds/servetwin.dev_inferencesimulations.yaml"));
  // Pod Security lets in nothing but what its strictest profile allows.
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  for (const name of ["inference", "other", "servetwin-system"])
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  for (const manifest of await clusterRbac()) await apply(plane, manifest);
  for (const manifest of await kustomize("deploy/kustomize/sweep-jobs")) await apply(plane, manifest);
  kubeconfig = (await plane.user(OPERATOR)).kubeconfigPath;
  await plane.user(WORKER, ["system:serviceaccounts", "system:serviceaccounts:inference", "system:authenticated"]);
  for (const path of QUICKSTART) await applyAll(plane, read(path), "inference");
  await eventually(async () => (await plane.request("GET", SIMULATIONS)).status === 200, { what: "the CRD" });
  kubelet = new Kubelet(plane, "inference");
  kubelet.start();
});
afterEach(async () => {
  expect(kubelet.failure).toBeUndefined();
  await operator?.stop();
  operator = undefined;
});
afterAll(async () => {
  await kubelet?.stop();
  await plane?.stop();
  rmSync(folder, { recursive: true });
});

describe("a sweep as Indexed Jobs", () => {
  it("finds what the command finds, to the byte, though a pod is killed in the middle", async () => {
    const manifest = simulation("killed", sweepOf({ parallelism: 2 }));
    const byThreads = simulation("by-threads", sweepOf(undefined, { parameters: [target], replications: 1 }));
    await start(...permitted);
    await apply(plane, manifest);
    const rows = (text = ""): number => Math.max(0, text.trim().split("\n").length - 1);
    const victim = await eventually(async () => kubelet.begun.find((one) => rows(one.message()) >= 1), {
      what: "a pod at work",
      withinSeconds: 60,
      detail: () => operator?.output() ?? "",
    });
    const before = rows(victim.message());
    const of = ({ pod }: typeof victim, what: "job-name" | "job-completion-index"): string | undefined =>
      pod.metadata.labels?.[`batch.kubernetes.io/${what}`];
    const tries = () =>
      kubelet.begun.filter(
        (one) =>
          of(one, "job-name") === of(victim, "job-name") &&
          of(one, "job-completion-index") === of(victim, "job-completion-index"),
      );
    victim.process.kill("SIGKILL");
    const status = await until("killed", "the end", isReady);
    expect(await found("killed")).toBe(await onCommandLine(manifest));
    expect(status.verdict).toBe("Passed");
    expect(JSON.stringify(status).length).toBeLessThan(MOST_STATUS_BYTES);

    // Another Pod went on where it was.
    expect(tries().map(({ message }) => rows(message()))).toEqual([before, 4 - before]);

    // Rounds that are over leave their results only, and those go with the simulation.
    expect(await list(JOBS, "killed")).toEqual([]);
    expect((await list(MAPS, "killed")).map(({ metadata }) => metadata.name)).toEqual([status.sweepJob?.ledger]);

    // A new operator has all of it again, from there or by its threads: no pod runs, and nothing is told anew.
    await apply(plane, byThreads);
    await until("by-threads", "the end", isReady);
    const names = ["killed", "by-threads"];
    const all = () => Promise.all(names.map((name) => found(name)));
    const objects = () =>
      Promise.all(names.map(async (name) => (await plane.request("GET", `${SIMULATIONS}/${name}`)).body));
    const [documents, pods, told] = [await all(), kubelet.begun.length, await objects()];
    await operator?.stop();
    await start(...permitted);
    await eventually(async () => JSON.stringify(await all()) === JSON.stringify(documents), {
      what: "both sweeps",
      withinSeconds: 60,
      detail: () => operator?.output() ?? "",
    });
    expect(kubelet.begun).toHaveLength(pods);
    expect(await list(JOBS, "killed")).toEqual([]);
    expect(await objects()).toEqual(told);
    await plane.request("DELETE", `${SIMULATIONS}/by-threads`);
    await plane.request("DELETE", `${SIMULATIONS}/killed`);
    await eventually(async () => (await list(MAPS, "killed")).length === 0, { what: "garbage collection" });
  });

  it("goes on under a new operator when the one that began it is killed", async () => {
    await start(...permitted);
    const parameters = [{ ...minReplicas, values: [2, 3, 4] }];
    const manifest = simulation("orphan", sweepOf({ parallelism: 1 }, { parameters, replications: 1 }));
    await apply(plane, manifest);
    const pods = () => kubelet.begun.filter(({ pod }) => pod.metadata.name.startsWith("orphan-sweep-"));
    await eventually(async () => pods().length > 0, { what: "a pod", withinSeconds: 60 });
    await operator?.stop("SIGKILL");
    await start(...permitted);
    expect((await until("orphan", "the end", isReady)).sweepJob).toMatchObject({ runs: 3, done: 3 });
    expect(await found("orphan")).toBe(await onCommandLine(manifest));
    // Its Job was found, and not made once more.
    expect(pods()).toHaveLength(1);
    await plane.request("DELETE", `${SIMULATIONS}/orphan`);
  });

  it("runs pods without token, network or rights", async () => {
    const pod = kubelet.begun[0]?.pod;
    expect(pod?.spec).toMatchObject({ serviceAccountName: "servetwin-sweep", automountServiceAccountToken: false });
    expect(pod?.spec.volumes.map(({ name }) => name)).toEqual(["input"]);
    expect(pod?.spec.containers[0]?.env?.map(({ name }) => name)).toEqual(["JOB_COMPLETION_INDEX"]);
    const policy = await plane.request(
      "GET",
      "/apis/networking.k8s.io/v1/namespaces/inference/networkpolicies/servetwin-sweep",
    );
    expect((policy.body as { spec: object }).spec).toMatchObject({
      podSelector: { matchLabels: { "app.kubernetes.io/name": pod?.metadata.labels?.["app.kubernetes.io/name"] } },
      policyTypes: ["Ingress", "Egress"],
    });
    for (const path of [MAPS, `${MAPS}/x`, JOBS, SIMULATIONS, "/api/v1/namespaces/inference/pods"])
      expect((await plane.request("GET", path, undefined, { user: WORKER })).status, path).toBe(403);
  });

  it("gives the operator rights for Jobs where they are permitted, and nowhere else", async () => {
    const asked = async (namespace: string, verb: string, group: string, resource: string): Promise<boolean> => {
      const answer = await plane.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        spec: { user: OPERATOR, resourceAttributes: { namespace, verb, group, resource } },
      });
      return (answer.body as { status: { allowed: boolean } }).status.allowed;
    };
    const rights = [
      ...["get", "create", "patch", "delete"].flatMap((verb) => [
        [verb, "batch", "jobs"],
        [verb, "", "configmaps"],
      ]),
      ["list", "", "pods"],
    ] as [string, string, string][];
    for (const [verb, group, resource] of rights) {
      expect(await asked("inference", verb, group, resource), `${verb} ${resource}`).toBe(true);
      // By name it may read any ConfigMap: a trace may be there.
      const anyway = verb === "get" && resource === "configmaps";
      expect(await asked("other", verb, group, resource), `${verb} ${resource} elsewhere`).toBe(anyway);
    }
    const never = [
      ...["list", "watch", "update", "deletecollection"].flatMap((verb) => [
        [verb, "batch", "jobs"],
        [verb, "", "configmaps"],
      ]),
      ...["get", "watch", "create", "patch", "delete"].map((verb) => [verb, "", "pods"]),
      ...["get", "list", "create"].map((verb) => [verb, "", "secrets"]),
      ["create", "rbac.authorization.k8s.io", "roles"],
      ["create", "batch", "cronjobs"],
    ] as [string, string, string][];
    for (const [verb, group, resource] of never)
      expect(await asked("inference", verb, group, resource), `${verb} ${resource}`).toBe(false);
  });

  it("waits while it is suspended, and begins anew with nothing left of the old when it is changed", async () => {
    await start(...permitted);
    const { sweep } = (load(read(EXAMPLE)) as { spec: { sweep: { job: Spec } } }).spec;
    const job = { ...sweep.job, suspend: true, queueName: "team-a" };
    await apply(plane, simulation("waits", { ...sweep, job }));
    const waits = await until(
      "waits",
      "a suspended Job",
      (status) => condition(status, "Reconciling")?.reason === "SweepWaits",
    );
    expect(condition(waits, "Reconciling")?.message).toMatch(
      /Job waits-sweep-\w+-r1: 0 of 80 runs are done; Job .* is suspended$/,
    );
    const [made] = (await list(JOBS, "waits")) as {
      metadata: { name: string; labels?: Record<string, string> };
      spec?: object;
    }[];
    expect(made?.metadata.labels?.["kueue.x-k8s.io/queue-name"]).toBe("team-a");
    expect(made?.spec).toMatchObject({ completionMode: "Indexed", completions: 8, parallelism: 8, suspend: true });
    // What Kueue does when it admits it, and when it takes the quota back for others: neither is undone.
    const admitted = `${JOBS}/${made?.metadata.name}`;
    const asKueue = async (spec: object, reason: string): Promise<void> => {
      expect((await plane.request("PATCH", admitted, { spec })).status).toBe(200);
      await until("waits", reason, (status) => condition(status, "Reconciling")?.reason === reason);
    };
    const flavor = { spec: { nodeSelector: { pool: "spot" } } };
    await asKueue({ suspend: false, parallelism: 1, template: flavor }, "Sweeping");
    await asKueue({ suspend: true }, "SweepWaits");
    expect((await plane.request("GET", admitted)).body).toMatchObject({ spec: { suspend: true, template: flavor } });
    // Somebody deletes the Job: another takes its place.
    await plane.request("DELETE", `${JOBS}/${made?.metadata.name}?propagationPolicy=Background`);
    await eventually(async () => (await list(JOBS, "waits"))[0]?.metadata.name === `${made?.metadata.name}-again-1`, {
      what: "another Job",
    });
    // Another sweep: the old Job goes. Without a queue the simulation says when it runs.
    const parameters = [{ ...minReplicas, values: [3, 4] }];
    await apply(plane, simulation("waits", sweepOf({ suspend: true }, { parameters, replications: 1 })));
    const ledger = waits.sweepJob?.ledger;
    const again = await until(
      "waits",
      "another Job",
      (status) => status.sweepJob?.ledger !== ledger && condition(status, "Reconciling")?.reason === "SweepWaits",
    );
    const left = [...(await list(JOBS, "waits")), ...(await list(MAPS, "waits"))].map(({ metadata }) => metadata.name);
    expect(left.filter((name) => !name.startsWith(again.sweepJob?.ledger ?? "?"))).toEqual([]);
    await apply(plane, simulation("waits", sweepOf({ suspend: false }, { parameters, replications: 1 })));
    const done = await until("waits", "the end", isReady);
    expect(done.sweep?.recommended?.values).toEqual(["3"]);
    expect(done.sweepJob?.ledger).toBe(again.sweepJob?.ledger);
    await plane.request("DELETE", `${SIMULATIONS}/waits`);
  });

  it("says that an image can't be pulled, and goes on when there is another", async () => {
    kubelet.missingImages.push("nowhere/servetwin:0");
    await start("--sweep-job-namespace", "inference", "--sweep-image", "nowhere/servetwin:0");
    const parameters = [{ ...minReplicas, values: [3, 4] }];
    await apply(plane, simulation("unpulled", sweepOf({}, { parameters, replications: 1 })));
    const status = await until("unpulled", "waiting", (one) => condition(one, "Reconciling")?.reason === "SweepWaits");
    expect(condition(status, "Reconciling")?.message).toContain("ErrImagePull: nowhere/servetwin:0: not found");
    await operator?.stop();
    await start(...permitted);
    expect((await until("unpulled", "the end", isReady)).sweepJob).toMatchObject({ runs: 2, done: 2 });
    await plane.request("DELETE", `${SIMULATIONS}/unpulled`);
  });

  it("says what is missing where Jobs are not permitted, and runs nothing", async () => {
    await apply(plane, simulation("forbidden", sweepOf({}, { replications: 1 })));
    const stalled = async (reason: string, ...args: string[]): Promise<string> => {
      await start(...args);
      const is = (status: Status): boolean => isStalled(status) && condition(status, "Stalled")?.reason === reason;
      const status = await until("forbidden", reason, is);
      await operator?.stop();
      return condition(status, "Stalled")?.message ?? "";
    };
    expect(await stalled("SweepJobsNotPermitted")).toMatch(
      /permits no Jobs in namespace inference; ask for --sweep-job-namespace/,
    );
    expect(await stalled("NoSweepImage", "--sweep-job-namespace", "inference")).toContain(
      "ask the installer for --sweep-image",
    );
    // Permitted by the flag alone.
    const role = "/apis/rbac.authorization.k8s.io/v1/namespaces/inference/rolebindings/servetwin-sweep-jobs";
    const { body } = await plane.request("GET", role);
    await plane.request("DELETE", role);
    expect(await stalled("SweepJobRefused", ...permitted)).toMatch(
      /could not be created: .*forbidden.*; ask the installer for the rights/,
    );
    const { metadata, ...rest } = body as Manifest;
    await apply(plane, { ...rest, metadata: { name: metadata.name, namespace: "inference" } } as Manifest);
    expect(await list(JOBS, "forbidden")).toEqual([]);
    await plane.request("DELETE", `${SIMULATIONS}/forbidden`);
  });
});
