import { differences } from "../report/difference.ts";
import { judge } from "../report/objectives.ts";
import type { Report } from "../report/report.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import type { Outcome } from "./format.ts";

/** What came of the scenarios of a simulation, `namespace/name`. @param scenarios the baseline first; each with a report per replication */
export const judgedOutcomes = (
  simulation: string,
  { spec }: InferenceSimulation,
  scenarios: readonly { readonly scenario: string; readonly reports: readonly Report[] }[],
): Outcome[] => {
  const kpis = scenarios.map(({ reports }) => reports.map((report) => report.kpis));
  return scenarios.map(({ scenario, reports }, i) => {
    const { verdict, objectives } = judge(spec.objectives, kpis[i] ?? [], kpis[0]);
    return {
      simulation,
      scenario,
      reports,
      objectives,
      ...(spec.objectives.length === 0 ? {} : { verdict }),
      ...(i === 0 ? {} : { differences: differences(kpis[0] ?? [], kpis[i] ?? []) }),
    };
  });
};
