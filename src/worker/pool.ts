import { setImmediate } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import type { Piscina } from "piscina";
import type { WriteBatch } from "../exporter/remote-write/write-batch.ts";
import { bandFamilies, kpiBands } from "../report/bands.ts";
import type { Report } from "../report/report.ts";
import { bandScenarios, kpiBandRule, wideningNotes } from "../twin/bands.ts";
import type { EngineFitResult, EngineFitTask } from "./calibration/fit-engine.ts";
import { runPreview } from "./preview.ts";
import type { PreviewMessage, PreviewResult, PreviewTask, Progress } from "./protocol.ts";
import { Turns } from "./turns.ts";

type TellProgress = (progress: Progress) => void;
type TakeSeries = (batch: WriteBatch) => Promise<void>;

/** Runs previews in worker threads. Results don't depend on their number. */
export interface PreviewPool {
  /**
   * @param signal aborting it ends the run at once; the promise then rejects with an AbortError
   * @param take takes the run's series over time, which waits for it; the task's `recorded` says which
   */
  run(task: PreviewTask, signal: AbortSignal, tell?: TellProgress, take?: TakeSeries): Promise<PreviewResult>;
  /** Fits an engine to production, in one thread and one namespace's turn as a run. @param signal as of a run */
  fit(task: EngineFitTask, signal: AbortSignal): Promise<EngineFitResult>;
  close(): Promise<void>;
}

/** What one run may take. */
export interface RunBounds {
  /** Of the heap of its thread. */
  readonly maxMebibytes: number;
  /** Wall clock, from when a thread takes it up. Left out: it may take as long as it takes. */
  readonly maxSeconds?: number;
  /** Most runs of one namespace at once. Left out: as many as there are threads. */
  readonly maxPerNamespace?: number;
}

export interface PoolOptions extends RunBounds {
  /**
   * Whether the calling thread takes runs itself, one at a time and unbounded: that of a command, which would only wait. Then
   * threads keep its priority. Else they have a lower one, on Linux: an operator goes on answering while every core simulates.
   */
  readonly here?: boolean;
  /** Whether a thread beside the calling one begins at once, and not with the first run: it loads while that is prepared. */
  readonly early?: boolean;
}

/** A run that did not come to its end by no fault of its trace: it took too much, or its thread died. */
export class RunFailure extends Error {
  readonly reason: "OutOfMemory" | "RunTooLong" | "WorkerDied";
  readonly fix: string | undefined;
  constructor(reason: RunFailure["reason"], message: string, fix?: string) {
    super(message);
    this.name = "RunFailure";
    this.reason = reason;
    this.fix = fix;
  }
}

/**
 * @param threads folder of the compiled thread files
 * @param count most runs at once; namespaces take turns where more is asked for
 */
export const previewPool = (
  threads: URL,
  count: number,
  { here = false, early = false, ...bounds }: PoolOptions = { maxMebibytes: 2048 },
): PreviewPool => {
  const most = count - (here ? 1 : 0);
  const others = threadPool(new URL("preview-thread.js", threads), most, early && most > 0, bounds);
  const turns = new Turns(count, bounds.maxPerNamespace);
  let hereIsFree = here;
  const once: PreviewPool["run"] = async (...asked) => {
    const [task, signal] = asked;
    const end = await turns.take(namespaceOf(task.scenario), signal, task.isRepeat);
    const isHere = hereIsFree;
    if (isHere) hereIsFree = false;
    try {
      return await (isHere ? runHere(...asked) : others.run({ lowly: !here }, ...asked));
    } finally {
      if (isHere) hereIsFree = true;
      end();
    }
  };
  const fit: PreviewPool["fit"] = async (task, signal) => {
    const end = await turns.take(namespaceOf(task.scenario), signal);
    try {
      return await others.fit(task, signal);
    } finally {
      end();
    }
  };
  return {
    run: (task, signal, tell, take) =>
      task.bands === true ? withBandsOf(once, [task, signal, tell, take]) : once(task, signal, tell, take),
    fit,
    close: () => others.close(),
  };
};

/** In the calling thread, which hears of everything else in between. */
const runHere: PreviewPool["run"] = (task, signal, tell, take) => {
  const pause = async (): Promise<void> => {
    await setImmediate();
    signal.throwIfAborted();
  };
  // Threads that were asked for at the same time are to begin first.
  return pause().then(() => runPreview(task, { tell, give: take, pause }));
};

