import { readdirSync, readFileSync } from "node:fs";
import { load, loadAll } from "js-yaml";
import { describe, expect, it } from "vitest";
import { groupOf, WATCHED_KINDS } from "../../src/store/kinds.ts";
import { type AccessRule, CLUSTER_RULES, NAMESPACED_RULES, REPORT_RULES, SWEEP_JOB_RULES } from "./access.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };

const grants = (rules: readonly AccessRule[], wanted: string): readonly string[] =>
  rules
    .filter(({ verbs }) => verbs.join() === wanted)
    .flatMap(({ apiGroups, resources }) => apiGroups.flatMap((group) => resources.map((one) => `${group}/${one}`)))
    .sort();

describe("the operator's rights", () => {
  const all = [...NAMESPACED_RULES, ...CLUSTER_RULES];

  it("are to list and watch what it watches, and nothing else", () => {
    const kinds = new Set(WATCHED_KINDS.map(({ apiVersion, plural }) => `${groupOf(apiVersion)}/${plural}`));
    expect(grants(all, "get,list,watch")).toEqual([...kinds].sort());
  });

  it("are to read ConfigMaps one by one, and to write only what is its own", () => {
    expect(grants(all, "get")).toEqual(["/configmaps"]);
    const others = all.filter(({ verbs }) => !["get,list,watch", "get"].includes(verbs.join()));
    expect(others.flatMap(({ resources }) => resources)).toEqual(["inferencesimulations/status", "events"]);
  });

  it("are for Jobs only in namespaces that are named for it, and never to make pods or to read them all along", () => {
    expect(SWEEP_JOB_RULES.map(({ resources, verbs }) => [...resources, ...verbs])).toEqual([
      ["jobs", "get", "create", "patch", "delete"],
      ["configmaps", "get", "create", "patch", "delete"],
      ["pods", "list"],
    ]);
    expect(JSON.stringify(all)).not.toMatch(/jobs|pods"/);
  });

  it("are to make and change ConfigMaps of reports only where that is permitted, and never to delete or list any", () => {
    expect(REPORT_RULES).toEqual([{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create", "patch"] }]);
  });

  it("name no Secret and no wildcard", () => {
    expect(JSON.stringify([...all, ...SWEEP_JOB_RULES, ...REPORT_RULES])).not.toMatch(/secrets|\*/);
  });
});

describe("deploy/", () => {
  it("names this version", () => {
    const chart = load(read("deploy/helm/servetwin/Chart.yaml")) as { version: string; appVersion: string };
    expect(chart).toMatchObject({ version, appVersion: version });
    const base = load(read("deploy/kustomize/base/kustomization.yaml")) as { images: { newTag: string }[] };
    expect(base.images.map(({ newTag }) => newTag)).toEqual([version]);
  });

  it.each([
    "deploy/kustomize/base",
    "deploy/kustomize/components/monitoring",
    "deploy/kustomize/components/webhook",
    "deploy/kustomize/overlays/cluster",
    "deploy/kustomize/overlays/namespaced",
    "deploy/kustomize/report-config-maps",
    "deploy/kustomize/sweep-jobs",
  ])("%s leaves out none of its files", (folder) => {
    const { resources } = load(read(`${folder}/kustomization.yaml`)) as { resources: string[] };
    const files = readdirSync(new URL(folder, root)).filter((name) => name !== "kustomization.yaml");
    expect(resources.filter((name) => !name.startsWith("..")).sort()).toEqual(files.sort());
  });

  it("installs into a namespace that takes restricted pods only", () => {
    const [namespace] = loadAll(read("deploy/kustomize/overlays/cluster/namespace.yaml")) as [
      { metadata: { labels: Record<string, string> } },
    ];
    expect(namespace.metadata.labels["pod-security.kubernetes.io/enforce"]).toBe("restricted");
  });
});
