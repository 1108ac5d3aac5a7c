import { bad, good, type Problem } from "../../model/problem.ts";
import { type Measured, measuredOf } from "../../twin/sweep/score.ts";
import type { PreviewPool } from "../../worker/pool.ts";
import type { WholeRun } from "./find-oracle.ts";
import type { SweepRuns } from "./runs.ts";

export interface ThreadParts {
  readonly pool: PreviewPool;
  readonly maxTraceBytes: number;
  /** Runs that stand in the pool's line at once: no more than there are threads, so that others of the namespace get their turn. */
  readonly atOnce: number;
  readonly signal: AbortSignal;
}

/** @throws RunFailure as the pool does */
export const threadRun =
  ({ pool, maxTraceBytes, signal }: Omit<ThreadParts, "atOnce">): WholeRun =>
  async (scenario) => {
    const result = await pool.run({ scenario, maxTraceBytes }, signal);
    if (result.kind === "report") return good(result.report);
    const { kind: _, ...problem } = result;
    return bad({ severity: "error", ...problem });
  };

/** @throws RunFailure as the pool does */
export const threadRuns =
  ({ atOnce, ...parts }: ThreadParts): SweepRuns =>
  async (scenarios, objectives) => {
    const run = threadRun(parts);
    const measured: Measured[] = [];
    const problems: Problem[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let i = next++; i < scenarios.length && problems.length === 0; i = next++) {
        const scenario = scenarios[i] as (typeof scenarios)[number];
        const result = await run(scenario);
        if (result.ok) measured[i] = measuredOf(objectives, result.value.kpis);
        else problems.push(...result.problems);
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, scenarios.length) }, work));
    return problems.length > 0 ? bad(...problems.slice(0, 1)) : good(measured);
  };
