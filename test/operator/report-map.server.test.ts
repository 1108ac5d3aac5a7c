import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { dump, load } from "js-yaml";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { runDocument } from "../../src/schema/run-document.ts";
import { eventually, type Program, runProgram, up } from "../e2e/program.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { apply, applyAll, type Manifest } from "../env/manifests.ts";
import { clusterRbac, kustomize } from "../install/render.ts";

/**
 * Whole reports in ConfigMaps on a real API server. The operator has the rights that deploy/kustomize gives it, and in time those for
 * reports in the namespace inference.
 */
const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const EXAMPLE = "deploy/examples/report-config-map/simulation.yaml";
const QUICKSTART = ["deploy/examples/quickstart/vllm-llama-8b.yaml", "deploy/examples/quickstart/hpa.yaml"];
const SIMULATIONS = "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations";
const MAPS = "/api/v1/namespaces/inference/configmaps";
const OPERATOR = "system:serviceaccount:servetwin-system:servetwin";

type Spec = Record<string, unknown>;
interface ConfigMap {
  readonly metadata: { readonly uid: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}
interface Status {
  readonly phase: string;
  readonly conditions: readonly { type: string; status: string; reason: string; message: string }[];
}

let plane: ControlPlane;
let kubeconfig: string;
let operator: Program | undefined;
let folder: string;

const start = async (...args: string[]): Promise<void> => {
  operator = await up(["--kubeconfig", kubeconfig, ...args]);
};
const permitted = ["--report-config-map-namespace", "inference"];

const simulation = (name: string, reportConfigMap: string, more: Spec = {}): Manifest => {
  const said = load(read(EXAMPLE)) as Manifest & { spec: Spec };
  const run = { horizon: "2m", warmUp: "20s", seed: 7, replications: 2, bands: false };
  return {
    ...said,
    metadata: { name, namespace: "inference" },
    spec: { ...said.spec, run, export: { reportConfigMap }, ...more },
  };
};
/** The condition ReportWritten of a simulation that is done, once it has this reason. */
const untilReport = (name: string, reason: string): Promise<string> =>
  eventually(
    async () => {
      const { status } = (await plane.request("GET", `${SIMULATIONS}/${name}`)).body as { status?: Status };
      const report = status?.conditions.find(({ type }) => type === "ReportWritten");
      const isDone = status?.phase === "Succeeded" || status?.phase === "Failed";
      return isDone && report?.reason === reason && `${report.status} ${report.message}`;
    },
    { what: `${reason} of ${name}`, withinSeconds: 90, detail: () => operator?.output() ?? "" },
  );
const mapNamed = async (name: string): Promise<ConfigMap | undefined> => {
  const { status, body } = await plane.request("GET", `${MAPS}/${name}`);
  return status === 200 ? (body as ConfigMap) : undefined;
};
const reportIn = (map: ConfigMap | undefined, key = "report.json"): unknown => {
  const gzipped = map?.binaryData?.[`${key}.gz`];
  return JSON.parse(
    gzipped === undefined ? (map?.data?.[key] ?? "null") : gunzipSync(Buffer.from(gzipped, "base64")).toString(),
  );
};
const may = async (namespace: string, verb: string, resource: string): Promise<boolean> => {
  const answer = await plane.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    spec: { user: OPERATOR, resourceAttributes: { namespace, verb, group: "", resource } },
  });
  return (answer.body as { status: { allowed: boolean } }).status.allowed;
};
/** What the command prints of the same manifests, without a cluster. */
const onCommandLine = async (command: string, manifest: Manifest): Promise<unknown> => {
  writeFileSync(join(folder, "simulation.yaml"), dump(manifest));
  const { stdout } = await runProgram([command, "-f", folder, "-o", "json"]);
  return JSON.parse(stdout);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-report-"));
  for (const path of QUICKSTART) cpSync(new URL(path, root), join(folder, basename(path)));
  plane = await startControlPlane({ controllerManager: true });
  await applyAll(plane, read("crds/servetwin.dev_inferencesimulations.yaml"));
  for (const name of ["inference", "other", "servetwin-system"])
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const manifest of await clusterRbac()) await apply(plane, manifest);
  kubeconfig = (await plane.user(OPERATOR)).kubeconfigPath;
  for (const path of QUICKSTART) await applyAll(plane, read(path), "inference");
  await eventually(async () => (await plane.request("GET", SIMULATIONS)).status === 200, { what: "the CRD" });
});
afterEach(async () => {
  await operator?.stop();
  operator = undefined;
});
afterAll(async () => {
  await plane?.stop();
  rmSync(folder, { recursive: true });
});

