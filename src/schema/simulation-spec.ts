import * as z from "zod";
import { controllers } from "../controlplane/controllers/index.ts";
import { faults } from "../controlplane/faults/index.ts";
import { routingPolicies } from "../dataplane/policies/index.ts";
import { latencyModels, ownCorrections } from "../latency/models/index.ts";
import { anyDurationText, durationText } from "../model/duration.ts";
import { isMapping } from "../model/mapping.ts";
import { type ProfileFormat, presets, profiles } from "../workload/profiles/index.ts";
import { syntheticWorkload } from "../workload/sources/index.ts";
import { CONTEXT_GROWTHS, IMAGE_TOKENS, retrySchema, SESSION_MODES, traceFormats } from "../workload/traces/index.ts";
import { allowedUrl } from "./allowed-url.ts";
import { candidates } from "./candidate.ts";
import { nodesOverride } from "./nodes-spec.ts";
import { prometheusWorkload } from "./prometheus-workload.ts";
import { remoteWrite } from "./remote-write.ts";
import { keyedList, ruled } from "./rule.ts";
import {
  imagesOfTrace,
  labelRules,
  objectiveRules,
  oneConfigInput,
  oneDocumentInput,
  oneMeasure,
  onePageInput,
  onePicking,
  oneStart,
  oneTraceInput,
  oneTrigger,
  oneWorkload,
  profileRules,
  replayedTrace,
  runRules,
  someTarget,
  specRules,
} from "./spec-rules.ts";
import { sweep } from "./sweep.ts";

type LatencyModelName = (typeof latencyModels.all)[number]["name"];

/** Name of a Kubernetes object (RFC 1123 subdomain). */
const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, {
    error: "must be lower-case letters, digits, dashes and dots, as object names are",
  });

const filePath = z
  .string()
  .min(1)
  .max(1024)
  .optional()
  .meta({ description: "A file below the folder; in folder mode only." });

const configMapKey = z.lazy(() =>
  z
    .strictObject({
      name: objectName.meta({ description: "Name of the ConfigMap." }),
      key: z.string().min(1).max(253).meta({ description: "The key that holds it." }),
    })
    .meta({ description: "A key of a ConfigMap in the simulation's namespace (data or binaryData)." }),
);

const spread = (what: string) =>
  z
    .strictObject({
      mean: durationText.meta({ description: `Mean of ${what}.` }),
      deviation: durationText
        .default("0s")
        .meta({ description: "Standard deviation; draws are log-normal. 0s: constant." }),
    })
    .meta({ description: `How long ${what} takes.` });

const mirroredWorkload = z.strictObject({
  kind: z
    .enum([
      "Deployment",
      "StatefulSet",
      "LeaderWorkerSet",
      "Rollout",
      "LLMInferenceService",
      "InferenceService",
      "DynamoGraphDeployment",
    ])
    .default("Deployment")
    .meta({
      description:
        "Kind of the object. Rollout: Argo's. LLMInferenceService and InferenceService: KServe's; DynamoGraphDeployment: NVIDIA's. Of these three the workloads, autoscalers and router are mirrored that their controllers make.",
    }),
  name: objectName.meta({ description: "Name of the object." }),
});

const mirror = z
  .strictObject({
    workloads: keyedList(z.array(mirroredWorkload).min(1).max(16), ["kind", "name"]).meta({
      description: "The real workloads that serve the model; read and watched, never written.",
    }),
    autoscaler: z
      .strictObject({
        kind: z
          .enum(["HorizontalPodAutoscaler", "ScaledObject"])
          .default("HorizontalPodAutoscaler")
          .meta({ description: "Kind of the object." }),
        name: objectName.optional().meta({ description: "Left out: found by its scaleTargetRef." }),
        driver: z.enum(["Simulated", "External"]).default("Simulated").meta({
          description: "External: a real autoscaler sets the replicas through /scale; the twin's own never acts.",
        }),
      })
      .optional()
      .meta({ description: "Who scales the workloads. Left out: what is found by its scaleTargetRef, simulated." }),
    router: z
      .strictObject({
        kind: z.enum(["InferencePool", "Service"]).default("InferencePool").meta({
          description:
            "InferencePool: its endpoint picker chooses a pod for each request. Service: kube-proxy picks a ready pod at random for each connection.",
        }),
        name: objectName.optional().meta({ description: "Left out: found by its selector." }),
      })
      .optional()
      .meta({
        description:
          "What stands before the workloads. Left out: the InferencePool whose selector matches their pods; where there is none, a Service.",
      }),
  })
  .meta({ description: "The real objects, in the simulation's own namespace." });

