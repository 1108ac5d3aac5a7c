import * as z from "zod";

/** What `preview -o json` and `check --json` print. Fields may be added; none of these goes or changes its meaning. */
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

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const finding = z.object({
  change: z.enum(["new", "stays", "gone"]),
  name: z.string(),
  severity: z.enum(["info", "warning", "error"]),
  object: z.string(),
  field: z.string().optional(),
  message: z.string(),
  evidence: z.record(z.string(), z.number()),
  fix: z.string(),
});

const run = z
  .looseObject({
    scenario: z.string(),
    seed: z.int(),
    scenarioDigest: z.string(),
    version: z.string(),
    horizonSeconds: z.number(),
    warmUpSeconds: z.number(),
    kpis: z.looseObject({}),
    notes: z.array(z.string()),
  })
  .meta({ description: "The first replication's report; docs/report.md says what is in it." });

const simulation = z.object({
  simulation: z.string().meta({ description: "namespace/name." }),
  answer: bound.meta({ description: "What the exit code says." }),
  sentence: z.string(),
  values: z
    .array(z.object({ path: z.string(), before: value.optional(), after: value.optional(), from: z.string() }))
    .meta({ description: "Values of the effective configuration that change, come or go." }),
  comparison: z.object({
    replications: z.int(),
    goals: z.array(goal),
    verdict,
    met: bound.optional(),
    settled: z.boolean(),
  }),
  kpis: z.record(z.string(), paired).meta({ description: "By flat name, with its unit." }),
  findings: z.array(finding),
  seeds: z.array(z.int()),
  budget: z.int(),
  runs: z.object({ baseline: run, change: run }),
});

export const answerDocument = z.object({
  servetwin: z.string().meta({ description: "Version." }),
  simulated: z.literal(true),
  objects: z.array(z.string()).meta({ description: "Objects that change, Kind/namespace/name." }),
  simulations: z.array(simulation),
  leftOut: z.array(z.object({ simulation: z.string(), why: z.string() })),
});

/** JSON Schema (2020-12) of the document, for `docs/schemas/`. */
export const answerSchema = (): string =>
  `${JSON.stringify({ title: "servetwin preview -o json, servetwin check --json", ...z.toJSONSchema(answerDocument, { io: "input" }) }, null, 2)}\n`;
