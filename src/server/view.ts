import * as z from "zod";

// What the server is handed, as plain JSON: it knows nobody else's types. The API answers these as they are; its
// OpenAPI document is made from them.

const list = <T extends z.ZodType>(entry: T) => z.array(entry).readonly();
const byName = <T extends z.ZodType>(value: T) => z.record(z.string(), value).readonly();

const condition = z
  .object({ type: z.string(), status: z.string(), reason: z.string(), message: z.string() })
  .readonly()
  .meta({ description: "As metav1.Condition, without its times." });

const spread = z
  .object({ mean: z.number(), p10: z.number(), p90: z.number() })
  .readonly()
  .meta({ description: "Over the replications, and of what the latency model doesn't know of real servers." });
export type SpreadView = z.output<typeof spread>;

const objective = z
  .object({
    metric: z.string(),
    percentile: z.number().optional(),
    sloClass: z.string().optional(),
    atMost: z.string().optional(),
    atLeast: z.string().optional(),
    observed: spread.optional().meta({ description: "Latencies in seconds." }),
    verdict: z.string(),
  })
  .readonly();
export type ObjectiveView = z.output<typeof objective>;

const summaryFields = {
  namespace: z.string(),
  name: z.string(),
  mode: z.string().meta({ description: "Preview, Shadow." }),
  phase: z.string().meta({ description: "Mirroring, Running, Following, Succeeded, Failed." }),
  verdict: z.string().optional().meta({ description: "Passed, Failed, Inconclusive; left out without objectives." }),
  conditions: list(condition),
  warnings: list(z.string()),
  progress: z.number().min(0).max(1).optional().meta({ description: "While a preview runs." }),
  simulatedSeconds: z.number().optional().meta({ description: "How far a Shadow has come." }),
  lagSeconds: z.number().optional().meta({ description: "How far a Shadow is behind the wall clock." }),
  objectives: list(objective),
  kpis: byName(spread).meta({
    description:
      "By names that carry the unit (`ttftP99Seconds`), as in `status.runs[].kpis`. Empty before the first result.",
  }),
};

export const simulationSummary = z.object(summaryFields).readonly();
export type SimulationSummary = z.output<typeof simulationSummary>;

const mirrored = z
  .object({ path: z.string(), value: z.string(), from: z.string() })
  .readonly()
  .meta({ description: "A value that the simulation uses, and where it came from." });
export type MirroredView = z.output<typeof mirrored>;

const derivation = z
  .object({
    source: z
      .string()
      .meta({ description: "Kind/namespace/name of an object, or what stands in for one: `defaults`." }),
    fields: list(
      z
        .object({
          field: z.string(),
          values: list(z.object({ path: z.string(), value: z.string() }).readonly()),
        })
        .readonly(),
    ),
  })
  .readonly();
export type DerivationView = z.output<typeof derivation>;

const saturation = z
  .object({
    detector: z.string(),
    level: z.string().meta({ description: "STABLE, BACKLOGGED, OVERLOADED." }),
    score: z.number().min(0).max(1),
    confidence: z.number().min(0).max(1),
  })
  .readonly();
export type SaturationView = z.output<typeof saturation>;

const group = z
  .object({
    kind: z.string().meta({ description: "class, model, tenant, round, pool." }),
    name: z.string(),
    requests: z.number(),
    completed: z.number(),
    failed: z.number(),
    ttftP50Seconds: z.number(),
    ttftP99Seconds: z.number(),
    tpotP99Seconds: z.number(),
    e2eP99Seconds: z.number(),
    outputTokensPerSecond: z.number(),
    sloAttainmentRatio: z.number().optional(),
  })
  .readonly();
export type GroupView = z.output<typeof group>;

const finding = z
  .object({
    name: z.string(),
    severity: z.string().meta({ description: "info, warning, error." }),
    object: z.string(),
    field: z.string().optional(),
    message: z.string(),
    evidence: byName(z.number()).meta({ description: "Figures by names that carry the unit." }),
    fix: z.string(),
  })
  .readonly();