const modelFigures = {
  tieWordEmbeddings: z.boolean().optional().meta({ description: "tie_word_embeddings" }),
  slidingWindow: z.int().min(1).max(1_000_000_000).optional().meta({ description: "sliding_window" }),
  slidingLayers: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: "How many of the layers look back no further than the window. Left out: all." }),
  moe: z
    .strictObject({
      experts: z.int().min(2).max(100_000).meta({ description: "num_experts" }),
      expertsPerToken: z.int().min(1).max(100_000).meta({ description: "num_experts_per_tok" }),
      expertIntermediate: z.int().min(1).max(10_000_000).meta({ description: "moe_intermediate_size" }),
      sharedIntermediate: z
        .int()
        .min(0)
        .max(10_000_000)
        .optional()
        .meta({ description: "Total width of shared experts." }),
      denseLayersFirst: z.int().min(0).max(1000).optional().meta({ description: "first_k_dense_replace" }),
    })
    .optional()
    .meta({ description: "Experts, in all layers but the first dense ones." }),
};

const modelConfig = z.lazy(() =>
  ruled(
    z.strictObject({
      path: filePath,
      configMap: configMapKey.optional(),
    }),
    [oneConfigInput],
  ).meta({ description: "The model's Hugging Face config.json as it is, in place of the catalogue's figures." }),
);

const modelOverride = z.lazy(() =>
  z
    .strictObject({
      config: modelConfig.optional(),
      id: z
        .string()
        .min(1)
        .max(256)
        .optional()
        .meta({ description: "A model of the catalogue, in place of the mirrored name." }),
      layers: z.int().min(1).max(1000).optional().meta({ description: "num_hidden_layers" }),
      hidden: z.int().min(1).max(1_000_000).optional().meta({ description: "hidden_size" }),
      heads: z.int().min(1).max(10_000).optional().meta({ description: "num_attention_heads" }),
      kvHeads: z.int().min(1).max(10_000).optional().meta({ description: "num_key_value_heads" }),
      headDim: z.int().min(1).max(10_000).optional().meta({ description: "head_dim" }),
      intermediate: z.int().min(1).max(10_000_000).optional().meta({ description: "intermediate_size" }),
      vocab: z.int().min(1).max(100_000_000).optional().meta({ description: "vocab_size" }),
      maxPositionEmbeddings: z
        .int()
        .min(1)
        .max(1_000_000_000)
        .optional()
        .meta({ description: "max_position_embeddings" }),
      dtypeBytes: z
        .number()
        .min(0.5)
        .max(8)
        .optional()
        .meta({ description: "Bytes of an activation or KV-cache value: 2 for bfloat16." }),
      weightBytes: z
        .number()
        .min(0.25)
        .max(8)
        .optional()
        .meta({ description: "Bytes of a weight: 1 for FP8, 0.5 for 4-bit weights." }),
      ...modelFigures,
    })
    .meta({
      description:
        "Architecture of the model; needed where no catalogue knows it. Meaning as in Hugging Face configs, whose names are given.",
    }),
);

const metricsPage = z.lazy(() =>
  ruled(
    z.strictObject({
      path: filePath,
      configMap: configMapKey.optional(),
      url: allowedUrl.optional(),
      inline: z.string().min(1).max(262_144).optional().meta({ description: "The page's text." }),
    }),
    [onePageInput],
  ).meta({
    description:
      "The /metrics page of a real vLLM replica of this deployment, saved or live: its num_gpu_blocks and block_size (vllm:cache_config_info) are believed, unless numGpuBlocks is set.",
  }),
);

const tierSpeed = (what: string) =>
  z
    .number()
    .min(0.001)
    .max(100_000)
    .optional()
    .meta({ description: `${what} in GB/s.` });

const kvTier = z.lazy(() =>
  z
    .strictObject({
      shared: z.boolean().optional().meta({
        description: "Whether replicas find there what others have written; else each has one of its own.",
      }),
      capacityGiB: z.number().min(0.001).max(1e9).optional().meta({ description: "Left out: no bound." }),
      chunkTokens: z.int().min(1).max(1_000_000).optional().meta({ description: "Tokens that are kept together." }),
      latency: durationText.optional().meta({ description: "Added once per transfer." }),
      readGBs: tierSpeed("What all replicas together read"),
      writeGBs: tierSpeed("What all replicas together write"),
      replicaGBs: tierSpeed("What one replica reads, and what it writes"),
    })
    .meta({
      description:
        "KV cache below host memory, on disk or in a remote cache: what no spec tells of it, or one that no spec names.",
    }),
);

