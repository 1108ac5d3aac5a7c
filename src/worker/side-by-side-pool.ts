import { Piscina } from "piscina";
import type { SideBySide, SideBySideTask } from "./side-by-side.ts";

/** Compares for people who wait: its threads stand ready, apart from those of previews. */
export interface SideBySidePool {
  /** @param signal aborting it ends the run at once; the promise then rejects */
  run(task: SideBySideTask, signal: AbortSignal): Promise<SideBySide>;
  close(): Promise<void>;
}

const THREADS = 2;
/** Requests beyond these are turned away at once. */
const MOST_WAITING = 16;

export const sideBySidePool = (threads: URL, maxMebibytes: number): SideBySidePool => {
  const pool = new Piscina({
    filename: new URL("side-by-side-thread.js", threads).href,
    minThreads: THREADS,
    maxThreads: THREADS,
    maxQueue: MOST_WAITING,
    concurrentTasksPerWorker: 1,
    resourceLimits: { maxOldGenerationSizeMb: maxMebibytes, maxYoungGenerationSizeMb: 12 },
  });
  // Of a thread with nothing in hand: the pool begins another.
  pool.on("error", () => undefined);
  return {
    run: (task, signal) => pool.run(task, { signal, name: "compare" }) as Promise<SideBySide>,
    close: () => pool.destroy(),
  };
};
