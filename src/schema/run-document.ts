import * as z from "zod";
import { byName, list } from "./json-document.ts";
import { reportDocument } from "./report-document.ts";

const spread = z
  .object({ mean: z.number(), p10: z.number(), p90: z.number() })
  .meta({ id: "Spread", description: "Over the replications, and of what the latency model doesn't know." });

/** What `run -o json` prints. Fields may be added; none of these goes or changes its meaning. */
export const runDocument = z.object({
  servetwin: z.string().meta({ description: "Version." }),
  simulated: z.literal(true),
  simulations: list(
    z.object({
      simulation: z.string().meta({ description: "namespace/name." }),
      scenario: z.string().meta({ description: "baseline, or the name of a candidate." }),
      objectives: list(
        z.object({
          metric: z.enum(["ttft", "itl", "tpot", "e2e", "errorRatio", "gpuHours", "sloAttainment"]),
          sloClass: z.string().optional(),
          percentile: z.int().optional(),
          atMost: z.string().optional(),
          atLeast: z.string().optional(),
          observed: spread.optional().meta({ description: "Latencies in seconds." }),
          verdict: z.enum(["Passed", "Failed", "Inconclusive"]),
        }),
      ),
      verdict: z
        .enum(["Passed", "Failed", "Inconclusive"])
        .optional()
        .meta({ description: "Where objectives are said." }),
      differences: byName(z.object({ change: spread, ratio: z.number().optional() }))
        .optional()
        .meta({ description: "Of a candidate, against the baseline, by flat name." }),
      kpis: byName(spread).meta({ description: "By flat name, with its unit." }),
      runs: list(reportDocument).meta({ description: "One per replication." }),
    }),
  ).meta({ description: "Each scenario of each simulation; candidates follow their baseline." }),
  omitted: list(z.string()).optional().meta({
    description: "In a ConfigMap (spec.export.reportConfigMap) that would be too large: what it leaves out.",
  }),
});
export type RunDocument = z.input<typeof runDocument>;