const engineOverride = z.lazy(() =>
  z
    .strictObject({
      mode: z.enum(["vllm", "blis"]).optional().meta({ description: "blis: parity with the reference simulator." }),
      latencyModel: z
        .enum(latencyModels.all.map(({ name }) => name) as [LatencyModelName, ...LatencyModelName[]])
        .optional()
        .meta({ description: "How the time of an engine step is computed." }),
      latencyCorrections: ownCorrections.optional().meta({
        description:
          "Corrections of the latency model physical for this deployment, as `servetwin fit-model` prints them. Those left out are as fitted to many servers.",
      }),
      maxNumSeqs: z.int().min(1).max(1_000_000).optional().meta({ description: "--max-num-seqs" }),
      maxNumBatchedTokens: z.int().min(1).max(10_000_000).optional().meta({ description: "--max-num-batched-tokens" }),
      numGpuBlocks: z.int().min(2).max(1_000_000_000).optional().meta({ description: "--num-gpu-blocks-override" }),
      metricsPage: metricsPage.optional(),
      longPrefillTokenThreshold: z
        .int()
        .min(0)
        .max(10_000_000)
        .optional()
        .meta({ description: "--long-prefill-token-threshold" }),
      maxModelLen: z.int().min(1).max(1_000_000_000).optional().meta({ description: "--max-model-len" }),
      asyncScheduling: z.boolean().optional().meta({ description: "--async-scheduling" }),
      schedulingPolicy: z.enum(["fcfs", "priority", "sjf", "reverse-priority"]).optional().meta({
        description: "--scheduling-policy; sjf and reverse-priority are the reference simulator's (mode: blis).",
      }),
      maxQueuedRequests: z.int().min(1).max(1_000_000_000).optional().meta({ description: "--max-num-queued-reqs" }),
      maxQueuedTokens: z.int().min(1).max(1_000_000_000).optional().meta({ description: "--max-num-queued-tokens" }),
      overheadGiB: z.number().min(0).max(1000).optional().meta({
        description:
          "Memory of a GPU for all but weights and KV, in place of what vLLM's profile run is taken to find.",
      }),
      speculation: z
        .strictObject({
          tokens: z.int().min(1).max(64).optional().meta({ description: "num_speculative_tokens" }),
          acceptance: z.array(z.number().min(0).max(1)).min(1).max(64).optional().meta({
            description:
              "Share of draft tokens accepted at a position, of those whose forerunners were; one per position, the last for the rest.",
          }),
        })
        .optional()
        .meta({ description: "Speculative decoding." }),
      lora: z
        .strictObject({
          gpuLoad: durationText.optional().meta({ description: "An adapter's way from host to GPU memory." }),
          diskLoad: durationText.optional().meta({ description: "An adapter's way from disk to host memory." }),
        })
        .optional()
        .meta({ description: "LoRA adapters, where --enable-lora is set." }),
      offload: z
        .strictObject({
          hostBlocks: z.int().min(1).max(1_000_000_000).optional().meta({ description: "KV blocks in host memory." }),
          latency: durationText.optional().meta({ description: "Added once per transfer." }),
        })
        .optional()
        .meta({ description: "KV cache in host memory." }),
      tier: kvTier.optional(),
    })
    .meta({
      description:
        "Engine settings that no spec tells, or that are to differ from the mirrored ones. Names of vLLM's flags are given.",
    }),
);

const gpuFigure = (most: number, description: string) =>
  z.number().min(0.001).max(most).optional().meta({ description });

const gpuFigures = {
  bf16Tflops: gpuFigure(
    1e6,
    "Dense 16-bit TFLOPS. Needed, with memory and its bandwidth, of a GPU that no catalogue knows.",
  ),
  fp8Tflops: gpuFigure(1e6, "Dense 8-bit TFLOPS."),
  memoryGiB: gpuFigure(1e5, "Memory, as the driver reports it."),
  memoryBandwidthTBs: gpuFigure(1000, "Bandwidth of its memory in TB/s."),
  gpuLinkGBs: gpuFigure(1e5, "To other GPUs, in GB/s per direction."),
  hostLinkGBs: gpuFigure(1e5, "To the host, in GB/s per direction."),
};

