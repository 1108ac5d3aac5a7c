import { VERSION } from "../../model/version.ts";
import { spreadOf } from "../../report/spread.ts";
import type { Outcome } from "../format.ts";

/** What the formats for machines print: KPIs over replications, and every run without its metric families. */
export const documentOf = (outcomes: readonly Outcome[]) => ({
  servetwin: VERSION,
  simulated: true,
  simulations: outcomes.map(({ reports, ...outcome }) => ({
    ...outcome,
    kpis: spreadOf(reports.map((report) => report.kpis)),
    runs: reports.map(({ families: _, ...report }) => report),
  })),
});
