import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { explainDocument } from "../../src/schema/explain-document.ts";
import { runDocument } from "../../src/schema/run-document.ts";
import { sweepDocument } from "../../src/server/view.ts";
import { runProgram } from "../e2e/program.ts";
import { checked } from "../schema/checked.ts";

/** What commands print with `-o json`, of examples with every kind of part in it, is as docs/schemas says and nothing beyond. */
const root = fileURLToPath(new URL("../../", import.meta.url));
const example = (...names: readonly string[]): readonly string[] =>
  names.flatMap((name) => ["-f", `deploy/examples/${name}`]);
const quickstart = example("quickstart/vllm-llama-8b.yaml", "quickstart/hpa.yaml");

const printed = async (args: readonly string[], input?: string): Promise<unknown> => {
  const { stdout, stderr } = await runProgram([...args, "-o", "json"], input, root);
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout);
};

/** Manifests of examples, of which three minutes are enough. */
const short = (...files: readonly string[]): string =>
  files
    .map((file) => readFileSync(join(root, "deploy/examples", file), "utf8"))
    .join("\n---\n")
    .replaceAll(/^(\s*)horizon: .*$/gm, "$1horizon: 3m")
    .replaceAll(/^\s*warmUp: .*$/gm, "");

describe("docs/schemas", () => {
  it.each([
    {
      part: "a gateway, classes and pools",
      files: ["vllm-qwen3-14b", "pool", "endpoint-picker", "simulation"].map((name) => `llm-d-epp/${name}.yaml`),
    },
    {
      part: "prefill and decode apart, and candidates",
      files: ["disaggregation/llama-8b.yaml", "disaggregation/simulation.yaml"],
    },
    {
      part: "nodes and their price",
      files: ["quickstart/vllm-llama-8b.yaml", "quickstart/hpa.yaml", "nodes/simulation.yaml"],
    },
  ])("run.json knows $part", async ({ files }) => {
    const document = await printed(["run", "--no-bands", "-f", "-"], short(...files));
    expect(checked(runDocument, document).errors).toEqual([]);
  });

  it("run.json knows a recorded trace and bands", async () => {
    expect(checked(runDocument, await printed(["run", ...example("replay")])).errors).toEqual([]);
  });

  it.each([
    { part: "all kinds of sources", of: example("llm-d-epp") },
    { part: "candidates", of: [...quickstart, ...example("candidates")] },
  ])("explain.json knows $part", async ({ of }) => {
    expect(checked(explainDocument, await printed(["explain", ...of])).errors).toEqual([]);
  });

  it("sweep.json knows a sweep", async () => {
    const small = `
apiVersion: servetwin.dev/v1alpha1
kind: InferenceSimulation
metadata: { name: small, namespace: inference }
spec:
  mirror: { workloads: [{ name: vllm-llama-8b }] }
  workload:
    synthetic: { clients: [{ name: chat, rate: 2, prompt: { distribution: constant, tokens: 300 }, output: { distribution: constant, tokens: 50 } }] }
  objectives: [{ metric: ttft, percentile: 95, atMost: 5s }]
  sweep:
    parameters: [{ target: { kind: HorizontalPodAutoscaler }, path: /spec/minReplicas, values: [1, 2, 99] }]
    search: Grid
    candidates: 4
    replications: 1
  run: { horizon: 2m }
`;
    const document = (await printed(["sweep", ...quickstart, "-f", "-"], small)) as {
      sweeps: { impossible: unknown[]; recommended?: unknown }[];
    };
    expect(document.sweeps[0]).toMatchObject({ impossible: [{ values: [99] }], recommended: { values: [1] } });
    expect(checked(sweepDocument, document).errors).toEqual([]);
  });
});