const startOverride = z.lazy(() =>
  ruled(
    z.strictObject({
      schedule: spread("scheduling a pod on a node").optional(),
      imagePull: spread("pulling the image").optional(),
      modelLoad: spread("loading the weights").optional(),
      engineInit: spread("starting the engine (imports, compilation, graph capture)").optional(),
      untilReady: spread(
        "a start from the node to ready, as measured: image, weights, engine and probes together",
      ).optional(),
    }),
    [oneStart],
  ).meta({ description: "Pod start-up, from wanted to ready." }),
);

const inlinePickerConfig = z.lazy(() =>
  z
    .unknown()
    .refine((said) => typeof said === "string" || isMapping(said), {
      error: "must be an EndpointPickerConfig, as a map of fields or as YAML text",
    })
    .meta({
      "x-kubernetes-preserve-unknown-fields": true,
      description:
        "An EndpointPickerConfig (llm-d.ai/v1alpha1), as fields or as YAML text, in place of the mirrored endpoint picker's.",
    }),
);

const kvTransfer = z.lazy(() =>
  z
    .strictObject({
      bandwidthGBs: z.number().min(0.001).max(100_000).optional().meta({
        description: "What one replica can send, and what one can take, in GB/s per direction.",
      }),
      latency: durationText.optional().meta({ description: "Before the first byte of a transfer flows." }),
      contention: z
        .boolean()
        .optional()
        .meta({ description: "Whether transfers of one replica share its bandwidth; else each has all of it." }),
      failureRatio: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .meta({ description: "Share of transfers that fail; what then is vLLM's kv_load_failure_policy." }),
    })
    .meta({ description: "The way of KV caches from replicas that compute prompts to those that make tokens." }),
);

/** Endpoint pickers side by side that are simulated at most. */
export const MOST_PICKERS = 32;

const gatewayOverride = z.lazy(() =>
  ruled(
    z.strictObject({
      policy: routingPolicies.schema.optional().meta({ description: "How a replica is picked for a request." }),
      endpointPickerConfig: inlinePickerConfig.optional(),
      priorities: z
        .record(
          z.string().min(1).max(253),
          z
            .int()
            .min(-(2 ** 31))
            .max(2 ** 31 - 1)
            .meta({ description: "As an InferenceObjective's: below 0 the class may be shed." }),
        )
        .optional()
        .meta({
          maxProperties: 64,
          description:
            "Priority of each class of requests at the endpoint picker, before what InferenceObjectives say.",
        }),
      requestTimeout: durationText
        .optional()
        .meta({ description: "After which the gateway cuts a request, in place of the HTTPRoute's. 0s: never." }),
      pickers: z.int().min(1).max(MOST_PICKERS).optional().meta({
        description:
          "Endpoint pickers at work side by side, each with its own scrapes, counts, index and queues, in place of the replicas of the mirrored one's Deployment. With a policy: routers. Left out: those that are mirrored, else one.",
      }),
      scrapeInterval: durationText
        .optional()
        .meta({ description: "How often the gateway reads each replica's metrics." }),
      metricsStaleness: durationText.optional().meta({ description: "--metrics-staleness-threshold" }),
      kvEventDelay: durationText
        .optional()
        .meta({ description: "From an engine's KV cache event to the endpoint picker that hears it." }),
      kvTransfer: kvTransfer.optional(),
    }),
    [onePicking],
  ).meta({ description: "The gateway in front of the replicas." }),
);

const prometheusAdapter = z.lazy(() =>
  ruled(
    z.strictObject({
      path: filePath,
      configMap: configMapKey.optional(),
      inline: z.string().min(1).max(262_144).optional().meta({ description: "The file's text, YAML or JSON." }),
      relistInterval: durationText.optional().meta({ description: "--metrics-relist-interval. Left out: 10m." }),
      maxAge: durationText.optional().meta({ description: "--metrics-max-age. Left out: as the relist interval." }),
    }),
    [oneDocumentInput],
  ).meta({
    description: "prometheus-adapter's configuration (config.yaml), which says what the autoscaler can ask for.",
  }),
);

