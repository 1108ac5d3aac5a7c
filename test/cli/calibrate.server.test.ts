import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { dump, load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { driftScenario } from "../bench/drift.ts";
import { BUNDLE } from "../e2e/program.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { playProduction } from "../synthetic-production.ts";
import { Quickstart } from "../twin/quickstart.ts";

const SECONDS = 1200;
const START = Math.floor(Date.now() / 60_000) * 60 - SECONDS - 300;
/** By which production's steps take longer than the twin's. */
const SLOWER = 1.15;

let prometheus: Prometheus;
let folder: string;

beforeAll(async () => {
  const scenario = { ...driftScenario(SLOWER, 2), seed: 11 };
  const played = playProduction(scenario, { startSeconds: START, seconds: SECONDS, scrapeSeconds: 15 });
  prometheus = await startPrometheus({ backfill: played.openMetrics });
  folder = mkdtempSync(join(tmpdir(), "servetwin-calibrate-"));
  writeFileSync(join(folder, "deployment.yaml"), dump(new Quickstart().deployment));
});
afterAll(async () => {
  await prometheus?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

const calibrate = async (window: string, ...args: string[]) => {
  const until = new Date((START + SECONDS) * 1000).toISOString().replace(".000", "");
  const simulation = {
    apiVersion: "servetwin.dev/v1alpha1",
    kind: "InferenceSimulation",
    metadata: { name: "live", namespace: "inference" },
    spec: {
      mirror: { workloads: [{ kind: "Deployment", name: "vllm-llama-8b" }] },
      overrides: { replicas: 2 },
      workload: { prometheus: { url: prometheus.url, window, until } },
    },
  };
  writeFileSync(join(folder, "simulation.yaml"), dump(simulation));
  const command = [BUNDLE, "calibrate", "-f", folder, "--allow-url", prometheus.url, ...args];
  return promisify(execFile)(process.execPath, command, { maxBuffer: 1 << 24 });
};

describe("servetwin calibrate", () => {
  it("finds how much slower a production's engine is, and writes it down as a patch", async () => {
    const file = join(folder, "corrections.out");
    const { stdout } = await calibrate("20m", "-o", file);
    const patch = load(readFileSync(file, "utf8")) as {
      spec: { overrides: { engine: { latencyCorrections: Record<string, number> } } };
    };
    const { stepFactor, stepDeviation } = patch.spec.overrides.engine.latencyCorrections;
    expect(stepFactor).toBeGreaterThan(SLOWER - 0.05);
    expect(stepFactor).toBeLessThan(SLOWER + 0.05);
    expect(stepDeviation).toBeLessThan(0.05);
    const [, before, after] = /: ([\d.]+) before, ([\d.]+) after/.exec(stdout) ?? [];
    expect(Number(after)).toBeLessThan(Number(before) / 2);
  });

  it("refuses where there is too little to go by", async () => {
    const refused = await calibrate("10m").catch((error: { code: number; stderr: string }) => error);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("too little to calibrate by") });
  });
});
