import type { Report } from "./report.ts";

/** One scenario's reports, a report per replication. */
export interface ScenarioReports {
  readonly scenario: string;
  readonly reports: readonly Report[];
}

/** @returns the reports of each scenario, scenarios and replications in the order given */
export const byScenario = (reports: readonly Report[]): readonly ScenarioReports[] =>
  [...new Set(reports.map(({ scenario }) => scenario))].map((scenario) => ({
    scenario,
    reports: reports.filter((report) => report.scenario === scenario),
  }));
