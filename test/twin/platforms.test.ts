import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { clusterOf } from "../../src/operator/read.ts";
import { manifestStore } from "../../src/store/manifests.ts";
import { platformsIn } from "../../src/twin/platforms.ts";

/** `Kind/name` of what belongs together in an example, with other objects beside it. */
const platforms = (example: string, namespace: string, ...others: readonly object[]): readonly string[] => {
  const folder = `deploy/examples/${example}`;
  const files = readdirSync(folder).map((file) => ({ file, text: readFileSync(`${folder}/${file}`, "utf8") }));
  const store = manifestStore([
    ...files,
    { file: "others.json", text: others.map((one) => JSON.stringify(one)).join("\n---\n") },
  ]);
  const found = platformsIn(clusterOf(store, namespace), namespace);
  return found.map((group) => group.map(({ kind, name }) => `${kind}/${name}`).join(" + "));
};

const owned = (by: string, name: string, labels: object = {}): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "serving", ownerReferences: [{ kind: by.split("/")[0], name: by.split("/")[1] }] },
  spec: {
    template: {
      metadata: { labels },
      spec: { containers: [{ name: "main", command: ["vllm", "serve", "Qwen/Qwen3-8B"] }] },
    },
  },
});

describe("platforms", () => {
  it("are what people wrote, not what its controller made of it", () => {
    const made = owned("LLMInferenceService/llama-70b", "llama-70b-kserve");
    const orphan = owned("LLMInferenceService/gone", "gone-kserve");
    expect(platforms("kserve", "serving", made, orphan)).toEqual([
      "LLMInferenceService/llama-70b",
      "InferenceService/llama-8b",
      "Deployment/gone-kserve",
    ]);
  });

  it("are Dynamo's graphs and groups of pods, too", () => {
    expect(platforms("dynamo", "serving").filter((one) => one.startsWith("DynamoGraphDeployment/"))).toHaveLength(1);
    expect(platforms("leaderworkerset", "inference").filter((one) => one.includes("LeaderWorkerSet/"))).not.toEqual([]);
  });

  it("are workloads together that one Service selects", () => {
    const [some, others] = ["a", "b"].map((name) => owned("Nobody/x", name, { app: "chat" }));
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "chat", namespace: "serving" },
      spec: { selector: { app: "chat" } },
    };
    expect(platforms("faults", "serving", some as object, others as object, service)).toContain(
      "Deployment/a + Deployment/b",
    );
  });
});
