import * as z from "zod";
import { keyedList } from "./rule.ts";

/** How metav1.Condition of apimachinery has it; types are those of kstatus (Ready, Reconciling, Stalled) and Mirrored, ObjectivesMet. */
const condition = z.lazy(() =>
  z.object({
    type: z
      .string()
      .max(316)
      .regex(
        /^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
      )
      .meta({ description: "Ready, Reconciling, Stalled, Mirrored or ObjectivesMet." }),
    status: z.enum(["True", "False", "Unknown"]).meta({ description: "Whether it holds." }),
    observedGeneration: z.int().min(0).optional().meta({ description: "Generation of the object that it speaks of." }),
    lastTransitionTime: z.string().max(64).meta({ format: "date-time", description: "When the status changed last." }),
    reason: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
      .meta({ description: "Why, as a CamelCase word for machines." }),
    message: z.string().max(32_768).meta({ description: "Why, for people." }),
  }),
);

const mirroredValue = z.lazy(() =>
  z.object({
    path: z.string().max(512).meta({ description: "What was derived." }),
    value: z.string().max(1024).meta({ description: "Its value." }),
    from: z
      .string()
      .max(1024)
      .meta({ description: "The object and field it came from, or that it is a default, and whose." }),
  }),
);

const spreadOfKpi = z.lazy(() =>
  z.object({
    mean: z.number().meta({ description: "Mean over the replications." }),
    p10: z.number().meta({
      description:
        "10th percentile: over the replications, and of what the latency model doesn't know of real servers.",
    }),
    p90: z.number().meta({ description: "90th percentile, likewise." }),
  }),
);

const verdict = z.enum(["Passed", "Failed", "Inconclusive"]);

const judged = z.lazy(() =>
  z.object({
    metric: z.string().max(64).meta({ description: "As in spec.objectives." }),
    percentile: z.int().optional().meta({ description: "As in spec.objectives." }),
    sloClass: z.string().max(64).optional().meta({ description: "As in spec.objectives." }),
    atMost: z.string().max(32).optional().meta({ description: "As in spec.objectives." }),
    atLeast: z.string().max(32).optional().meta({ description: "As in spec.objectives." }),
    observed: spreadOfKpi.optional().meta({ description: "What the runs came to; latencies in seconds." }),
    verdict: verdict.meta({ description: "Inconclusive: the replications don't agree." }),
  }),
);

const saturation = z.lazy(() =>
  z
    .object({
      detector: z.string().max(64).meta({ description: "As in spec.saturation." }),
      level: z.enum(["STABLE", "BACKLOGGED", "OVERLOADED"]).meta({
        description:
          "STABLE: what came was served, and latency has no trend. BACKLOGGED: work was left over. OVERLOADED: latency kept rising.",
      }),
      score: z.number().min(0).max(1).meta({ description: "How far from stable." }),
      confidence: z.number().min(0).max(1).meta({ description: "How much there was to judge by." }),
    })
    .meta({ description: "The most severe of the replications." }),
);

const groupOfRequests = z.lazy(() =>
  z.object({
    kind: z
      .enum(["class", "model", "tenant", "round", "pool"])
      .meta({ description: "What the requests have in common." }),
    name: z.string().max(253).meta({ description: "Which of them; `other`: those beyond the first 64." }),
    requests: z.number().min(0).meta({ description: "Arrived; of a pool: ended there." }),
    completed: z.number().min(0).meta({ description: "Got all of their tokens." }),
    failed: z.number().min(0).meta({ description: "Came to no answer, for whatever reason." }),
    ttftP50Seconds: z.number().min(0).meta({ description: "Median time to first token." }),
    ttftP99Seconds: z.number().min(0).meta({ description: "99th percentile of it." }),
    tpotP99Seconds: z.number().min(0).meta({ description: "99th percentile of the mean gap between tokens." }),
    e2eP99Seconds: z.number().min(0).meta({ description: "99th percentile of arrival to last token." }),
    outputTokensPerSecond: z.number().min(0).meta({ description: "Of requests that ended." }),
    sloAttainmentRatio: z.number().min(0).max(1).optional().meta({ description: "Share that met its targets." }),
  }),
);

const finding = z.lazy(() =>
  z.object({
    name: z.string().max(64).meta({ description: "Of the rule that found it." }),
    severity: z.enum(["info", "warning", "error"]).meta({ description: "How bad it is." }),
    object: z.string().max(512).meta({ description: "The autoscaler." }),
    field: z.string().max(512).optional().meta({ description: "Where it says so." }),
    message: z.string().max(1024).meta({ description: "What is wrong, in one sentence." }),
    evidence: z
      .record(z.string(), z.number())
      .meta({ maxProperties: 16, description: "The figures that it rests on; units in their names." }),
    fix: z.string().max(1024).meta({ description: "What would be better." }),
  }),
);

