import { MAX_NODE_SCORE, nodeScoring, noParameters } from "../scoring.ts";

/**
 * Spreads pods: the emptiest node first, in whole per cent. kube-scheduler rates CPU and memory by default; with GPU pods
 * that ask for their share of a machine, that is the order of GPUs too.
 * Source: leastRequestedScore, plugins/noderesources/least_allocated.go, Kubernetes v1.36.
 */
export const leastAllocated = nodeScoring({
  name: "LeastAllocated",
  summary: "spread: the node with the most free GPUs",
  params: noParameters,
  create: () => ({
    score: (requested, allocatable) =>
      allocatable === 0 ? 0 : Math.trunc(((allocatable - requested) * MAX_NODE_SCORE) / allocatable),
  }),
});
