import * as z from "zod";
import { nodeAutoscalers } from "../controlplane/nodes/autoscalers/index.ts";
import { nodeScorings } from "../controlplane/nodes/scorings/index.ts";
import { durationText } from "../model/duration.ts";
import { keyedList, type Rule, ruled } from "./rule.ts";

type ScoringName = (typeof nodeScorings.all)[number]["name"];

const text = (most: number) => z.string().max(most);
const poolName = text(63).regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, {
  error: "must be lower-case letters, digits, dashes and dots, as object names are",
});
const nodeCount = (description: string) => z.int().min(0).max(10_000).optional().meta({ description });

const taint = z.lazy(() =>
  z
    .strictObject({
      key: text(317).min(1).meta({ description: "Key of the taint." }),
      value: text(63).optional().meta({ description: "Its value." }),
      effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).meta({ description: "What it does to pods." }),
    })
    .meta({ description: "Keeps away pods that don't tolerate it." }),
);

interface PoolSizes {
  readonly minNodes?: number | undefined;
  readonly maxNodes?: number | undefined;
  readonly nodes?: number | undefined;
}

const inOrder = (less: "minNodes" | "nodes", more: "nodes" | "maxNodes"): Rule<PoolSizes> => ({
  message: `${less} must be at most ${more}`,
  field: [less],
  cel: `!has(self.${less}) || !has(self.${more}) || self.${less} <= self.${more}`,
  holds: (sizes) => (sizes[less] ?? 0) <= (sizes[more] ?? Number.POSITIVE_INFINITY),
});

const pool = z.lazy(() =>
  ruled(
    z.strictObject({
      name: poolName.min(1).meta({
        description:
          "Name of the pool; where mirrored nodes bear it as the label of their pool, what is left out is theirs.",
      }),
      gpusPerNode: z.int().min(1).max(1024).optional().meta({ description: "nvidia.com/gpu of one node." }),
      nodes: nodeCount("Nodes at the start. Left out: as many as are mirrored, else minNodes."),
      minNodes: nodeCount("Fewest that an autoscaler leaves. Left out: 0."),
      maxNodes: nodeCount("Most that an autoscaler asks for."),
      labels: z
        .record(text(317).min(1), text(63).meta({ description: "Value of the label." }))
        .optional()
        .meta({ description: "Labels of its nodes.", maxProperties: 64 }),
      taints: z.array(taint).max(32).optional().meta({ description: "Taints of its nodes." }),
      weight: z.int().min(0).max(100).optional().meta({ description: "Of Karpenter: higher goes first." }),
      provisioning: z
        .strictObject({
          mean: durationText.meta({ description: "Mean." }),
          deviation: durationText.default("0s").meta({ description: "Standard deviation; draws are log-normal." }),
        })
        .optional()
        .meta({ description: "From being asked for until its GPUs are known." }),
      pricePerGpuHour: z
        .number()
        .min(0)
        .max(1_000_000)
        .optional()
        .meta({ description: "In any currency. Left out: no cost is told." }),
    }),
    [inOrder("minNodes", "maxNodes"), inOrder("minNodes", "nodes"), inOrder("nodes", "maxNodes")],
  ).meta({ description: "Nodes of one kind." }),
);

const podsOrShare = text(16).regex(/^[0-9]+%?$/, {
  error: 'must be a number of pods or a share, such as "1" or "25%"',
});

const oneBound: Rule<{ minAvailable?: unknown; maxUnavailable?: unknown }> = {
  message: "exactly one of minAvailable and maxUnavailable must be set",
  cel: "has(self.minAvailable) != has(self.maxUnavailable)",
  holds: ({ minAvailable, maxUnavailable }) => (minAvailable === undefined) !== (maxUnavailable === undefined),
};

const budget = z.lazy(() =>
  ruled(
    z.strictObject({
      minAvailable: podsOrShare.optional().meta({ description: "Pods that stay ready." }),
      maxUnavailable: podsOrShare.optional().meta({ description: "Pods that may be missing." }),
    }),
    [oneBound],
  ).meta({ description: "A PodDisruptionBudget of each workload: it bounds evictions, not scale-in." }),
);

const ofItsKind: Rule<{ kind: string; pool?: unknown; notice?: unknown; workload?: unknown }> = {
  message: "pool and notice are of NodeLost, workload is of PodCrash",
  field: ["kind"],
  cel: "self.kind == 'NodeLost' ? !has(self.workload) : !has(self.pool) && !has(self.notice)",
  holds: ({ kind, pool: of, notice, workload }) =>
    kind === "NodeLost" ? workload === undefined : of === undefined && notice === undefined,
};

const disruption = z.lazy(() =>
  ruled(
    z.strictObject({
      at: durationText.meta({ description: "When, from the start." }),
      kind: z.enum(["NodeLost", "PodCrash"]).meta({
        description:
          "NodeLost: a node is taken away, as a spot machine is. PodCrash: an engine crashes and starts again.",
      }),
      pool: poolName.min(1).optional().meta({ description: "Of NodeLost: of this pool. Left out: of any." }),
      notice: durationText.optional().meta({ description: "Of NodeLost: the node is drained so long before." }),
      workload: poolName.min(1).optional().meta({ description: "Of PodCrash. Left out: the first that is mirrored." }),
    }),
    [ofItsKind],
  ).meta({ description: "Something that happens to a node or pod, picked by chance." }),
);

/** `overrides.nodes`: what stands under the pods. */
export const nodesOverride = z.lazy(() =>
  z
    .strictObject({
      pools: keyedList(z.array(pool).min(1).max(32), ["name"])
        .optional()
        .meta({ description: "Pools of nodes. Left out: the mirrored nodes with GPUs, by the label of their pool." }),
      autoscaler: nodeAutoscalers.schema.optional().meta({
        description: "Who asks for nodes. Left out: Karpenter where its NodePools are mirrored, else None.",
      }),
      scoring: z
        .enum(nodeScorings.all.map(({ name }) => name) as [ScoringName, ...ScoringName[]])
        .optional()
        .meta({ description: `scoringStrategy of NodeResourcesFit. Left out: LeastAllocated.` }),
      modelStorage: z
        .strictObject({
          bandwidthGBs: z
            .number()
            .min(0.001)
            .max(100_000)
            .meta({ description: "Of all that load at a time, in GB/s." }),
          scope: z.enum(["Cluster", "Node"]).default("Cluster").meta({ description: "Node: each node has its own." }),
        })
        .optional()
        .meta({ description: "Where weights are loaded from; shared by those that load at a time." }),
      podDisruptionBudget: budget.optional(),
      disruptions: z.array(disruption).max(64).optional().meta({ description: "What happens to nodes and pods." }),
    })
    .meta({ description: "What stands under the pods. Left out: a node with free GPUs is always there." }),
);
