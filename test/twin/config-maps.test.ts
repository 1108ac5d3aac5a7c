import { dump } from "js-yaml";
import { describe, expect, it } from "vitest";
import { type Prepared, prepare } from "../../src/cli/prepare.ts";
import { describeSource } from "../../src/model/known.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { withConfigMaps } from "../../src/operator/config-maps.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { manifestStore } from "../../src/store/manifests.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const FROM = "Deployment/inference/vllm-llama-8b spec.template.spec.containers[0]";

const prepared = async (change: (quick: Quickstart) => void, ...others: readonly Json[]): Promise<Prepared> => {
  const quick = new Quickstart();
  change(quick);
  const objects = [quick.deployment, quick.hpa, quick.simulation, ...others];
  const store = manifestStore([{ file: "all.yaml", text: objects.map((object) => dump(object)).join("---\n") }]);
  const stored = store.list("InferenceSimulation")[0] as Json;
  return prepare(store, stored, DEFAULT_LIMITS, []);
};
const configMap = (name: string, data: Readonly<Record<string, string>>): Json => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "inference" },
  data,
});
const shown = ({ values }: Prepared, name: string): string => {
  const found = values.find(({ path }) => path.endsWith(`.engine.${name}`));
  return found === undefined ? "" : `${String(found.value)} ${describeSource(found.from)}`;
};

describe("variables from ConfigMaps", () => {
  const flags = configMap("flags", { SEQS: "48", EXTRA: "--max-num-batched-tokens 4096 --block-size=32" });

  it("are read by key and as a whole, each at the field that refers to them", async () => {
    const read = await prepared(({ container }) => {
      const { args } = container;
      container.command = [
        "sh",
        "-c",
        'exec vllm serve meta-llama/Llama-3.1-8B-Instruct "$@" --max-num-seqs $SEATS $PRE_EXTRA',
        "--",
      ];
      container.args = args.filter((arg: string) => !arg.startsWith("--max-num-seqs"));
      container.env = [{ name: "SEATS", valueFrom: { configMapKeyRef: { name: "flags", key: "SEQS" } } }];
      container.envFrom = [{ prefix: "PRE_", configMapRef: { name: "flags" } }];
    }, flags);
    expect(shown(read, "maxNumSeqs")).toBe(`48 ${FROM}.env[0].valueFrom.configMapKeyRef`);
    expect(shown(read, "maxNumBatchedTokens")).toBe(`4096 ${FROM}.envFrom[0].configMapRef`);
    expect(shown(read, "blockSize")).toBe(`32 ${FROM}.envFrom[0].configMapRef`);
  });

  it("stand below env of the same name, and warn where there is no such key", async () => {
    const read = await prepared(
      ({ container }) => {
        container.args.push("--max-num-batched-tokens=$(TOKENS)", "--block-size=$(NONE)");
        container.envFrom = [{ configMapRef: { name: "flags" } }];
        container.env = [
          { name: "TOKENS", value: "2048" },
          { name: "NONE", valueFrom: { configMapKeyRef: { name: "flags", key: "NOWHERE" } } },
        ];
      },
      configMap("flags", { TOKENS: "512" }),
    );
    expect(shown(read, "maxNumBatchedTokens")).toBe(`2048 ${FROM}.env[0].value`);
    expect(read.warnings.map(describeProblem).join("\n")).toMatch(
      /--block-size uses NONE, whose value nothing here tells/,
    );
  });

  it("are fetched by key where they aren't among the objects, and no more than what is wanted", async () => {
    const asked: string[] = [];
    const store = {
      configMapKey: async (_namespace: string, name: string, key: string) => {
        asked.push(`${name}/${key}`);
        return key === "A" ? Buffer.from("1") : key === "B" ? Buffer.alloc(70_000) : undefined;
      },
    };
    const there = configMap("there", { A: "0" });
    const cluster = {
      get: (kind: string, _namespace: string, name: string) =>
        kind === "ConfigMap" && name === "there" ? there : undefined,
      list: () => [],
    };
    const wanted = ["A", "B", "C"].map((key) => ({ namespace: "inference", name: "far", key }));
    const found = await withConfigMaps(
      cluster,
      [...wanted, { namespace: "inference", name: "there", key: "A" }],
      store,
    );
    expect(asked).toEqual(["far/A", "far/B", "far/C"]);
    expect(found.get("ConfigMap", "inference", "far")?.data).toEqual({ A: "1" });
    expect(found.get("ConfigMap", "inference", "there")).toBe(there);
  });
});

it("a label that names another GPU than the nodes' is a contradiction", async () => {
  const read = await prepared(({ deployment }) => {
    deployment.metadata.labels = {
      ...deployment.metadata.labels,
      "inference.optimization/acceleratorName": "A100-SXM-80GB",
    };
  });
  expect(read.warnings.map(describeProblem).join("\n")).toMatch(
    /labels\["inference.optimization\/acceleratorName"\]: says A100-SXM-80GB, but .*nodeSelector.* says H100-SXM, which is simulated/,
  );
});
