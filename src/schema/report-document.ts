import * as z from "zod";
import { byName, list } from "./json-document.ts";

/*
 * The report of one run as JSON: what src/report/report.ts types, for `docs/schemas/`. The commands that print it are typed by
 * these schemas, so that neither can change without the other. Times are in seconds of simulated time unless a name says else.
 */

const summary = z
  .object({
    count: z.int(),
    mean: z.number(),
    p50: z.number(),
    p90: z.number(),
    p95: z.number(),
    p99: z.number(),
    max: z.number(),
  })
  .meta({ id: "Summary", description: "Mean and percentiles over a run; zeros where count is 0." });

const requests = z.object({
  arrived: z.int(),
  completed: z.int(),
  rejected: z.int().meta({ description: "Refused by the engine's front end or the gateway." }),
  overloaded: z.int().meta({ description: "Refused since a bounded queue was full (HTTP 503)." }),
  timedOut: z.int().meta({ description: "Given up by their clients at their deadlines." }),
  aborted: z.int().meta({ description: "Streams cut because their pod went away." }),
  shed: z.int().optional().meta({ description: "Turned away by the gateway as they came." }),
  expired: z.int().optional().meta({ description: "Turned away out of the gateway's queue." }),
  inFlightAtEnd: z.int(),
});

const slo = z
  .object({
    targeted: z.int().meta({ description: "Requests that arrived with a target." }),
    attained: z.int(),
    attainmentRatio: z.number(),
    goodputPerSecond: z.number(),
  })
  .meta({ id: "Slo" });

const group = z
  .object({
    requests,
    ttftSeconds: summary,
    tpotSeconds: summary,
    e2eSeconds: summary,
    requestsPerSecond: z.number(),
    outputTokensPerSecond: z.number(),
    prefixCacheHitRatio: z.number(),
    preemptionsPerCompletion: z.number(),
    slo: slo.optional(),
  })
  .meta({ id: "Group" });

const pool = z
  .object({
    role: z.enum(["prefill", "decode", "both"]),
    requests: z.object({
      ended: z.int(),
      completed: z.int(),
      rejected: z.int(),
      overloaded: z.int(),
      timedOut: z.int(),
      aborted: z.int(),
    }),
    ttftSeconds: summary,
    tpotSeconds: summary,
    e2eSeconds: summary,
    queueSeconds: summary,
    requestsPerSecond: z.number(),
    outputTokensPerSecond: z.number(),
    prefixCacheHitRatio: z.number(),
    preemptionsPerCompletion: z.number(),
    prefills: z.int().meta({ description: "Prompts computed for other pools." }),
    prefillSeconds: summary,
  })
  .meta({ id: "Pool" });

const gateway = z.object({
  held: z.int().meta({ description: "Requests that waited in its queue." }),
  dispatched: z.int(),
  heldAtEnd: z.int(),
  queueSeconds: summary,
  priorityInversions: z.int(),
  decisions: byName(z.int()).meta({ description: "By way of a request: decode-only, prefill-decode, …" }),
  transfers: z.object({
    started: z.int(),
    ended: z.int(),
    failed: z.int(),
    bytes: z.number(),
    seconds: summary,
  }),
});

const loop = z.object({
  workload: z.string(),
  reactionSeconds: summary.meta({ description: "From a metric's true crossing to the first replica that it brought." }),
  crossingsUnanswered: z.int(),
  overshootReplicas: z.number(),
  proposalMax: z.number(),
  reversals: z.int(),
  flapsPerHour: z.number(),
  secondsAtMin: z.number(),
  secondsAtMax: z.number(),
  secondsCutByMax: z.number(),
  replicaHours: z.number(),
  gpuHours: z.number(),
  startUpSeconds: summary.meta({ description: "From a pod's creation until it is ready." }),
  streamsAbortedAtScaleIn: z.int(),
});

const extremes = z.object({ min: z.number(), mean: z.number(), max: z.number(), atEnd: z.number() });

const nodes = z.object({
  pools: byName(
    z.object({
      nodes: extremes,
      nodeHours: z.number(),
      gpuHours: z.number(),
      allocatedGpuHours: z.number(),
      cost: z.number().optional(),
    }),
  ),
  cost: z.number().optional().meta({ description: "In the currency of the prices; left out: a pool has no price." }),
  schedulingSeconds: summary,
});