const run = z.lazy(() =>
  z.object({
    scenario: z.string().max(253).meta({ description: "baseline, or the name of a candidate." }),
    seeds: z.array(z.int().min(0)).max(100).meta({ description: "One per replication." }),
    digest: z
      .string()
      .max(128)
      .meta({ description: "Of all that the run depended on: with seed and version it gives the same bytes again." }),
    version: z.string().max(64).meta({ description: "Of servetwin." }),
    horizonSeconds: z.number().min(0).meta({ description: "Simulated length." }),
    kpis: z.record(z.string(), spreadOfKpi).meta({
      maxProperties: 96,
      description: "Key figures after the warm-up, units in their names: ttftMeanSeconds, ttftP99Seconds, …",
    }),
    saturation: saturation.optional(),
    findings: z
      .array(finding)
      .max(20)
      .optional()
      .meta({ description: "What is wrong with the autoscalers, as far as the runs prove it; the most severe first." }),
    groups: z
      .array(groupOfRequests)
      .max(40)
      .optional()
      .meta({ description: "Key figures by group, at most eight of a kind, those with the most requests." }),
    objectives: z.array(judged).max(20).optional().meta({ description: "In the order of spec.objectives." }),
    verdict: verdict.optional().meta({ description: "Of its objectives together." }),
    notes: z
      .array(z.string().max(1024))
      .max(20)
      .meta({ description: "What to know about the run: lines skipped in a trace, requests in flight at the end." }),
  }),
);

const drift = z.lazy(() =>
  z
    .object({
      cause: z.enum(["TrafficDiffers", "ReplicasDiffer", "EngineDiffers", "QueueingDiffers"]).optional().meta({
        description: "What is likely to be the matter; left out where nothing has drifted.",
      }),
      message: z.string().max(1024).meta({ description: "The same in words, with figures." }),
      metrics: z
        .array(
          z.object({
            metric: z.string().max(64).meta({ description: "What is compared." }),
            ratio: z.number().meta({ description: "Simulation over production." }),
            confidence: z.number().meta({ description: "That the ratio lies beyond its margin, 0 to 1." }),
          }),
        )
        .max(32)
        .meta({ description: "Over the last half hour." }),
    })
    .meta({ description: "How far a Shadow is from the production that it follows." }),
);

const triedCandidate = z.lazy(() =>
  z.object({
    values: z.array(z.string().max(128)).max(10).meta({ description: "As JSON, in the order of the parameters." }),
    attainmentRatio: z.number().meta({ description: "SLO attainment, or the share of objectives met." }),
    cost: z.number().meta({ description: "In `costUnit`, mean over the replications." }),
    costUnit: z.enum(["cost", "gpuHours"]).meta({ description: "cost: of the nodes, where each pool has a price." }),
    violation: z
      .number()
      .meta({ description: "By how much of their bounds the objectives are missed; 0: all are met." }),
    replications: z.int().min(0).meta({ description: "1: it did too badly to go on." }),
    frontier: z.boolean().meta({ description: "Nothing that ran as often attains more for less." }),
  }),
);

const sweep = z.lazy(() =>
  z
    .object({
      parameters: z
        .array(z.string().max(1536))
        .max(10)
        .meta({ description: "What the values are of: `Kind/namespace/name path`." }),
      combinations: z.number().min(0).meta({ description: "That there are." }),
      tried: z.int().min(0).meta({ description: "That were simulated." }),
      impossible: z.int().min(0).meta({ description: "That can't be simulated." }),
      best: z.array(triedCandidate).max(20).meta({ description: "The best, and the best of the frontier, in order." }),
      recommended: z
        .object({
          values: z
            .array(z.string().max(128))
            .max(10)
            .meta({ description: "As JSON, in the order of the parameters." }),
          patches: z
            .string()
            .max(16_384)
            .optional()
            .meta({ description: "As JSON, what spec.candidates[].patches takes; left out: too long." }),
          object: z
            .string()
            .max(512)
            .optional()
            .meta({ description: "What mergePatch applies to, `Kind/namespace/name`; left out: several objects." }),
          mergePatch: z
            .string()
            .max(16_384)
            .optional()
            .meta({ description: "For `kubectl patch --type=merge -p`; left out: several objects, or too long." }),
        })
        .optional()
        .meta({ description: "The best, which meets the objectives; left out: none does." }),
    })
    .meta({ description: "What spec.sweep found." }),
);

const remoteWrite = z.lazy(() =>
  z
    .object({
      sent: z.number().min(0).meta({ description: "Samples that the receiver took." }),
      failed: z.number().min(0).meta({ description: "Samples that it refused for good." }),
      dropped: z.number().min(0).meta({ description: "Samples lost, since it was away for too long." }),
      until: z.string().max(64).optional().meta({ format: "date-time", description: "Of the newest that was sent." }),
    })
    .meta({ description: "What was pushed, see spec.export.remoteWrite; the condition Pushed says how it stands." }),
);