describe("the whole report in a ConfigMap", () => {
  it("is not written where the installer permits none, and the simulation is done all the same", async () => {
    await apply(plane, simulation("chat", "chat-report"));
    await start();
    expect(await untilReport("chat", "ReportNotPermitted")).toMatch(
      /^False the installer permits no ConfigMaps .* in namespace inference; .*--report-config-map-namespace.*deploy\/kustomize\/report-config-maps/,
    );
    const metrics = await (await fetch(`${operator?.url}/metrics`)).text();
    expect(metrics.split("\n").filter((line) => /^rest_client.*code="403"/.test(line))).toEqual([]);
  });

  it("is written as soon as the rights are there, and is what the command prints", async () => {
    await start(...permitted);
    expect(await untilReport("chat", "ReportRefused")).toMatch(
      /^False ConfigMap inference\/chat-report .*forbidden.*; ask/,
    );
    for (const manifest of await kustomize("deploy/kustomize/report-config-maps")) await apply(plane, manifest);
    // A binding counts a moment after it was made. The operator looks by itself every half minute; a change of its object is sooner.
    await eventually(() => may("inference", "create", "configmaps"), { what: "the rights" });
    await plane.request("PATCH", `${SIMULATIONS}/chat`, { metadata: { annotations: { touched: "yes" } } });
    expect(await untilReport("chat", "Written")).toBe("True ConfigMap chat-report has the whole report");
    const map = await mapNamed("chat-report");
    const report = reportIn(map);
    expect(runDocument.parse(report)).toEqual(report);
    expect(report).toEqual(await onCommandLine("run", simulation("chat", "chat-report")));
    expect(map?.metadata).toMatchObject({
      labels: { "servetwin.dev/simulation": "inference.chat" },
      ownerReferences: [{ kind: "InferenceSimulation", name: "chat", controller: true }],
    });
  });

  it("stays as it is when another operator leads, comes back when it was deleted, and follows the simulation", async () => {
    const before = await mapNamed("chat-report");
    await start(...permitted);
    await untilReport("chat", "Written");
    expect(await mapNamed("chat-report")).toEqual(before);
    await operator?.stop();
    await plane.request("DELETE", `${MAPS}/chat-report`);
    await start(...permitted);
    const again = await eventually(() => mapNamed("chat-report"), { what: "the report", withinSeconds: 60 });
    expect(again.metadata.uid).not.toBe(before?.metadata.uid);
    expect([again.data, again.binaryData]).toEqual([before?.data, before?.binaryData]);

    const run = { horizon: "2m", warmUp: "20s", seed: 8, replications: 1, bands: false };
    await apply(plane, simulation("chat", "chat-report", { run }));
    const changed = await eventually(
      async () => {
        const map = await mapNamed("chat-report");
        return (
          map?.metadata.annotations?.["servetwin.dev/input-digest"] !==
            again.metadata.annotations?.["servetwin.dev/input-digest"] && map
        );
      },
      { what: "the report of another seed", withinSeconds: 60 },
    );
    expect(reportIn(changed)).toMatchObject({ simulations: [{ runs: [{ seed: 8 }] }, { scenario: "two-at-least" }] });
  });

  it("has what a sweep found as well", async () => {
    await start(...permitted);
    const sweep = {
      parameters: [{ target: { kind: "HorizontalPodAutoscaler" }, path: "/spec/minReplicas", values: [1, 2, 3] }],
      replications: 1,
    };
    const said = simulation("swept", "swept-report", { sweep, candidates: [] });
    await apply(plane, said);
    await untilReport("swept", "Written");
    const found = reportIn(await mapNamed("swept-report"), "sweep.json");
    expect(found).toEqual(await onCommandLine("sweep", said));

    // As another process writes it at its start, before it has found again what the sweep found.
    await operator?.stop();
    await plane.request("PATCH", `${MAPS}/swept-report`, { data: { "sweep.json": null }, binaryData: null });
    await start(...permitted);
    await eventually(async () => reportIn(await mapNamed("swept-report"), "sweep.json") !== null, {
      what: "the sweep, found again",
      withinSeconds: 60,
    });
    expect(reportIn(await mapNamed("swept-report"), "sweep.json")).toEqual(found);
    expect(await untilReport("swept", "Written")).toBe("True ConfigMap swept-report has the whole report");
  });

  it("overwrites nothing that isn't the simulation's own", async () => {
    const theirs: Manifest = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "theirs", namespace: "inference" },
      data: { "report.json": "mine" },
    };
    await apply(plane, theirs);
    await apply(plane, simulation("taker", "theirs"));
    await start(...permitted);
    expect(await untilReport("taker", "NameTaken")).toContain("that this simulation doesn't own");
    expect((await mapNamed("theirs"))?.data).toEqual({ "report.json": "mine" });
  });

  it("goes when the simulation goes", async () => {
    await plane.request("DELETE", `${SIMULATIONS}/chat`);
    await eventually(async () => (await mapNamed("chat-report")) === undefined, { what: "garbage collection" });
  });

  it("fits: Kubernetes takes two halves of a MiB, and no byte more", async () => {
    const half = "x".repeat(512 * 1024);
    const map = (more: string): Manifest => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "large", namespace: "inference" },
      data: { "report.json": half },
      binaryData: { "sweep.json.gz": Buffer.from(half + more).toString("base64") },
    });
    expect((await plane.request("POST", `${MAPS}?dryRun=All`, map(""))).status).toBe(201);
    expect((await plane.request("POST", `${MAPS}?dryRun=All`, map("x"))).status).toBe(422);
  });

  it("gives the operator the rights for it where it is permitted, and nowhere else", async () => {
    const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    const allowed = async (namespace: string, resource: string): Promise<string[]> => {
      const answers = await Promise.all(verbs.map((verb) => may(namespace, verb, resource)));
      return verbs.filter((_, i) => answers[i]);
    };
    expect(await allowed("inference", "configmaps")).toEqual(["get", "create", "patch"]);
    expect(await allowed("other", "configmaps")).toEqual(["get"]);
    expect(await allowed("inference", "secrets")).toEqual([]);
  });
});
