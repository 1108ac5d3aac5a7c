import { basename } from "node:path";
import type { WriteBatch } from "../exporter/remote-write/write-batch.ts";
import { WriteBatches } from "../exporter/remote-write/write-batches.ts";
import { VERSION } from "../model/version.ts";
import type { SimTime } from "../sim/time.ts";
import { scenarioDigest } from "../twin/digest.ts";
import type { Scenario } from "../twin/scenario.ts";
import { World } from "../twin/world.ts";
import { TraceError } from "../workload/source.ts";
import { DecisionLog } from "./decision-log.ts";
import { UnwritableFileError } from "./line-file.ts";
import { Looks } from "./looks.ts";
import { MetricsFile, TooManySamplesError } from "./metrics-file.ts";
import type { PreviewResult, PreviewTask, Progress } from "./protocol.ts";
import { RecordedInstants } from "./recorded-instants.ts";
import { RequestLog } from "./request-log.ts";
import { readTrace, TraceInputError } from "./trace-input.ts";

/** Events taken between two looks at the clock and the trace: a few milliseconds. */
const SLICE = 2_000;
const TELL_EVERY_MS = 200;
const PAUSE_EVERY_MS = 20;

/** Whom a run has to do with while it goes on. */
export interface RunSurroundings {
  /** Hears about progress, at most every 200 ms of wall clock, and at the looks of the task. */
  readonly tell?: ((progress: Progress) => void) | undefined;
  /** Is given series over time, if the task says which; the run waits for it. */
  readonly give?: ((batch: WriteBatch) => Promise<void>) | undefined;
  /** Awaited every 20 ms or so, for whoever shares the thread; what it throws ends the run. */
  readonly pause?: () => Promise<void>;
}

/** Runs one world to its horizon, as fast as it goes. */
export const runPreview = async (
  task: PreviewTask,
  { tell, give, pause }: RunSurroundings = {},
): Promise<PreviewResult> => {
  const { scenario } = task;
  const horizon = scenario.horizonMicros;
  if (horizon === undefined) throw new Error("a preview needs a horizon");
  let log: RequestLog | undefined;
  let decisions: DecisionLog | undefined;
  let metrics: MetricsFile | undefined;
  try {
    if (task.metricsFile !== undefined) metrics = new MetricsFile(task.metricsFile);
    if (task.requestsFile !== undefined) log = new RequestLog(task.requestsFile);
    if (task.decisionsFile !== undefined) decisions = new DecisionLog(task.decisionsFile, task.decisionSample ?? 1);
    const world = new World(scenario, log?.tell, decisions);
    const text = scenario.traffic.kind === "trace" ? readTrace(scenario.traffic.input, task.maxTraceBytes) : undefined;
    const batches = give === undefined ? undefined : new WriteBatches();
    const instants = new RecordedInstants(
      world,
      task.recorded,
      [metrics, batches].filter((sink) => sink !== undefined),
    );
    const looks = new Looks(world, tell === undefined ? undefined : task.looks);
    const giveReady = async (): Promise<void> => {
      for (const batch of batches?.take() ?? []) await give?.(batch);
    };
    let [told, paused] = [performance.now(), performance.now()];
    for (;;) {
      if (world.starved) {
        const block = await text?.next();
        world.feed(block === undefined || block.done === true ? undefined : block.value);
        continue;
      }
      for (let i = 0; i < SLICE && !world.starved; i += 1) {
        if (world.step(Math.min(instants.due, looks.due) as SimTime)) continue;
        const { next } = world;
        if (next === undefined) break;
        if (next > instants.due) {
          instants.take();
          if (batches?.ready) break;
        } else tell?.(looks.take());
      }
      if (batches?.ready) await giveReady();
      if (world.next === undefined && !world.starved) break;
      const now = performance.now();
      if (pause !== undefined && now - paused >= PAUSE_EVERY_MS) {
        await pause();
        paused = performance.now();
      }
      if (now - told < TELL_EVERY_MS) continue;
      told = now;
      tell?.({ done: world.now / horizon, simulatedSeconds: world.now / 1e6, requests: world.arrived });
    }
    await text?.return(undefined);
    while (instants.due <= horizon) {
      instants.take();
      await giveReady();
    }
    batches?.end((task.recorded?.everySeconds ?? 0) * 1000);
    await giveReady();
    const identity = { scenarioDigest: scenarioDigest(scenario), version: VERSION };
    const report = world.report(identity, horizon as SimTime);
    log?.end();
    decisions?.end();
    metrics?.end();
    return { kind: "report", report };
  } catch (error) {
    log?.discard();
    decisions?.discard();
    metrics?.discard();
    return problemOf(error, scenario);
  }
};

/** What a user can mend comes back as a problem; the rest is ours and is thrown on. */
export const problemOf = (error: unknown, scenario?: Scenario): Extract<PreviewResult, { kind: "problem" }> => {
  if (error instanceof TraceError) {
    const traffic = scenario?.traffic;
    const file = traffic?.kind === "trace" && traffic.input.kind === "file" ? ` ${basename(traffic.input.path)},` : "";
    return {
      kind: "problem",
      reason: "BrokenTrace",
      message: `trace${file} ${error.message}`,
      fix: "mend the line, or set spec.workload.trace.onError: Skip",
    };
  }
  if (error instanceof TraceInputError) return { kind: "problem", reason: "UnreadableTrace", message: error.message };
  if (error instanceof TooManySamplesError)
    return { kind: "problem", reason: "TooManySamples", message: error.message, fix: error.fix };
  if (error instanceof UnwritableFileError)
    return { kind: "problem", reason: "UnwritableFile", message: error.message };
  throw error;
};
