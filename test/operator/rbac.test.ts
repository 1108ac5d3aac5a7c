import { readFileSync } from "node:fs";
import { loadAll } from "js-yaml";
import { describe, expect, it } from "vitest";
import { groupOf, WATCHED_KINDS } from "../../src/store/kinds.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const documents = loadAll(readFileSync(new URL("../../deploy/operator/rbac.yaml", import.meta.url), "utf8")) as {
  kind: string;
  rules?: Rule[];
}[];
const rules = documents.find(({ kind }) => kind === "ClusterRole")?.rules ?? [];
const grants = (wanted: string): readonly string[] =>
  rules
    .filter(({ verbs }) => verbs.join() === wanted)
    .flatMap(({ apiGroups, resources }) => apiGroups.flatMap((group) => resources.map((one) => `${group}/${one}`)))
    .sort();

describe("deploy/operator/rbac.yaml", () => {
  it("lets the operator list and watch what it watches, and nothing else", () => {
    const watched = WATCHED_KINDS.map(({ apiVersion, plural }) => `${groupOf(apiVersion)}/${plural}`).sort();
    expect(grants("get,list,watch")).toEqual(watched);
  });

  it("lets it read ConfigMaps one by one, and write only what is its own", () => {
    expect(grants("get")).toEqual(["/configmaps"]);
    const others = rules.filter(({ verbs }) => !["get,list,watch", "get"].includes(verbs.join()));
    expect(others.flatMap(({ resources }) => resources)).toEqual(["inferencesimulations/status", "events"]);
  });
});
