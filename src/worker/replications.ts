import type { Report } from "../report/report.ts";
import type { Scenario } from "../twin/scenario.ts";
import type { PreviewPool } from "./pool.ts";
import type { PreviewResult, Progress } from "./protocol.ts";

export interface Replications {
  /** Each is run with its own seed plus the number of the replication, so that all share their random numbers. */
  readonly scenarios: readonly Scenario[];
  /** Most replications of each. */
  readonly budget: number;
  /** Whether those that are done, from the first one on without a gap, are enough; asked after each. */
  readonly enough: (done: readonly (readonly Report[])[]) => boolean;
  readonly maxTraceBytes: number;
  /** Runs under way at once. */
  readonly threads: number;
  /** How often those of the first replication tell their KPIs so far, as a task's `looks`. */
  readonly looks?: number;
  readonly signal: AbortSignal;
  readonly tell?: (run: number, progress: Progress) => void;
}

export type ReplicationsResult =
  | { readonly kind: "reports"; readonly reports: readonly (readonly Report[])[] }
  | Extract<PreviewResult, { kind: "problem" }>;

/**
 * Runs replications of several scenarios side by side until they are enough. Which are asked for depends on those before
 * them alone, not on who was done first: the same reports come back on any number of threads, and what was begun beyond them
 * is called off.
 *
 * @returns per replication the report of each scenario, in their order; or the first problem
 * @throws AbortError when `signal` aborts
 */
export const replicate = async (pool: PreviewPool, wanted: Replications): Promise<ReplicationsResult> => {
  const { scenarios, budget, enough, maxTraceBytes, signal } = wanted;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const runs = budget * scenarios.length;
  const results = new Map<number, Promise<PreviewResult>>();
  let next = 0;
  const begin = (): void => {
    if (next >= runs || both.aborted) return;
    const run = next++;
    const scenario = scenarios[run % scenarios.length] as Scenario;
    const replication = Math.floor(run / scenarios.length);
    const task = {
      scenario: { ...scenario, seed: scenario.seed + replication },
      maxTraceBytes,
      ...(wanted.looks === undefined || replication > 0 ? {} : { looks: wanted.looks }),
    };
    const result = pool.run(task, both, (progress) => wanted.tell?.(run, progress));
    results.set(run, result);
    // Whoever waits for it hears of its failure; until then nobody must be startled.
    result.then(begin, () => undefined);
  };
  for (let i = 0; i < wanted.threads; i += 1) begin();
  const done: (readonly Report[])[] = [];
  try {
    while (done.length < budget) {
      const reports: Report[] = [];
      for (const i of scenarios.keys()) {
        const result = await results.get(done.length * scenarios.length + i);
        if (result === undefined) throw signal.reason;
        if (result.kind === "problem") return result;
        reports.push(result.report);
      }
      done.push(reports);
      if (enough(done)) break;
    }
    return { kind: "reports", reports: done };
  } finally {
    stop.abort();
  }
};
