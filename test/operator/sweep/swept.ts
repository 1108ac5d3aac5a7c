import { readFileSync } from "node:fs";
import { dump, load } from "js-yaml";
import { expect } from "vitest";
import { BadInput } from "../../../src/cli/exit.ts";
import { prepare } from "../../../src/cli/prepare.ts";
import { threadsFolder } from "../../../src/cli/threads.ts";
import { runSweep } from "../../../src/operator/sweep/run-sweep.ts";
import type { Swept } from "../../../src/operator/sweep/swept.ts";
import { threadRun, threadRuns } from "../../../src/operator/sweep/thread-runs.ts";
import { DEFAULT_LIMITS } from "../../../src/schema/limits.ts";
import { manifestStore } from "../../../src/store/manifests.ts";
import { previewPool } from "../../../src/worker/pool.ts";

const text = (path: string): string =>
  readFileSync(new URL(`../../../deploy/examples/${path}`, import.meta.url), "utf8");

export type Spec = Record<string, unknown>;

/** The example, with another spec, on so many threads. */
export const swept = async (
  change: (spec: Spec) => Spec,
  threads = 2,
): Promise<{ readonly swept: Swept; readonly applies: () => Promise<void> }> => {
  const simulation = load(text("sweep/simulation.yaml")) as { spec: Spec };
  const said = { ...simulation, spec: change(simulation.spec) };
  const files = ["quickstart/vllm-llama-8b.yaml", "quickstart/hpa.yaml"].map((file) => ({ file, text: text(file) }));
  const store = manifestStore([...files, { file: "simulation.yaml", text: dump(said) }], ".");
  const stored = store.list("InferenceSimulation")[0];
  if (stored === undefined) throw new Error("no simulation");
  const { signal } = new AbortController();
  const pool = previewPool(threadsFolder(new URL("../../../src/cli/x.ts", import.meta.url).href), threads);
  try {
    const on = { pool, maxTraceBytes: DEFAULT_LIMITS.maxTraceBytes, signal };
    const runs = threadRuns({ ...on, atOnce: threads });
    const parts = { store, limits: DEFAULT_LIMITS, allowedUrls: [], runs, whole: threadRun(on) };
    const result = await runSweep(stored, parts);
    if (!result.ok) throw new BadInput(result.problems);
    const found = result.value;
    const applies = async (): Promise<void> => {
      const candidates = [{ name: "found", patches: found.recommended?.patches }];
      const object = { ...stored.object, spec: { ...said.spec, candidates } };
      const { candidates: read } = await prepare(store, { ...stored, object }, DEFAULT_LIMITS, []);
      expect(read[0]?.values.length).toBeGreaterThan(0);
    };
    return { swept: found, applies };
  } finally {
    await pool.close();
  }
};

export const hpa = { kind: "HorizontalPodAutoscaler" };
