import { Presets, SingleBar } from "cli-progress";
import type { Progress } from "../worker/protocol.ts";

export interface ProgressBar {
  /** @returns what one of the runs calls as it goes on */
  run(): (progress: Progress) => void;
  stop(): void;
}

/** One bar over all runs, on a terminal; silent in a pipe. */
export const progressBar = (runs: number): ProgressBar => {
  if (process.stderr.isTTY !== true) return { run: () => () => {}, stop: () => {} };
  const bar = new SingleBar(
    {
      format: "simulating {bar} {percentage}% | {requests} requests",
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  bar.start(runs, 0, { requests: 0 });
  const done: Progress[] = [];
  return {
    run: () => {
      const place = done.push({ done: 0, simulatedSeconds: 0, requests: 0 }) - 1;
      return (progress) => {
        done[place] = { ...progress, requests: Math.max(progress.requests, done[place]?.requests ?? 0) };
        bar.update(
          done.reduce((sum, p) => sum + p.done, 0),
          { requests: done.reduce((sum, p) => sum + p.requests, 0) },
        );
      };
    },
    stop: () => bar.stop(),
  };
};
