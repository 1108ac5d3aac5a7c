import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dump, load } from "js-yaml";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually, type Program, runProgram, up } from "../../e2e/program.ts";
import { hpa, type Spec } from "./swept.ts";

/** The operator runs what `servetwin sweep` runs, and says it on the object, the page and the API. */
const example = (path: string): string => fileURLToPath(new URL(`../../../deploy/examples/${path}`, import.meta.url));

let folder: string;
let program: Program;

const write = (name: string, sweep: Spec, more: Spec = {}): void => {
  const simulation = load(readFileSync(example("sweep/simulation.yaml"), "utf8")) as { metadata: object; spec: Spec };
  const run = { horizon: "3m", warmUp: "30s", seed: 7 };
  const said = {
    ...simulation,
    metadata: { name, namespace: "inference" },
    spec: { ...simulation.spec, run, sweep, ...more },
  };
  writeFileSync(join(folder, `${name}.yaml`), dump(said));
};

const minReplicas = { target: hpa, path: "/spec/minReplicas", values: [3, 4, 9] };
const maxReplicas = { target: hpa, path: "/spec/maxReplicas", range: { min: 1, max: 1000 } };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-sweep-"));
  for (const name of ["vllm-llama-8b.yaml", "hpa.yaml"]) cpSync(example(`quickstart/${name}`), join(folder, name));
  write("found", { search: "Grid", replications: 2, parameters: [minReplicas] });
  write("none", { parameters: [minReplicas] }, { objectives: [{ metric: "ttft", percentile: 50, atMost: "1us" }] });
  write("endless", { search: "Grid", parameters: [maxReplicas, maxReplicas, maxReplicas] });
  program = await up([folder]);
});
afterAll(async () => {
  expect(await program?.stop()).toBe(0);
  rmSync(folder, { recursive: true });
});

interface Status {
  phase: string;
  verdict?: string;
  conditions: { type: string; status: string; reason: string; message: string }[];
  sweep?: { tried: number; best: { values: string[] }[]; recommended?: { values: string[]; mergePatch: string } };
}
const settled = (name: string): Promise<Status> =>
  eventually(
    async () => {
      const answer = await fetch(`${program.url}/api/v1/simulations/inference/${name}`);
      const { status } = (await answer.json()) as { status?: Status };
      return status?.conditions.some(({ type, status: is }) => type === "Reconciling" && is === "False") && status;
    },
    { what: `end of ${name}`, withinSeconds: 90, detail: () => program.output() },
  );

it("finds what the command finds, to the byte, and recommends it in the status", async () => {
  const { phase, verdict, sweep } = await settled("found");
  expect([phase, verdict]).toEqual(["Succeeded", "Passed"]);
  expect(sweep?.best.map(({ values }) => values)).toEqual([["3"], ["4"]]);
  expect(sweep?.recommended).toMatchObject({ values: ["3"], mergePatch: '{"spec":{"minReplicas":3}}' });
  const { stdout } = await runProgram(["sweep", "-f", folder, "--simulation", "found", "-o", "json"]);
  const answer = await fetch(`${program.url}/api/v1/simulations/inference/found/sweep`);
  expect(await answer.text()).toBe(stdout);
  const page = await (await fetch(`${program.url}/simulations/inference/found`)).text();
  expect(page).toContain("kubectl patch horizontalpodautoscaler vllm-llama-8b -n inference --type=merge");
});

it("fails where nothing meets the objectives, and says what was tried", async () => {
  const { phase, verdict, sweep, conditions } = await settled("none");
  expect([phase, verdict, sweep?.tried, sweep?.recommended]).toEqual(["Failed", "Failed", 2, undefined]);
  expect(conditions.find(({ type }) => type === "Stalled")).toMatchObject({
    status: "True",
    reason: "ObjectivesNotMet",
  });
});

it("runs nothing of a sweep of 10⁹ points, and says what would be right", async () => {
  const { phase, conditions } = await settled("endless");
  const stalled = conditions.find(({ type }) => type === "Stalled");
  expect([phase, stalled?.reason]).toEqual(["Failed", "TooManyCombinations"]);
  expect(stalled?.message).toContain(
    "the grid has 1,000,000,000 combinations, and candidates allows 50; choose larger",
  );
  const answer = await fetch(`${program.url}/api/v1/simulations/inference/endless/sweep`);
  expect(answer.status).toBe(404);
});
