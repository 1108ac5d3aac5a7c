import type { Result } from "../../model/problem.ts";
import type { Objective } from "../../report/objectives.ts";
import type { Scenario } from "../../twin/scenario.ts";
import type { Measured } from "../../twin/sweep/score.ts";

/**
 * Runs scenarios, each once with its own seed: on threads, or by pods of a Job. Whoever does it, the same comes back.
 *
 * @returns in the order given; or why one of them can't be run
 * @throws AbortError when the sweep is called off
 */
export type SweepRuns = (
  scenarios: readonly Scenario[],
  objectives: readonly Objective[],
) => Promise<Result<readonly Measured[]>>;