const threadPool = (file: URL, count: number, early: boolean, bounds: RunBounds) => {
  // Not loaded where the calling thread does it all.
  const begin = async (): Promise<Piscina> => {
    const { Piscina } = await import("piscina");
    const pool = new Piscina({
      filename: file.href,
      minThreads: early ? 1 : 0,
      // One at least, for what never runs here.
      maxThreads: Math.max(count, 1),
      idleTimeout: 30_000,
      concurrentTasksPerWorker: 1,
      // A runaway world fails its own run, not the process. A small young generation keeps a run's memory small and costs no time.
      resourceLimits: { maxOldGenerationSizeMb: bounds.maxMebibytes, maxYoungGenerationSizeMb: 12 },
    });
    // Of a thread with nothing in hand: no run failed by it, and the pool begins another.
    pool.on("error", () => undefined);
    return pool;
  };
  let begun = early ? begin() : undefined;
  const within = async (
    signal: AbortSignal,
    run: (pool: Piscina, bounded: AbortSignal) => Promise<unknown>,
  ): Promise<unknown> => {
    begun ??= begin();
    const pool = await begun;
    const late = new AbortController();
    const timer =
      bounds.maxSeconds === undefined ? undefined : setTimeout(() => late.abort(), bounds.maxSeconds * 1000);
    try {
      return await run(pool, AbortSignal.any([signal, late.signal]));
    } catch (error) {
      throw signal.aborted ? error : late.signal.aborted ? tooLong(bounds.maxSeconds) : failureOf(error, bounds);
    } finally {
      clearTimeout(timer);
    }
  };
  const run = async (
    { lowly }: { readonly lowly: boolean },
    ...[task, signal, tell, take]: Parameters<PreviewPool["run"]>
  ): Promise<PreviewResult> => {
    const { port1, port2 } = new MessageChannel();
    port1.on("message", (message: PreviewMessage) => {
      if (message.kind === "progress") tell?.(message.progress);
      else void take?.(message.batch).then(() => port1.postMessage("taken"));
    });
    try {
      const asked = { task, port: port2, giving: take !== undefined, lowly };
      return (await within(signal, (pool, bounded) =>
        pool.run(asked, { signal: bounded, transferList: [port2], name: "preview" }),
      )) as PreviewResult;
    } finally {
      port1.close();
    }
  };
  const fit: PreviewPool["fit"] = async (task, signal) =>
    (await within(signal, (pool, bounded) => pool.run(task, { signal: bounded, name: "fit" }))) as EngineFitResult;
  return { run, fit, close: async (): Promise<void> => (await begun)?.destroy() };
};

const namespaceOf = ({ simulation }: PreviewTask["scenario"]): string => simulation.split("/")[0] ?? "";

const tooLong = (seconds = 0): RunFailure =>
  new RunFailure(
    "RunTooLong",
    `the run was not done after ${seconds} s of wall clock`,
    "shorten spec.run.horizon or lower the rates, or raise --max-run-time",
  );

/** What the end of a thread means for the run that it had; errors of the run itself are passed on. */
export const failureOf = (error: unknown, { maxMebibytes }: Pick<RunBounds, "maxMebibytes">): unknown => {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return new RunFailure(
      "OutOfMemory",
      `the simulation needed more than ${maxMebibytes} MiB of memory`,
      "mirror fewer replicas, shorten spec.run.horizon or lower the rates, or raise --max-run-memory",
    );
  }
  // What piscina says of a thread that ended with a task in hand.
  if (/^worker exited/i.test(message))
    return new RunFailure("WorkerDied", `the thread of the simulation died: ${message}`);
  return error;
};

/** Three runs side by side: the one that was asked for, and both ends of its step times. */
const withBandsOf = async (
  once: PreviewPool["run"],
  [task, signal, tell, take]: Parameters<PreviewPool["run"]>,
): Promise<PreviewResult> => {
  const ends = bandScenarios(task.scenario);
  if (ends === undefined) return once(task, signal, tell, take);
  const { fast, slow, novelties } = ends;
  // What is asked for of the run is asked for of the one in the middle only.
  const { requestsFile: _, decisionsFile: __, metricsFile: ___, recorded: ____, looks: _____, ...bare } = task;
  const share = shareIn(3, tell);
  const ofMiddle = share(0);
  const alone = once(task, signal, ofMiddle, take).then((result) => {
    if (task.looks !== undefined && result.kind === "report") ofMiddle(wholeLook(result.report));
    return result;
  });
  const [middle, ...others] = await Promise.all([
    alone,
    once({ ...bare, scenario: fast }, signal, share(1)),
    once({ ...bare, scenario: slow }, signal, share(2)),
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

/** The last of a run's looks: its end. */
const wholeLook = ({ horizonSeconds, kpis }: Report): Progress => ({
  done: 1,
  simulatedSeconds: horizonSeconds,
  requests: kpis.requests.arrived,
  kpis,
});

/** Progress of several runs that are told as the first of them. @returns by the number of a run: what hears of it */
const shareIn = (runs: number, tell: TellProgress = () => undefined): ((run: number) => TellProgress) => {
  const shares = Array.from({ length: runs }, () => 0);
  let first: Progress = { done: 0, simulatedSeconds: 0, requests: 0 };
  return (run) => (progress) => {
    shares[run] = progress.done;
    const { kpis, ...soFar } = progress;
    if (run === 0) first = soFar;
    const done = shares.reduce((sum, share) => sum + share, 0) / runs;
    tell({ ...first, done, ...(run === 0 && kpis !== undefined ? { kpis } : {}) });
  };
};
