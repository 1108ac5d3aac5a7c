import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { json } from "../../../src/cli/formats/json.ts";
import { table } from "../../../src/cli/formats/table.ts";
import { jobRuns } from "../../../src/operator/sweep/job-runs.ts";
import { Objects, partsOf, traced } from "./job-parts.ts";
import { hpa, type Spec, swept } from "./swept.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

const SHORT = { horizon: "3m", warmUp: "30s", seed: 7 };
const MIN_REPLICAS = { target: hpa, path: "/spec/minReplicas", values: [3, 4, 9] };
const small = (spec: Spec): Spec => ({
  ...spec,
  run: SHORT,
  sweep: { search: "Grid", replications: 2, parameters: [MIN_REPLICAS] },
});

it("finds the cheapest that meets the objectives, the same on any number of threads, as a patch that applies", async () => {
  const [one, three] = [await swept(small, 1), await swept(small, 3)];
  expect(json.sweep?.([one.swept])).toBe(json.sweep?.([three.swept]));
  const { tried, impossible, recommended } = one.swept;
  expect(recommended?.values).toEqual([3]);
  expect(recommended?.mergePatch).toEqual({
    object: "HorizontalPodAutoscaler/inference/vllm-llama-8b",
    patch: { spec: { minReplicas: 3 } },
  });
  // Of three the best goes on; nine at least and eight at most can't be.
  expect(tried.map(({ replications }) => replications)).toEqual([2, 1]);
  expect(impossible.map(({ values }) => values)).toEqual([[9]]);
  await one.applies();
  const { oracle } = one.swept;
  if (oracle === undefined || "none" in oracle) throw new Error(oracle?.none ?? "no oracle");
  // Fewer than the three that meet the objectives as well, and never more than it takes at the peak.
  expect(oracle.gpuHours).toBeGreaterThan(0);
  expect(tried[0]?.regretGpuHours).toBeCloseTo((tried[0]?.score.cost ?? 0) - oracle.gpuHours, 9);
  expect(tried[0]?.regretGpuHours).toBeGreaterThan(0);
  expect(table.sweep?.([one.swept])).toContain(
    `kubectl patch horizontalpodautoscaler vllm-llama-8b -n inference --type=merge -p '{"spec":{"minReplicas":3}}'`,
  );
});

it("recommends nothing where nothing meets the objectives", async () => {
  const hopeless = (spec: Spec): Spec => ({
    ...small(spec),
    objectives: [{ metric: "ttft", percentile: 50, atMost: "1us" }],
  });
  expect((await swept(hopeless)).swept.recommended).toBeUndefined();
});

it("runs the example as its README says", async () => {
  const folder = "deploy/examples/sweep";
  const files = ["deploy/examples/quickstart/vllm-llama-8b.yaml", "deploy/examples/quickstart/hpa.yaml", folder];
  const args = ["dist/servetwin.js", "sweep", ...files.flatMap((file) => ["-f", file])];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^inference\/chat-sweep: Bayesian search, 24 of 80 combinations tried/);
  expect(stdout).toMatch(/kubectl patch horizontalpodautoscaler vllm-llama-8b -n inference --type=merge -p '\{"spec"/);
});

it("says that the input of Jobs is too large for ConfigMaps, and makes none", async () => {
  const base64 = randomBytes(8_500_000).toString("base64");
  const objects = new Objects();
  expect(await jobRuns(partsOf(objects))([traced({ kind: "inline", base64, digest: "" })], [])).toMatchObject({
    problems: [
      {
        reason: "SweepInputTooLarge",
        message: expect.stringMatching(/^the input of 1 runs takes \d+ bytes, more than 8388608$/),
        fix: "try fewer candidates, use a shorter trace, or leave spec.sweep.job out",
      },
    ],
  });
  expect(objects.made).toEqual(["ConfigMap chat-sweep-0"]);
});
