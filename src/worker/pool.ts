import { MessageChannel, Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import { bandFamilies, kpiBands } from "../report/bands.ts";
import { bandScenarios, kpiBandRule, wideningNotes } from "../twin/bands.ts";
import type { PreviewResult, PreviewTask, Progress, ShadowCommand, ShadowMessage } from "./protocol.ts";

/** Runs previews in worker threads. Results don't depend on their number. */
export interface PreviewPool {
  /** @param signal aborting it ends the run at once; the promise then rejects with an AbortError */
  run(task: PreviewTask, signal: AbortSignal, tell?: (progress: Progress) => void): Promise<PreviewResult>;
  close(): Promise<void>;
}

/**
 * @param threads folder of the compiled thread files
 * @param count most threads at once
 */
export const previewPool = (threads: URL, count: number): PreviewPool => {
  const pool = new Piscina({
    filename: new URL("preview-thread.js", threads).href,
    minThreads: 0,
    maxThreads: count,
    idleTimeout: 30_000,
    concurrentTasksPerWorker: 1,
    // A runaway world fails its own run, not the process. A small young generation keeps a run's memory small and costs no time.
    resourceLimits: { maxOldGenerationSizeMb: 2048, maxYoungGenerationSizeMb: 12 },
  });
  const once: PreviewPool["run"] = async (task, signal, tell) => {
    const { port1, port2 } = new MessageChannel();
    if (tell !== undefined) port1.on("message", tell);
    try {
      return (await pool.run(
        { task, port: port2 },
        { signal, transferList: [port2], name: "preview" },
      )) as PreviewResult;
    } finally {
      port1.close();
    }
  };
  return {
    run: (task, signal, tell) =>
      task.bands === true ? withBandsOf(once, task, signal, tell) : once(task, signal, tell),
    close: () => pool.destroy(),
  };
};

/** Three runs side by side: the one that was asked for, and both ends of its step times. */
const withBandsOf = async (
  once: PreviewPool["run"],
  task: PreviewTask,
  signal: AbortSignal,
  tell: ((progress: Progress) => void) | undefined,
): Promise<PreviewResult> => {
  const ends = bandScenarios(task.scenario);
  if (ends === undefined) return once(task, signal, tell);
  const { fast, slow, novelties } = ends;
  // What is asked for of the run is asked for of the one in the middle only.
  const { requestsFile: _, decisionsFile: __, ...bare } = task;
  const [middle, ...others] = await Promise.all([
    once(task, signal, tell),
    once({ ...bare, scenario: fast }, signal),
    once({ ...bare, scenario: slow }, signal),
  ]);
  const [quick, tardy] = others;
  if (middle.kind !== "report" || quick?.kind !== "report" || tardy?.kind !== "report") return middle;
  const kpis = { middle: middle.report.kpis, fast: quick.report.kpis, slow: tardy.report.kpis };
  const bands = kpiBands(kpis, kpiBandRule(kpis.middle.prefixCacheHitRatio));
  const { report } = middle;
  const families = [...report.families, ...bandFamilies(bands)];
  return {
    kind: "report",
    report: { ...report, bands, families, notes: [...report.notes, ...wideningNotes(novelties)] },
  };
};

/** The thread that holds the paced worlds. If it dies, each of them is told as failed; the next start begins a new one. */
export class ShadowHost {
  readonly #file: URL;
  readonly #tell: (message: ShadowMessage) => void;
  readonly #started = new Map<string, Extract<ShadowCommand, { kind: "start" }>>();
  #thread: Worker | undefined;

  constructor(threads: URL, tell: (message: ShadowMessage) => void) {
    this.#file = new URL("shadow-thread.js", threads);
    this.#tell = tell;
  }

  send(command: ShadowCommand): void {
    if (command.kind === "start") this.#started.set(command.key, command);
    if (command.kind === "stop") this.#started.delete(command.key);
    if (this.#thread === undefined && command.kind === "start") this.#begin();
    else this.#thread?.postMessage(command);
  }

  async close(): Promise<void> {
    this.#started.clear();
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #begin(): void {
    const thread = new Worker(this.#file, { resourceLimits: { maxOldGenerationSizeMb: 2048 } });
    this.#thread = thread;
    thread.on("message", (message: ShadowMessage) => {
      if (message.kind === "problem") this.#started.delete(message.key);
      this.#tell(message);
    });
    thread.on("error", (error) => {
      for (const key of this.#started.keys()) {
        this.#tell({
          kind: "problem",
          key,
          reason: "WorkerDied",
          message: `the thread of the paced worlds died: ${error.message}`,
        });
      }
      this.#started.clear();
    });
    thread.on("exit", () => {
      if (this.#thread === thread) this.#thread = undefined;
    });
    for (const command of this.#started.values()) thread.postMessage(command);
  }
}
