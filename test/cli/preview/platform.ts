import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PreviewCommandOptions } from "../../../src/cli/preview/options.ts";
import { DEFAULT_LIMITS } from "../../../src/schema/limits.ts";

const quickstart = fileURLToPath(new URL("../../../deploy/examples/quickstart/", import.meta.url));
/** Of the quickstart. */
export const manifest = (name: string): string => readFileSync(join(quickstart, name), "utf8");

/** A folder with the quickstart's Deployment and HPA, and room for files beside it. */
export class Platform {
  readonly #folder = mkdtempSync(join(tmpdir(), "servetwin-preview-"));
  readonly path = join(this.#folder, "platform");

  constructor() {
    mkdirSync(this.path);
    for (const name of ["hpa.yaml", "vllm-llama-8b.yaml"]) writeFileSync(join(this.path, name), manifest(name));
  }

  /** Writes a file beside it. @returns its path */
  file(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text);
    return path;
  }

  options(over: Partial<PreviewCommandOptions>): PreviewCommandOptions {
    return {
      filename: [],
      manifests: this.path,
      traceFormat: "azure-2023",
      last: "24h",
      objective: [],
      budget: 8,
      threads: 2,
      output: "json",
      allowUrl: [],
      prometheusTokenFile: [],
      maxHorizon: DEFAULT_LIMITS.maxHorizonSeconds,
      maxRate: DEFAULT_LIMITS.maxRatePerSecond,
      maxRequests: DEFAULT_LIMITS.maxRequests,
      maxTraceBytes: DEFAULT_LIMITS.maxTraceBytes,
      ...over,
    };
  }

  gone(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** A small simulation of it. @param spec further fields, indented by two */
export const simulation = (spec = "", horizon = "2m"): string => `
apiVersion: servetwin.dev/v1alpha1
kind: InferenceSimulation
metadata: { name: short, namespace: inference }
spec:
  mirror: { workloads: [{ kind: Deployment, name: vllm-llama-8b }] }
  workload:
    synthetic: { clients: [{ name: chat, rate: 2, prompt: { distribution: constant, tokens: 300 }, output: { distribution: constant, tokens: 50 } }] }
  run: { horizon: ${horizon} }
${spec}`;

/** The quickstart's HPA with at least 3 replicas. */
export const threeAtLeast = (): string => manifest("hpa.yaml").replace("minReplicas: 1", "minReplicas: 3");