const calibration = z.lazy(() =>
  z
    .object({
      overrides: z
        .object({
          engine: z
            .object({
              latencyCorrections: z
                .record(z.string(), z.number())
                .meta({ maxProperties: 32, description: "What was said there, with what was fitted." }),
            })
            .optional()
            .meta({ description: "Of the engine." }),
          start: z
            .object({
              untilReady: z
                .object({
                  mean: z.string().max(32).meta({ description: "Mean." }),
                  deviation: z.string().max(32).meta({ description: "Standard deviation." }),
                })
                .meta({ description: "From the node to ready, in place of the phases that spec.overrides.start has." }),
            })
            .optional()
            .meta({ description: "Of pods; left out: fewer than five were seen to start." }),
        })
        .meta({ description: "As it may be committed to spec.overrides; it is simulated with this." }),
      values: z
        .array(
          z.object({
            name: z.string().max(64).meta({ description: "As in overrides." }),
            before: z.number().meta({ description: "Without the fit." }),
            after: z.number().meta({ description: "Fitted." }),
            low: z.number().meta({ description: "With 90 % confidence it is not below." }),
            high: z.number().meta({ description: "With 90 % confidence it is not above." }),
          }),
        )
        .max(32)
        .meta({ description: "Each fitted value, and how sure it is." }),
      untold: z
        .array(z.string().max(64))
        .max(32)
        .meta({ description: "Left as they were, since production says nothing of them." }),
      misfit: z
        .object({
          before: z.number().meta({ description: "Without the fit." }),
          after: z.number().meta({ description: "With it." }),
        })
        .optional()
        .meta({
          description: "Distance of the simulated from production's buckets: half the likelihood ratio; 0: none.",
        }),
      requests: z.number().min(0).meta({ description: "That were fitted to." }),
      starts: z.int().min(0).meta({ description: "Pods whose starts were fitted to." }),
      windowSeconds: z.number().min(0).meta({ description: "Of production, without what filled the engines." }),
      until: z.string().max(64).meta({ format: "date-time", description: "When the window ended." }),
      inputDigest: z.string().max(128).meta({ description: "Of what was fitted: the engine, and whose series." }),
      version: z.string().max(64).meta({ description: "Of servetwin." }),
    })
    .meta({ description: "What spec.calibration: Auto found; the condition Calibrated says how it stands." }),
);

/** `status` of an InferenceSimulation; written by the operator only. */
export const simulationStatus = z.lazy(() =>
  z
    .object({
      phase: z.enum(["Mirroring", "Running", "Following", "Succeeded", "Failed"]).meta({
        description:
          "Mirroring: reading the real objects. Running: a preview is under way. Following: a shadow keeps pace.",
      }),
      verdict: verdict.optional().meta({ description: "Of the objectives." }),
      observedGeneration: z
        .int()
        .min(0)
        .optional()
        .meta({ description: "Generation of the object that the status speaks of." }),
      replicas: z.int().min(0).max(1_000_000).optional().meta({ description: "Simulated replicas, for /scale." }),
      selector: z
        .string()
        .min(1)
        .max(512)
        .optional()
        .meta({ description: "Label selector of the simulated pods, for /scale; never empty." }),
      conditions: keyedList(z.array(condition).max(16), ["type"]).default([]).meta({
        description:
          "Ready, Reconciling and Stalled as kstatus reads them; Mirrored; ObjectivesMet; Drifted; Pushed; Calibrated; ReportWritten.",
      }),
      mirrored: z
        .array(mirroredValue)
        .max(500)
        .optional()
        .meta({ description: "Every value that the simulation uses, and where it came from." }),
      warnings: z
        .array(z.string().max(2048))
        .max(50)
        .optional()
        .meta({ description: "What was read but should be looked at." }),
      inputDigest: z.string().max(128).optional().meta({ description: "Of all that the result depends on." }),
      runs: z.array(run).max(20).optional().meta({ description: "Results per scenario." }),
      omitted: z
        .array(z.string().max(256))
        .max(16)
        .optional()
        .meta({ description: "What was left out to keep the status small; the page and the API have it." }),
      sweep: sweep.optional(),
      sweepJob: z
        .object({
          ledger: z.string().max(253).meta({ description: "ConfigMap with the results of each run so far." }),
          job: z.string().max(253).optional().meta({ description: "The last Job, in the simulation's namespace." }),
          runs: z.int().min(0).meta({ description: "Of its round." }),
          done: z.int().min(0).meta({ description: "Of these." }),
        })
        .optional()
        .meta({ description: "How spec.sweep.job comes on." }),
      drift: drift.optional(),
      calibration: calibration.optional(),
      remoteWrite: remoteWrite.optional(),
      simulatedSeconds: z.number().min(0).optional().meta({ description: "How far a shadow has come." }),
      lagSeconds: z.number().min(0).optional().meta({ description: "How far a shadow is behind the wall clock." }),
    })
    .meta({ description: "What was found; written by the operator." }),
);
export type SimulationStatus = z.output<typeof simulationStatus>;
