import { MAX_NODE_SCORE, nodeScoring, noParameters } from "../scoring.ts";

/**
 * Packs pods: the fullest node that still has room, in whole per cent.
 * Source: mostRequestedScore, plugins/noderesources/most_allocated.go, Kubernetes v1.36, with nvidia.com/gpu as its resource.
 */
export const mostAllocated = nodeScoring({
  name: "MostAllocated",
  summary: "pack: the node with the fewest free GPUs that has room",
  params: noParameters,
  create: () => ({
    score: (requested, allocatable) => (allocatable === 0 ? 0 : Math.trunc((requested * MAX_NODE_SCORE) / allocatable)),
  }),
});
