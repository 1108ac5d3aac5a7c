import type { PreviewPool } from "../../worker/pool.ts";
import { TimedOut } from "../exit.ts";
import type { ComparedSimulation } from "./compared-simulations.ts";
import { type Previewed, preview } from "./previewed.ts";
import { refining } from "./refining.ts";

export interface RunOptions {
  readonly pool: PreviewPool;
  readonly budget: number;
  readonly threads: number;
  readonly maxTraceBytes: number;
  /** Wall clock; left out: as long as it takes. */
  readonly timeoutSeconds?: number;
}

/** Previews one simulation after the other, each on all threads. @throws BadInput, TimedOut */
export const runPreviews = async (
  simulations: readonly ComparedSimulation[],
  { pool, budget, threads, maxTraceBytes, timeoutSeconds }: RunOptions,
): Promise<readonly Previewed[]> => {
  const shown = refining();
  const stop = new AbortController();
  const timer =
    timeoutSeconds === undefined
      ? undefined
      : setTimeout(() => stop.abort(new TimedOut(timeoutSeconds)), timeoutSeconds * 1000);
  try {
    const previews: Previewed[] = [];
    for (const simulation of simulations) {
      const watch = shown.begin(simulation.name, budget, simulation.baseline.scenario.horizonMicros);
      previews.push(await preview(simulation, pool, { budget, threads, maxTraceBytes, signal: stop.signal, watch }));
    }
    return previews;
  } catch (error) {
    throw stop.signal.aborted && stop.signal.reason instanceof TimedOut ? stop.signal.reason : error;
  } finally {
    clearTimeout(timer);
    shown.stop();
  }
};
