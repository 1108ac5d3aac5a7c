import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitted } from "../../src/cli/commands/fit-model.ts";
import { BadInput } from "../../src/cli/exit.ts";
import { fitReport, patchText } from "../../src/cli/fit-report.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { runProgram } from "../e2e/program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const results = "deploy/examples/fit-model";
const one = join(root, results, "c1.json");
const deployment = join(root, "deploy/examples/quickstart/vllm-llama-8b.yaml");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-fit-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const options = (filename: readonly string[], more: object = {}) => ({
  filename,
  deployment: [],
  replicas: 1,
  ...more,
});
const simulation = (name: string, engine: string): string => `
apiVersion: servetwin.dev/v1alpha1
kind: InferenceSimulation
metadata: { name: ${name}, namespace: inference }
spec:
  mirror: { workloads: [{ kind: Deployment, name: vllm-llama-8b }] }
  overrides: { engine: ${engine} }
  workload: { trace: { format: azure-2023, path: nowhere.csv } }
`;

describe("fit-model", () => {
  it("takes results and manifests in any order, and says what it did", async () => {
    const { refined, name, warnings } = await fitted(options([deployment, one]));
    expect(name).toBe("Deployment/inference/vllm-llama-8b");
    expect(warnings).toEqual([]);
    const report = fitReport(refined, name);
    expect(report).toMatch(/time per output token .* −1\d\.\d %/);
    expect(report).toContain("4 measured figures of 1 run.");
    const { spec } = load(patchText(refined, name, "f.yaml")) as {
      spec: { overrides: { engine: { latencyCorrections: Record<string, number> } } };
    };
    expect(spec.overrides.engine.latencyCorrections).toEqual(refined.corrections);
    expect(JSON.parse(patchText(refined, name, "f.json"))).toEqual({ spec });
  });

  it("takes the overrides of an InferenceSimulation, but neither its traffic nor what was fitted before", async () => {
    const plain = await fitted(options([one], { deployment: [deployment] }));
    const before = file("before.yaml", simulation("a", "{ latencyCorrections: { stepFactor: 3 } }"));
    expect((await fitted(options([one, deployment, before]))).refined).toEqual(plain.refined);
    const eager = file("fewer.yaml", simulation("b", "{ asyncScheduling: false }"));
    const other = await fitted(options([one, deployment, eager]));
    expect(other.refined.runs[0]?.before).not.toEqual(plain.refined.runs[0]?.before);
  });

  it("takes another GPU for what it is, and says that step times are far from those simulated", async () => {
    const { refined, warnings } = await fitted(options([one, deployment], { gpu: "L40S" }));
    expect(refined.values.find(({ name }) => name === "stepFactor")?.after).toBeLessThan(0.8);
    expect(warnings.map(({ reason }) => reason)).toEqual(expect.arrayContaining(["Extrapolated", "FarFromSimulated"]));
  });

  it("passes over what else lies in a folder, and reads what a list or a line holds", async () => {
    copyFileSync(one, join(folder, "result.json"));
    writeFileSync(
      join(folder, "lines.json"),
      `${JSON.stringify({ ...(JSON.parse(readFileSync(one, "utf8")) as object) })}\n`.repeat(2),
    );
    writeFileSync(join(folder, "prometheus.json"), '{"metrics": 1}');
    const only = mkdtempSync(join(folder, "only-"));
    for (const name of ["result.json", "lines.json", "prometheus.json"])
      copyFileSync(join(folder, name), join(only, name));
    const { refined, warnings } = await fitted(options([only], { deployment: [deployment] }));
    expect(refined.runs.map(({ run }) => run.id.slice(only.length + 1))).toEqual([
      "lines.json[0]",
      "lines.json[1]",
      "result.json",
    ]);
    expect(warnings.map(({ reason }) => reason)).toEqual(["UnknownFormat"]);
  });
});

describe("bad input of fit-model", () => {
  const problems = async (filename: readonly string[], more: object = {}): Promise<string> => {
    try {
      await fitted(options(filename, more));
    } catch (error) {
      if (error instanceof BadInput) return error.problems.map(describeProblem).join("\n");
      throw error;
    }
    return "nothing";
  };

  it("says what was looked for in a file that it doesn't know", async () => {
    const said = await problems([file("x.json", '{"latency": 3}'), deployment]);
    expect(said).toContain("x.json: neither a manifest nor a result that is known");
    for (const name of ["vllm-bench", "guidellm", "inference-perf"]) expect(said).toContain(name);
  });

  it.each<[string, () => readonly string[], object, string]>([
    ["no results", () => [deployment], {}, "there is no result in what is given"],
    ["no deployment", () => [one], {}, "is given: nothing says what was measured"],
    ["no such workload", () => [one, deployment], { workload: "other" }, " other"],
    ["a GPU that isn't known", () => [one, deployment], { gpu: "TPUv9" }, "TPUv9"],
    ["a file that isn't there", () => ["nowhere.json"], {}, "there is no file or folder nowhere.json"],
    [
      "results of which none can be used",
      () => [file("empty.json", '{"completed":0,"total_input_tokens":0,"request_throughput":0}'), deployment],
      {},
      "no request was completed",
    ],
    [
      "another latency model",
      () => [one, deployment, file("r.yaml", simulation("r", "{ latencyModel: roofline }"))],
      {},
      "the model that is refined is physical",
    ],
    [
      "simulations that differ",
      () => [one, deployment, file("ab.yaml", `${simulation("a", "{}")}---${simulation("b", "{ maxNumSeqs: 4 }")}`)],
      {},
      "say with --simulation whose overrides count",
    ],
  ])("%s", async (_, files, more, message) => expect(await problems(files(), more)).toContain(message));
});

describe("servetwin fit-model", () => {
  it("writes what an InferenceSimulation can take, and the twin then simulates so", async () => {
    const written = join(folder, "corrections.yaml");
    const { code, stdout, stderr } = await runProgram(
      ["fit-model", "-f", one, "--deployment", deployment, "--replicas", "1", "-o", written],
      undefined,
      root,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/median error of all figures: 1\d\.\d % before, \d\.\d % after/);
    const { spec } = load(readFileSync(written, "utf8")) as { spec: { overrides: { engine: object } } };
    const text = simulation("fitted", JSON.stringify(spec.overrides.engine)).replace(
      /workload: \{ trace.*/,
      "workload: { synthetic: { clients: [{ name: c, rate: 1, prompt: { distribution: constant, tokens: 9 }, output: { distribution: constant, tokens: 9 } }] } }",
    );
    const explained = await runProgram(["explain", "-f", "-", "-f", deployment, "-o", "json"], text, root);
    expect(explained.stderr).toBe("");
    expect(explained.stdout).toContain("latencyCorrections.stepFactor");
  });
});