const givenTrigger = z.lazy(() =>
  ruled(
    z.strictObject({
      autoscaler: objectName.optional().meta({ description: "Name of the ScaledObject. Left out: any." }),
      index: z.int().min(0).max(255).optional().meta({ description: "Place of the trigger in spec.triggers, from 0." }),
      name: z.string().min(1).max(253).optional().meta({ description: "Name of the trigger." }),
      value: z.number().min(0).max(1e12).optional().meta({ description: "What it measures, always." }),
      series: z
        .array(
          z.strictObject({
            after: durationText.default("0s").meta({ description: "From the start of the world." }),
            value: z.number().min(0).max(1e12).meta({ description: "What it measures from then on." }),
          }),
        )
        .min(1)
        .max(1000)
        .optional()
        .meta({ description: "What it measures, by time; 0 before the first." }),
      target: z.number().min(0.001).max(1e12).optional().meta({
        description: "Its target in the HPA. Needed of a type that is not simulated; others say it in their metadata.",
      }),
      activation: z.number().min(0).max(1e12).optional().meta({ description: "It is active above this value." }),
    }),
    [oneTrigger, oneMeasure],
  ).meta({ description: "A trigger, and what it measures." }),
);

const overrides = z
  .strictObject({
    replicas: z
      .int()
      .min(0)
      .max(10_000)
      .optional()
      .meta({ description: "Replicas at the start, in place of the mirrored count." }),
    hardware: z
      .strictObject({
        gpu: z
          .string()
          .min(1)
          .max(64)
          .meta({ description: "GPU type, such as H100, A100-SXM-80, L40S; or a name of your own with its figures." }),
        ...gpuFigures,
      })
      .optional()
      .meta({ description: "The nodes that the pods run on." }),
    model: modelOverride.optional(),
    engine: engineOverride.optional(),
    start: startOverride.optional(),
    nodes: nodesOverride.optional(),
    gateway: gatewayOverride.optional(),
    metrics: z
      .strictObject({
        scrapeInterval: durationText.optional().meta({ description: "Prometheus' scrape interval of the engines." }),
        prometheusAdapter: prometheusAdapter.optional(),
      })
      .optional()
      .meta({ description: "The way of the metrics from the engines to the autoscaler." }),
    autoscaler: z
      .strictObject({
        syncPeriod: durationText.optional().meta({ description: "--horizontal-pod-autoscaler-sync-period" }),
        downscaleStabilization: durationText
          .optional()
          .meta({ description: "--horizontal-pod-autoscaler-downscale-stabilization" }),
        tolerance: z.number().min(0).max(1).optional().meta({ description: "--horizontal-pod-autoscaler-tolerance" }),
        controller: controllers.schema.optional().meta({
          description:
            "Who decides about replicas beside the HPA, or in its place. Left out: llm-d's Workload Variant Autoscaler where an HPA or ScaledObject has llm-d.ai/managed, or a VariantAutoscaling names a workload; else nobody.",
        }),
        startTime: z
          .string()
          .max(64)
          .regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})$/, {
            error: "must be a date and time such as 2026-01-05T08:00:00Z",
          })
          .optional()
          .meta({
            description:
              "Date and time at which the simulated world begins, which cron triggers and queries for the time of day go by.",
          }),
        triggers: z.array(givenTrigger).min(1).max(32).optional().meta({
          description:
            "What triggers of ScaledObjects measure, in place of what they would ask; needed of types that are not simulated.",
        }),
      })
      .optional()
      .meta({ description: "The controller that runs the HorizontalPodAutoscaler. Names of its flags are given." }),
  })
  .meta({ description: "What no spec tells, or what is to differ." });