export type FindingView = z.output<typeof finding>;

const sync = z
  .object({
    atSeconds: z.number(),
    currentReplicas: z.number(),
    desiredReplicas: z.number(),
    proposal: z.number().optional(),
    stabilised: z.number().optional(),
    limitedBy: z.string().optional(),
    reason: z.string(),
    error: z.string().optional(),
    metrics: list(
      z
        .object({
          name: z.string(),
          seen: z.number().optional(),
          truth: z.number().optional(),
          target: z.number(),
          proposal: z.number().optional(),
        })
        .readonly(),
    ),
  })
  .readonly();
export type SyncView = z.output<typeof sync>;

const syncTimeline = z
  .object({
    autoscaler: z.string(),
    syncs: z.number(),
    rows: list(sync),
    leftOut: z.object({ unchanged: z.number(), changed: z.number() }).readonly(),
  })
  .readonly()
  .meta({ description: "Syncs of one autoscaler that were kept, and how many were not." });
export type SyncTimelineView = z.output<typeof syncTimeline>;

const timeline = z
  .object({
    bucketSeconds: z.number(),
    atSeconds: list(z.number()).meta({ description: "Where each bucket begins, in simulated time." }),
    columns: byName(list(z.number())).meta({
      description: "By names that carry the unit; one value per bucket. A latency of 0: nothing to measure.",
    }),
  })
  .readonly();
export type TimelineView = z.output<typeof timeline>;

const scaleEvent = z
  .object({
    atSeconds: z.number(),
    workload: z.string(),
    from: z.number(),
    to: z.number(),
    by: z.string(),
    reason: z.string(),
  })
  .readonly();
export type ScaleEventView = z.output<typeof scaleEvent>;

const run = z
  .object({
    scenario: z.string().meta({ description: "baseline, or the name of a candidate." }),
    seed: z.number(),
    digest: z.string(),
    horizonSeconds: z.number(),
    warmUpSeconds: z.number(),
    kpis: z.unknown().meta({ description: "As `runs[].kpis` in docs/schemas/run.json." }),
    saturation: saturation.optional().meta({ description: "Whether the run got more than it could take." }),
    groups: z
      .object({ rows: list(group), leftOut: z.number() })
      .readonly()
      .optional()
      .meta({ description: "Key figures by group, those of a kind one after another, and how many are not here." }),
    findings: list(finding)
      .optional()
      .meta({ description: "What is wrong with the autoscalers, the most severe first." }),
    syncs: list(syncTimeline).optional(),
    timeline,
    scaleEvents: list(scaleEvent),
    notes: list(z.string()),
  })
  .readonly();
export type RunView = z.output<typeof run>;

const perBucket = byName(list(z.number().nullable())).meta({
  description: "By names that carry the unit; one value per bucket, null where there was nothing to measure.",
});

const scenarioTimeline = z
  .object({
    scenario: z.string(),
    replications: z.int(),
    bucketSeconds: z.number(),
    atSeconds: list(z.number()).meta({ description: "Where each bucket begins, in simulated time." }),
    columns: perBucket.meta({ description: "Means over the replications, four digits of them." }),
    lows: perBucket.optional().meta({ description: "The lowest of several replications." }),
    highs: perBucket.optional().meta({ description: "The highest of several replications." }),
    decisions: list(scaleEvent).meta({ description: "Who changed the replicas when, in the first replication." }),
    decisionsLeftOut: z.int(),
  })
  .readonly();
export type ScenarioTimelineView = z.output<typeof scenarioTimeline>;

export const timelines = z.object({ scenarios: list(scenarioTimeline) }).readonly();
export type TimelinesView = z.output<typeof timelines>;

const score = z
  .object({
    violation: z
      .number()
      .meta({ description: "By how much of their bounds the objectives are missed; 0: all are met." }),
    attainment: z.number(),
    cost: z.number(),
    costUnit: z.string().meta({ description: "cost, gpuHours." }),
  })
  .readonly();
