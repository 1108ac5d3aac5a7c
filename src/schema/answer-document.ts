import * as z from "zod";
import { byName, list, scalar } from "./json-document.ts";
import { finding, reportDocument } from "./report-document.ts";

const estimate = z
  .object({
    mean: z.number(),
    interval: z.object({ low: z.number(), high: z.number() }).optional(),
  })
  .meta({
    description:
      "A mean over the replications, geometric where all values are above 0; without an interval nothing is known yet.",
  });

const paired = z.object({
  baseline: estimate,
  change: estimate,
  difference: estimate.extend({
    relative: z
      .boolean()
      .meta({ description: "Change over baseline, less 1; else change less baseline, in the figure's unit." }),
  }),
});

const bound = z.enum(["met", "not met", "inconclusive"]);
const verdict = z.enum(["better", "same", "worse", "inconclusive"]);

const goal = z.object({
  metric: z.enum(["ttft", "itl", "tpot", "e2e", "errorRatio", "gpuHours", "sloAttainment"]),
  sloClass: z.string().optional(),
  percentile: z.int().optional(),
  atMost: z.string().optional(),
  atLeast: z.string().optional(),
  figures: paired.optional().meta({ description: "Latencies in seconds. Left out: no request has anything to say." }),
  verdict,
  met: z.object({ baseline: bound, change: bound }).optional().meta({ description: "Where it has a bound." }),
});

const findingChange = finding.extend({ change: z.enum(["new", "stays", "gone"]) });

const simulation = z.object({
  simulation: z.string().meta({ description: "namespace/name." }),
  answer: bound.meta({ description: "What the exit code says." }),
  sentence: z.string(),
  values: list(
    z.object({ path: z.string(), before: scalar.optional(), after: scalar.optional(), from: z.string() }),
  ).meta({ description: "Values of the effective configuration that change, come or go." }),
  comparison: z.object({
    replications: z.int(),
    goals: list(goal),
    verdict,
    met: bound.optional(),
    settled: z.boolean(),
  }),
  kpis: byName(paired).meta({ description: "By flat name, with its unit." }),
  findings: list(findingChange),
  seeds: list(z.int()),
  budget: z.int(),
  runs: z
    .object({ baseline: reportDocument, change: reportDocument })
    .meta({ description: "The first replication of each side." }),
});

/** What `preview -o json` and `check --json` print. Fields may be added; none of these goes or changes its meaning. */
export const answerDocument = z.object({
  servetwin: z.string().meta({ description: "Version." }),
  simulated: z.literal(true),
  objects: list(z.string()).meta({ description: "Objects that change, Kind/namespace/name." }),
  simulations: list(simulation),
  leftOut: list(z.object({ simulation: z.string(), why: z.string() })),
});
export type AnswerDocument = z.input<typeof answerDocument>;