const kpis = z
  .object({
    requests,
    ttftSeconds: summary,
    itlSeconds: summary,
    tpotSeconds: summary,
    e2eSeconds: summary,
    queueSeconds: summary,
    requestsPerSecond: z.number(),
    promptTokensPerSecond: z.number(),
    outputTokensPerSecond: z.number(),
    prefixCacheHitRatio: z.number(),
    preemptions: z.int(),
    replicas: extremes,
    scaleUps: z.int(),
    scaleDowns: z.int(),
    replicaHours: z.number(),
    gpuHours: z.number(),
    slo: slo.optional(),
    fairness: z.object({ tenants: z.int(), jainIndex: z.number() }).optional(),
    groups: z
      .object({
        classes: byName(group).optional(),
        models: byName(group).optional(),
        tenants: byName(group).optional(),
        rounds: byName(group).optional(),
        pools: byName(pool).optional(),
      })
      .optional(),
    turnedAway: list(
      z.object({ sloClass: z.string(), how: z.string(), reason: z.string(), count: z.int() }),
    ).optional(),
    gateway: gateway.optional(),
    controlLoops: byName(loop).optional().meta({ description: "By autoscaler, namespace/name." }),
    sloMinutes: z.object({ violation: z.number(), violationWhileStarting: z.number() }).optional(),
    nodes: nodes.optional(),
    headOfLineBlockedReplicas: z.number().optional(),
  })
  .meta({ id: "Kpis", description: "Of what came after the warm-up." });

const saturationVerdict = z.object({
  level: z.enum(["STABLE", "BACKLOGGED", "OVERLOADED"]),
  score: z.number(),
  confidence: z.number(),
});

export const finding = z
  .object({
    name: z.string(),
    severity: z.enum(["info", "warning", "error"]),
    object: z.string(),
    field: z.string().optional(),
    message: z.string(),
    evidence: byName(z.number()).meta({ description: "Figures by names that carry the unit." }),
    fix: z.string(),
  })
  .meta({ description: "What is wrong with an autoscaler." });

const syncMetric = z.object({
  name: z.string(),
  source: z.string().optional(),
  seen: z.number().optional().meta({ description: "As the autoscaler saw it; left out: no data." }),
  truth: z.number().optional().meta({ description: "What it would have seen had nothing been late." }),
  elements: z.int().optional(),
  target: z.number(),
  targetType: z.enum(["value", "average", "utilization"]),
  proposal: z.number().optional(),
});

const syncTimeline = z.object({
  autoscaler: z.string(),
  workload: z.string(),
  syncs: z.int().meta({ description: "How many there were." }),
  rows: list(
    z.object({
      atSeconds: z.number(),
      currentReplicas: z.int(),
      desiredReplicas: z.int(),
      metrics: list(syncMetric),
      proposal: z.number().optional(),
      stabilised: z.number().optional(),
      limitedBy: z.string().optional(),
      reason: z.string(),
      error: z.string().optional(),
    }),
  ),
  leftOut: z.object({ unchanged: z.int(), changed: z.int() }),
});

const course = list(z.number());

const timeline = z.object({
  bucketSeconds: z.number(),
  atSeconds: course.meta({ description: "Where each bucket begins." }),
  columns: z.object({
    arrivalsPerSecond: course,
    completionsPerSecond: course,
    replicasWanted: course,
    replicasReady: course,
    waiting: course,
    running: course,
    kvUsageRatio: course,
    ttftMeanSeconds: course,
    ttftP50Seconds: course,
    ttftP99Seconds: course,
    outputTokensPerSecond: course,
  }),
});

/** One run, as `run -o json` and `preview -o json` have it: a Report without its metric families. */
export const reportDocument = z
  .object({
    scenario: z.string().meta({ description: "baseline, the name of a candidate, or change." }),
    seed: z.int(),
    scenarioDigest: z.string().meta({ description: "Of everything that the run depended on." }),
    version: z.string(),
    startUnixSeconds: z.number().optional().meta({ description: "Of a Replay: when its window began." }),
    horizonSeconds: z.number(),
    warmUpSeconds: z.number(),
    kpis,
    saturation: saturationVerdict.extend({
      detector: z.string(),
      detectors: byName(saturationVerdict),
      exact: z.boolean(),
    }),
    timeline,
    scaleEvents: list(
      z.object({
        atSeconds: z.number(),
        workload: z.string(),
        from: z.int(),
        to: z.int(),
        by: z.string(),
        reason: z.string(),
      }),
    ).meta({ description: "The first 200." }),
    findings: list(finding).optional(),
    syncs: list(syncTimeline).optional().meta({ description: "Of each autoscaler, as far as they are kept." }),
    notes: list(z.string()),
    bands: byName(z.object({ p10: z.number(), p90: z.number() }))
      .optional()
      .meta({ description: "Where a real server's figure would lie with 80 % probability, by flat name." }),
  })
  .meta({ id: "Report", description: "One run: one scenario, one seed. docs/report.md says what is in it." });
