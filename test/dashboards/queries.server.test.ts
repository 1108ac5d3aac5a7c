import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as yaml from "js-yaml";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Program, up } from "../e2e/program.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { DASHBOARDS } from "./index.ts";
import { filled, panelsOf, queriesOf } from "./lint.ts";

/** Every query of every panel, asked of a real Prometheus that scrapes a live twin, and a second program that plays production. */
const EXAMPLE = fileURLToPath(new URL("../../deploy/examples/llm-d-epp", import.meta.url));

const shadow = (naming: "Prefixed" | "Production", seed: number) => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name: "qwen3-14b", namespace: "serving" },
  spec: {
    mode: "Shadow",
    mirror: { workloads: [{ kind: "Deployment", name: "vllm-qwen3-14b" }] },
    export: { naming },
    workload: {
      synthetic: {
        clients: [
          {
            name: "chat",
            rate: 8,
            prompt: { distribution: "lognormal", mean: 700, deviation: 600, max: 8000 },
            output: { distribution: "lognormal", mean: 60, deviation: 40, max: 300 },
            prefix: { tokens: 1500, groups: 6 },
          },
        ],
      },
    },
    run: { seed },
  },
});

const VALUES = { namespace: ".+", simulation: ".+", scenario: ".+", __rate_interval: "20s", __interval: "20s" };

describe("dashboards on a live twin", () => {
  const programs: Program[] = [];
  const folders: string[] = [];
  let prometheus: Prometheus;

  const play = async (naming: "Prefixed" | "Production", seed: number): Promise<string> => {
    const folder = mkdtempSync(join(tmpdir(), "servetwin-dashboards-"));
    folders.push(folder);
    cpSync(EXAMPLE, folder, { recursive: true });
    writeFileSync(join(folder, "simulation.yaml"), yaml.dump(shadow(naming, seed)));
    const program = await up([folder]);
    programs.push(program);
    return program.url.replace("http://", "");
  };

  beforeAll(async () => {
    prometheus = await startPrometheus({
      scrape: [
        { job: "servetwin", target: await play("Prefixed", 1), intervalSeconds: 2, honorLabels: true },
        { job: "production", target: await play("Production", 2), intervalSeconds: 2, honorLabels: true },
      ],
    });
  });

  afterAll(async () => {
    await prometheus?.stop();
    for (const program of programs) await program.stop();
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  const panels = Object.entries(DASHBOARDS).flatMap(([name, dashboard]) =>
    panelsOf(dashboard).map((panel) => ({ name, title: panel.title ?? "", dashboard })),
  );

  it.each(panels)("$name: $title has data", async ({ title, dashboard }) => {
    for (const { where, expr } of queriesOf(dashboard)) {
      if (where !== title) continue;
      // The HPA's first sync comes after 15 s.
      await vi.waitFor(
        async () => {
          const samples = await prometheus.query(filled(expr, VALUES));
          expect([expr, samples.some(({ value }) => Number.isFinite(value))]).toEqual([expr, true]);
        },
        { timeout: 60_000, interval: 1000 },
      );
    }
  });

  it("asks for annotations in PromQL that Prometheus takes", async () => {
    const titles = new Set(panels.map(({ title }) => title));
    const rest = Object.values(DASHBOARDS).flatMap((one) => queriesOf(one).filter(({ where }) => !titles.has(where)));
    expect(rest).not.toEqual([]);
    for (const { expr } of rest) await prometheus.query(filled(expr, VALUES));
  });
});