const trace = z.lazy(() =>
  ruled(
    z.strictObject({
      format: z.enum(traceFormats).meta({
        description: "Format of the trace, as its publisher writes it; plain or gzip. Of servegen a tar archive.",
      }),
      path: z.string().min(1).max(1024).optional().meta({
        description:
          "A file below the folder; in folder mode only. Of blis-v2 the header (NAME.yaml) or the rows (NAME.csv, NAME.csv.gz): the other lies beside it.",
      }),
      configMap: configMapKey.optional(),
      url: allowedUrl.optional(),
      rateScale: z
        .number()
        .min(0.000001)
        .max(10_000)
        .default(1)
        .meta({ description: "2: arrivals come twice as fast." }),
      startOffset: durationText.default("0s").meta({ description: "Skip this much of the trace's own time." }),
      onError: z
        .enum(["Fail", "Skip"])
        .default("Fail")
        .meta({ description: "What a broken line does: fail with its number, or be passed over and counted." }),
      sessions: z.enum(SESSION_MODES).optional().meta({
        description:
          "Of blis-v2 and traces of agents. open-loop: every row comes at its time. closed-loop: a later round comes its think time after the end of the round before. auto (the default): closed-loop where the trace has think times or contexts that accumulate.",
      }),
      contextGrowth: z.enum(CONTEXT_GROWTHS).optional().meta({
        description:
          "Of blis-v2, how rounds of one session go on. accumulate: input_tokens are new ones, after the prompt and output before. recorded: input_tokens are whole prompts that begin with them. none: prompts share their prefix only. Left out: as the header has it (session_context_growth), else none.",
      }),
      imageTokens: z
        .int()
        .min(1)
        .max(100_000)
        .optional()
        .meta({ description: `Of azure-2025: tokens that an image becomes in a prompt. Left out: ${IMAGE_TOKENS}.` }),
      retry: retrySchema.optional(),
    }),
    [oneTraceInput, replayedTrace, imagesOfTrace],
  ).meta({ description: "A recorded trace." }),
);

const profile = z.lazy(() =>
  ruled(
    z.strictObject({
      format: z
        .enum(profiles.map(({ name }) => name) as [ProfileFormat, ...ProfileFormat[]])
        .optional()
        .meta({ description: profiles.map(({ name, summary }) => `${name}: ${summary}.`).join(" ") }),
      path: filePath,
      configMap: configMapKey.optional(),
      inline: z.string().min(1).max(262_144).optional().meta({ description: "The file's text, YAML or JSON." }),
      preset: z
        .enum(presets)
        .optional()
        .meta({ description: "In place of a file, one of BLIS's presets and scenarios." }),
      rate: z
        .number()
        .min(0.000001)
        .max(1_000_000)
        .optional()
        .meta({ description: "Requests per second of a preset." }),
    }),
    profileRules,
  ).meta({ description: "Made-up traffic as another tool's file describes it." }),
);

const workload = ruled(
  z.strictObject({
    prometheus: prometheusWorkload.optional(),
    trace: trace.optional(),
    profile: profile.optional(),
    synthetic: syntheticWorkload
      .optional()
      .meta({ description: "Made-up traffic. Arrivals do not wait for completions, but within a client's sessions." }),
  }),
  [oneWorkload],
).meta({ description: "The traffic: exactly one source." });

const sloClass = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/, {
    error: "must be letters, digits, dashes, underscores and dots, as the classes of requests are",
  });

const slo = keyedList(
  z
    .array(
      ruled(
        z.strictObject({
          sloClass: sloClass.meta({
            description: "Class of requests: critical, standard (also of requests that name none), batch, …",
          }),
          ttft: durationText.optional().meta({ description: "Arrival to first token, as its client sees it." }),
          tpot: durationText.optional().meta({ description: "Mean time per output token after the first." }),
          e2e: durationText.optional().meta({ description: "Arrival to last token." }),
        }),
        [someTarget],
      ).meta({ description: "A request attains its objective if it completes and meets all of these." }),
    )
    .max(64),
  ["sloClass"],
).meta({ description: "Targets by class of requests. What a request says of itself goes before its class." });

const saturation = z
  .strictObject({
    detector: z.enum(["composite", "threshold", "backlog-drift"]).default("composite").meta({
      description:
        "composite: work left over, or latency that rises through the run. threshold: mean end-to-end time. backlog-drift: slope of the requests in flight.",
    }),
    e2eThreshold: durationText.default("5s").meta({ description: "Bound of the detector threshold." }),
    window: durationText.default("5m").meta({ description: "Trailing window of the streaming verdict." }),
  })
  .meta({ description: "How it is said whether a run got more than it could take." });

/** One of `spec.objectives`. */
export const objective = z.lazy(() =>
  ruled(
    z.strictObject({
      metric: z.enum(["ttft", "itl", "tpot", "e2e", "errorRatio", "gpuHours", "sloAttainment"]).meta({
        description:
          "ttft, itl, tpot, e2e: a latency; errorRatio: share of requests refused, shed, timed out or cut; gpuHours: of the run; sloAttainment: share of requests that met all of their targets.",
      }),
      sloClass: sloClass.optional().meta({ description: "Of the requests of one class. Left out: of all." }),
      percentile: z.literal([50, 90, 95, 99]).optional().meta({ description: "Of a latency. Left out: the mean." }),
      atMost: z.string().min(1).max(32).optional().meta({
        description:
          'A duration for latencies ("800ms"), a number for the rest ("0.01"); of latencies and gpuHours also "+10%": so much more than without the change, which what is there today meets.',
      }),
      atLeast: z.string().min(1).max(32).optional().meta({ description: 'Of sloAttainment: a ratio ("0.99").' }),
    }),
    objectiveRules,
  ).meta({ description: "What the run has to meet." }),
);

