import type { ResidualMetric } from "../latency/fit-result.ts";
import { bandOf, paces, type StepUncertainty, stepUncertainty } from "../latency/uncertainty.ts";
import type { BandRule } from "../report/bands.ts";
import type { Scenario, WorkloadScenario } from "./scenario.ts";

/** The scenario at the fast and at the slow end of what its step times may be: what the bands of its KPIs come from. */
export interface BandScenarios {
  readonly fast: Scenario;
  readonly slow: Scenario;
  /** What of the configuration no measured server had; each widens the bands. */
  readonly novelties: readonly string[];
}

/** @returns undefined unless a workload's latency model knows how uncertain it is; all that do err together */
export const bandScenarios = (scenario: Scenario): BandScenarios | undefined => {
  if (scenario.bands === false) return undefined;
  const knowing = scenario.workloads.filter(({ latency }) => latency.name === "physical");
  if (knowing.length === 0) return undefined;
  const uncertainties = new Map(knowing.map((workload) => [workload, uncertaintyOf(workload)]));
  const at = (end: "fast" | "slow"): Scenario => ({
    ...scenario,
    workloads: scenario.workloads.map((workload) => {
      const uncertainty = uncertainties.get(workload);
      if (uncertainty === undefined || workload.latency.name !== "physical") return workload;
      return { ...workload, latency: { ...workload.latency, pace: workload.latency.pace * paces(uncertainty)[end] } };
    }),
  });
  const novelties = [...new Set([...uncertainties.values()].flatMap((one) => one.novelties))];
  return { fast: at("fast"), slow: at("slow"), novelties };
};

/** What the user is told of each. */
export const wideningNotes = (novelties: readonly string[]): readonly string[] =>
  novelties.map((novelty) => `the bands are wider, for ${novelty}`);

/** What was fitted to the deployment itself knows how far off it is. */
const uncertaintyOf = (workload: WorkloadScenario): StepUncertainty => {
  const { latency } = workload;
  return latency.name === "physical" && latency.deviation !== undefined
    ? { deviation: latency.deviation, novelties: [] }
    : stepUncertainty(contextOf(workload));
};

const contextOf = ({ shape, hardware, parallelism, engine }: WorkloadScenario) => ({
  shape,
  hardware,
  parallelism,
  mode: engine.mode,
  asyncScheduling: engine.asyncScheduling,
});

/** Which measured figure's scatter stands for a KPI's; those without one follow the step time alone. */
const SCATTER: readonly (readonly [RegExp, ResidualMetric])[] = [
  [/^ttft(P99|Max)/, "ttft_p99"],
  [/^ttftP9[05]/, "ttft_p90"],
  [/^ttft/, "ttft_mean"],
  [/^e2e(P99|Max)/, "e2e_p99"],
  [/^e2eP9[05]/, "e2e_p90"],
  [/^e2e/, "e2e_mean"],
  [/^(itl|tpot)P50/, "itl_median"],
  [/^(itl|tpot)/, "itl_mean"],
];

/** @param prefixCacheHitRatio of the run: where most prompts are computed, first tokens are less certain */
export const kpiBandRule =
  (prefixCacheHitRatio: number): BandRule =>
  (name, values) => {
    const cold = prefixCacheHitRatio < 0.5 && name.startsWith("ttft");
    const metric = cold ? "ttft_cold" : SCATTER.find(([names]) => names.test(name))?.[1];
    if (metric !== undefined) return bandOf(metric, values);
    const all = Object.values(values);
    return { p10: Math.min(...all), p90: Math.max(...all) };
  };
