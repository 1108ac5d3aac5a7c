import { VERSION } from "../../model/version.ts";
import { withBands } from "../../report/bands.ts";
import { spreadOf } from "../../report/spread.ts";
import type { RunDocument } from "../../schema/run-document.ts";
import type { Outcome } from "../format.ts";

/** What the formats for machines print: KPIs over replications, and every run without its metric families. */
export const documentOf = (outcomes: readonly Outcome[]): RunDocument => ({
  servetwin: VERSION,
  simulated: true,
  simulations: outcomes.map(({ reports, ...outcome }) => ({
    ...outcome,
    kpis: withBands(spreadOf(reports.map((report) => report.kpis)), reports[0]?.bands, reports[0]?.kpis),
    runs: reports.map(({ families: _, ...report }) => report),
  })),
});
