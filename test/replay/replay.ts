import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepare } from "../../src/cli/prepare.ts";
import { describeProblem } from "../../src/model/problem.ts";
import type { Report } from "../../src/report/report.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { manifestStore } from "../../src/store/manifests.ts";
import { runPreview } from "../../src/worker/preview.ts";
import type { RequestLine } from "../../src/worker/request-log.ts";

/** What a trace is replayed on; all else is as the reference simulator has it. */
export interface Setup {
  readonly model: string;
  readonly gpu: string;
  readonly tp?: number;
  readonly replicas?: number;
  /** `spec.overrides.engine` beside the mode. */
  readonly engine?: Readonly<Record<string, unknown>>;
  readonly trace?: Readonly<Record<string, unknown>>;
  readonly horizon?: string;
}

const manifests = ({ model, gpu, tp = 1, replicas = 1, engine = {}, trace = {}, horizon = "3h" }: Setup): object[] => [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "vllm", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "vllm" } },
      template: {
        metadata: { labels: { app: "vllm" } },
        spec: {
          containers: [
            {
              name: "vllm",
              image: "vllm/vllm-openai:v0.22.0",
              args: ["--model", model, "--tensor-parallel-size", String(tp)],
              resources: { limits: { "nvidia.com/gpu": tp } },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "servetwin.dev/v1alpha1",
    kind: "InferenceSimulation",
    metadata: { name: "replay", namespace: "default" },
    spec: {
      mirror: { workloads: [{ name: "vllm" }] },
      overrides: {
        hardware: { gpu },
        engine: { mode: "blis", ...engine },
        gateway: { policy: { policy: "round-robin" } },
      },
      workload: { trace: { format: "blis-v2", path: "trace.yaml", ...trace } },
      run: { horizon },
    },
  },
];

export interface Replayed {
  readonly requests: readonly RequestLine[];
  readonly report: Report;
}

/** Files of a trace by name, such as `trace.yaml` and `trace.csv`. */
export type TraceFiles = Readonly<Record<string, string | Uint8Array>>;

/**
 * As `servetwin run -f … --requests FILE` does it, in this thread: from manifests and files to a line per request.
 * @throws with the problems' text
 */
export const replay = async (setup: Setup, files: TraceFiles): Promise<Replayed> => {
  const folder = mkdtempSync(join(tmpdir(), "servetwin-replay-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const text = manifests(setup)
      .map((object) => JSON.stringify(object))
      .join("\n---\n");
    const store = manifestStore([{ file: "manifests.yaml", text }], folder);
    const [stored] = store.list("InferenceSimulation");
    if (stored === undefined) throw new Error(store.problems.map(describeProblem).join("\n"));
    const { scenario } = await prepare(store, stored, DEFAULT_LIMITS, []);
    const requestsFile = join(folder, "requests.jsonl");
    const result = await runPreview({ scenario, maxTraceBytes: 2 ** 30, requestsFile });
    if (result.kind === "problem") throw new Error(result.message);
    const lines = readFileSync(requestsFile, "utf8").trimEnd().split("\n");
    return { requests: lines.map((line) => JSON.parse(line) as RequestLine), report: result.report };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

export const header = (more = ""): string =>
  `trace_version: 3\ntime_unit: microseconds\nmode: generated\nwarm_up_requests: 0\n${more}`;

/** A CSV of the columns named by the first row's keys. */
export const csv = (rows: readonly Readonly<Record<string, string | number>>[]): string => {
  const columns = Object.keys(rows[0] ?? {});
  return [columns.join(","), ...rows.map((row) => columns.map((column) => row[column]).join(","))].join("\n");
};
