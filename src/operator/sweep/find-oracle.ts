import type { Result } from "../../model/problem.ts";
import type { Objective } from "../../report/objectives.ts";
import type { Report } from "../../report/report.ts";
import type { Scenario } from "../../twin/scenario.ts";
import { aloneAt, carriedPerSecond, leastOf, type Oracle, oracleObstacle, saysOf } from "../../twin/sweep/oracle.ts";

/** Runs one scenario and tells all of it. @throws AbortError when the sweep is called off */
export type WholeRun = (scenario: Scenario) => Promise<Result<Report>>;

/** The rate that a replica holds is known to two per cent. */
const WITHIN = 1.02;
/** Nothing serves more than so many requests per second on one replica, or would be of use below so few. */
const [LEAST, MOST] = [1 / 1024, 4096];

/**
 * Seeks what an all-knowing autoscaler would need: the rate that one replica holds by halving, then the least for the arrivals of a
 * run of the baseline.
 *
 * @returns why there is none, as a string
 */
export const findOracle = async (
  base: Scenario,
  objectives: readonly Objective[],
  run: WholeRun,
): Promise<Oracle | string> => {
  const obstacle = oracleObstacle(base, objectives);
  const [workload] = base.workloads;
  if (obstacle !== undefined || workload === undefined) return obstacle ?? "there is no workload";
  const course = await run(base);
  if (!course.ok) return whyOf(course);
  let held: Report | undefined;
  let [low, high] = [0, 0];
  for (let rate = 1; high === 0 || (low === 0 ? high > LEAST : high > low * WITHIN); ) {
    const alone = await run(aloneAt(base, rate));
    if (!alone.ok) return whyOf(alone);
    const says = saysOf(alone.value, rate, objectives);
    if (says === "unknown") return "the traffic has too few requests to find what one replica holds";
    if (says === "held") [low, held] = [rate, alone.value];
    else high = rate;
    if (low >= MOST) return "one replica holds any rate within the objectives";
    rate = high === 0 ? low * 2 : low === 0 ? high / 2 : Math.sqrt(low * high);
  }
  if (held === undefined) return "one replica misses the objectives at any rate";
  return leastOf(course.value, carriedPerSecond(held), workload.gpusPerReplica);
};

const whyOf = ({ problems }: Extract<Result<unknown>, { ok: false }>): string =>
  problems[0]?.message ?? "it can't be run";
