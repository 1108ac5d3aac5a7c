import Table from "cli-table3";
import { whole } from "../server/digits.ts";
import type { Scenario } from "../twin/scenario.ts";
import { FIRST_LOOKS } from "../worker/looks.ts";
import type { Progress } from "../worker/protocol.ts";
import { compact, plain, right } from "./cell.ts";
import { duration, number, seconds } from "./formats/figure.ts";
import { liveArea } from "./live-area.ts";

/** What whoever waits for runs sees of them. */
export interface RunProgress {
  /** As a task's `looks`. Left out: nobody looks. */
  readonly looks?: number;
  /** @param first whether it is the first replication of its scenario @returns what the run calls as it goes on */
  run(scenario: Scenario, first: boolean): (progress: Progress) => void;
  stop(): void;
}

const PROVISIONAL = "provisional, simulated so far: one run each, without bands";

/**
 * How far all runs are, and the key figures of each scenario's first replication so far, marked as provisional: on a terminal.
 * Silent in a pipe.
 */
export const runProgress = (runs: number, stream: NodeJS.WriteStream = process.stderr): RunProgress => {
  if (stream.isTTY !== true) return { run: () => () => {}, stop: () => {} };
  const area = liveArea(stream, {
    total: runs,
    format: "simulating {bar} {percentage}% | {requests} requests",
    payload: { requests: 0 },
  });
  const done: Progress[] = [];
  const looked: Looked = new Map();
  const text = (): readonly string[] => [PROVISIONAL, ...tableOf(looked).split("\n")];
  return {
    looks: FIRST_LOOKS,
    run: (scenario, first) => {
      const place = done.push({ done: 0, simulatedSeconds: 0, requests: 0 }) - 1;
      if (first) looked.set(scenario, undefined);
      return (progress) => {
        done[place] = { ...progress, requests: Math.max(progress.requests, done[place]?.requests ?? 0) };
        area.bar.update(
          done.reduce((sum, run) => sum + run.done, 0),
          { requests: done.reduce((sum, run) => sum + run.requests, 0) },
        );
        if (progress.kpis === undefined || !first) return;
        looked.set(scenario, progress);
        area.show(text);
      };
    },
    stop: () => area.stop(),
  };
};

/** What each scenario's first replication told last with key figures; undefined: nothing yet. */
type Looked = Map<Scenario, Progress | undefined>;

const tableOf = (looked: Looked): string => {
  const several = new Set([...looked.keys()].map(({ simulation }) => simulation)).size > 1;
  const table = new Table({
    head: ["", "simulated", "TTFT p50", "TTFT p99", "ITL p99", "completed", "replicas, mean", "GPU-hours"],
    colAligns: ["left", ...right(7)],
    style: plain,
    chars: compact,
  });
  for (const [scenario, progress] of looked) {
    if (progress?.kpis === undefined) continue;
    const { ttftSeconds, itlSeconds, requests, replicas, gpuHours } = progress.kpis;
    table.push([
      several ? `${scenario.simulation} (${scenario.name})` : scenario.name,
      `${duration(progress.simulatedSeconds)} of ${duration((scenario.horizonMicros ?? 0) / 1e6)}`,
      ...[ttftSeconds.p50, ttftSeconds.p99, itlSeconds.p99].map(latency),
      whole(requests.completed),
      number(replicas.mean),
      number(gpuHours),
    ]);
  }
  return table.toString();
};

/** A dash: nobody has told it yet. */
const latency = (value: number): string => (value === 0 ? "–" : seconds(value));