const values = list(z.unknown()).meta({ description: "In the order of the parameters." });

/** What `servetwin sweep -o json` prints of it. */
export const sweepDocument = z
  .object({
    servetwin: z.string().meta({ description: "The version." }),
    simulated: z.literal(true),
    sweeps: list(
      z
        .object({
          simulation: z.string(),
          search: z.string(),
          parameters: list(z.string()),
          combinations: z.number(),
          oracle: z
            .union([
              z
                .object({
                  replicaPerSecond: z
                    .number()
                    .meta({ description: "Requests per second that one replica alone holds within the objectives." }),
                  gpuHours: z.number(),
                  mostReplicas: z.int(),
                  stepSeconds: z.number().meta({ description: "How often it chooses anew." }),
                })
                .readonly(),
              z.object({ none: z.string().meta({ description: "Why it can't be said." }) }).readonly(),
            ])
            .optional()
            .meta({
              description: "What an all-knowing autoscaler with pods at once would need for the baseline's traffic.",
            }),
          tried: list(
            z
              .object({
                values,
                score,
                replications: z.int(),
                frontier: z.boolean(),
                regretGpuHours: z.number().optional().meta({ description: "Beyond what the oracle needs." }),
              })
              .readonly(),
          ).meta({ description: "Best first." }),
          impossible: list(z.object({ values, why: z.string() }).readonly()),
          recommended: z
            .object({
              values,
              patches: list(z.unknown()).meta({ description: "As spec.candidates[].patches takes them." }),
              mergePatch: z.object({ object: z.string(), patch: z.unknown() }).readonly().optional(),
            })
            .readonly()
            .optional()
            .meta({ description: "Left out: nothing that was tried meets the objectives." }),
        })
        .readonly(),
    ),
  })
  .readonly();
export type SweepDocument = z.output<typeof sweepDocument>;

const sweepSummary = z
  .object({
    parameters: list(z.string()),
    combinations: z.number(),
    tried: z.number(),
    impossible: z.number(),
    best: list(
      z
        .object({
          values: list(z.string()),
          attainmentRatio: z.number(),
          cost: z.number(),
          costUnit: z.string(),
          violation: z.number(),
          replications: z.number(),
          frontier: z.boolean(),
        })
        .readonly(),
    ),
    recommended: z
      .object({
        values: list(z.string()),
        patches: z.string().optional(),
        object: z.string().optional(),
        mergePatch: z.string().optional(),
      })
      .readonly()
      .optional(),
  })
  .readonly();
export type SweepSummaryView = z.output<typeof sweepSummary>;

export const simulationDetail = z
  .object({
    ...summaryFields,
    spec: z.unknown().meta({ description: "Of the object, as it was read; see docs/crd.md." }),
    status: z.unknown().optional().meta({ description: "As it is written to the object; see docs/crd.md." }),
    mirrored: list(mirrored),
    derivation: list(derivation).meta({
      description: "The same by where it comes from, as `servetwin explain -o tree` has it.",
    }),
    sweep: sweepSummary.optional().meta({ description: "What spec.sweep found, as in `status.sweep`." }),
    runs: list(run).meta({ description: "One per replication and scenario; a Shadow has one, so far." }),
  })
  .readonly();
export type SimulationDetail = z.output<typeof simulationDetail>;

export const simulationList = z
  .object({
    simulations: list(simulationSummary).meta({ description: "In order of namespace and name." }),
    continue: z.string().optional().meta({ description: "Where more follow: ask for them with this as `continue`." }),
  })
  .readonly();

/** RFC 9457, section 3.1. */
export const problemDetails = z
  .object({
    type: z.literal("about:blank"),
    title: z.string().meta({ description: "The status in words." }),
    status: z.int(),
    detail: z.string().meta({ description: "What is wrong, and what would be right." }),
  })
  .readonly();
export type ProblemDetails = z.output<typeof problemDetails>;
