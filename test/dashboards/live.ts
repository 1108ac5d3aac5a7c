import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as yaml from "js-yaml";
import { type Program, up } from "../e2e/program.ts";
import type { Scrape } from "../env/prometheus.ts";

/** The platform that twins and production of the dashboards' tests and pictures are. */
const EXAMPLE = fileURLToPath(new URL("../../deploy/examples/llm-d-epp", import.meta.url));

export const CHAT = {
  name: "chat",
  rate: 8,
  prompt: { distribution: "lognormal", mean: 700, deviation: 600, max: 8000 },
  output: { distribution: "lognormal", mean: 60, deviation: 40, max: 300 },
  prefix: { tokens: 1500, groups: 6 },
};

/** An InferenceSimulation of the example's Deployment. @param spec wins over what all have */
export const simulation = (name: string, spec: object): object => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name, namespace: "serving" },
  spec: {
    mode: "Shadow",
    mirror: { workloads: [{ kind: "Deployment", name: "vllm-qwen3-14b" }] },
    workload: { synthetic: { clients: [CHAT] } },
    ...spec,
  },
});

/** Programs that run the example, each with simulations of its own. */
export class LivePrograms {
  readonly #programs: Program[] = [];
  readonly #folders: string[] = [];

  /** @returns how a Prometheus has to scrape it */
  async start(job: string, simulations: readonly object[], args: readonly string[] = []): Promise<Scrape> {
    const folder = mkdtempSync(join(tmpdir(), "servetwin-dashboards-"));
    this.#folders.push(folder);
    cpSync(EXAMPLE, folder, { recursive: true });
    writeFileSync(join(folder, "simulation.yaml"), simulations.map((one) => yaml.dump(one)).join("---\n"));
    const program = await up([folder, ...args]);
    this.#programs.push(program);
    return { job, target: program.url.replace("http://", ""), intervalSeconds: 2, honorLabels: true };
  }

  async stop(): Promise<void> {
    for (const program of this.#programs) await program.stop();
    for (const folder of this.#folders) rmSync(folder, { recursive: true });
  }
}