const brokenLoop = z.array(faults.schema).max(16).meta({
  description: "What is broken of the control loop for a while, to see what it does then.",
});

const rollouts = z
  .array(
    z.strictObject({
      workload: objectName.optional().meta({ description: "Name of the Deployment. Left out: the first workload." }),
      at: durationText.meta({ description: "When its template changes, from the start." }),
    }),
  )
  .max(16)
  .meta({
    description:
      "Rollouts of mirrored Deployments: pods like those of today take their places, by maxSurge and maxUnavailable.",
  });

const run = z
  .strictObject({
    horizon: anyDurationText
      .default("1h")
      .meta({ description: "A preview's simulated length; the operator bounds it (--max-horizon)." }),
    warmUp: durationText.default("0s").meta({ description: "The first part left out of the KPIs." }),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(1)
      .meta({ description: "Root of every random stream." }),
    replications: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .meta({ description: "Runs of a preview, with seeds seed, seed + 1, …" }),
    speed: z.number().min(0.01).max(1000).default(1).meta({ description: "Of a Shadow, against the wall clock." }),
    bands: z.boolean().default(true).meta({
      description:
        "Whether it is said how far real servers may be off: by two worlds more, with the step times at both ends of their range. Of a Shadow that is three times the CPU and memory.",
    }),
  })
  .meta({ description: "How it is run." });

const labels = ruled(
  z.record(z.string(), z.string().max(256).meta({ description: "Value of the label." })),
  labelRules,
).meta({
  description: "Added to every simulated series.",
  maxProperties: 16,
});

const exported = z
  .strictObject({
    naming: z.enum(["Prefixed", "Production"]).default("Prefixed").meta({
      description:
        "Production drops the sim: prefix: only for a Prometheus of its own, or simulated series may steer production.",
    }),
    labels: labels.default({}),
    remoteWrite: remoteWrite.optional(),
    reportConfigMap: objectName.optional().meta({
      description:
        "A ConfigMap of this name, in the simulation's namespace and its own, gets the whole report of a finished Preview or Replay: report.json, what servetwin run -o json prints (report.json.gz where it is long), and sweep.json of a sweep. Only where the installer permits it (--report-config-map-namespace); the condition ReportWritten says how it stands.",
    }),
  })
  .meta({ description: "The simulated series, and the report." });

/** `spec` of an InferenceSimulation. Strict: an unknown field is an error. */
export const simulationSpec = ruled(
  z.strictObject({
    mode: z.enum(["Preview", "Shadow", "Replay"]).default("Preview").meta({
      description:
        "Preview: run fast to the horizon, once per change of anything it reads. Shadow: paced by the wall clock, never ends; follows live traffic. Replay: a past window of production again, as fast as it goes, as long as the window, its instants being the window's own.",
    }),
    replicas: z.int().min(0).max(10_000).optional().meta({
      description:
        "Written through /scale by a real autoscaler (driver: External); injected into the running world, never restarts it.",
    }),
    mirror,
    overrides: overrides.prefault({}),
    calibration: z.enum(["Off", "Auto"]).default("Off").meta({
      description:
        "Auto: the operator fits the engine to production's own histograms, as `servetwin calibrate` does, over workload.prometheus' window (of a Shadow the last one), and simulates with what it found; see status.calibration. It needs workload.prometheus.",
    }),
    workload,
    candidates,
    sweep: sweep.optional(),
    slo: slo.default([]),
    saturation: saturation.prefault({}),
    objectives: z
      .array(objective)
      .max(20)
      .default([])
      .meta({ description: "What a preview has to meet; its verdict is Passed if it meets all." }),
    faults: brokenLoop.default([]),
    rollouts: rollouts.optional(),
    run: run.prefault({}),
    export: exported.prefault({}),
  }),
  [...runRules, ...specRules],
).meta({ description: "What is to be simulated." });
export type SimulationSpec = z.output<typeof simulationSpec>;
