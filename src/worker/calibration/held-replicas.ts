import type { PodStart, Scenario } from "../../twin/scenario.ts";
import type { Block } from "./production-blocks.ts";
import type { ReplicasFrom } from "./tally.ts";

const NONE = { mean: 0, deviation: 0 };
/** Production's replicas are counted when they answer already. */
const AT_ONCE: PodStart = {
  scheduleSeconds: NONE,
  imagePullSeconds: NONE,
  modelLoadSeconds: NONE,
  engineInitSeconds: NONE,
  probe: { initialDelaySeconds: 0, periodSeconds: 1 },
};

/**
 * A scenario with as many replicas as production had, stretch by stretch, and nobody who scales: what the engine is fitted by
 * must not hang on what an autoscaler did. Of several workloads it can't be said whose the replicas were: they stay as mirrored.
 */
export const withReplicasOf = (
  scenario: Scenario,
  blocks: readonly Block[],
): { readonly scenario: Scenario; readonly scales: readonly ReplicasFrom[] } => {
  const [workload, ...others] = scenario.workloads;
  const [first, ...later] = blocks;
  if (workload === undefined || first === undefined || others.length > 0) return { scenario, scales: [] };
  const { controllers: _, nodes: __, quotas: ___, faults: ____, ...bare } = scenario;
  const { rollouts: _____, ...steady } = workload;
  return {
    scenario: {
      ...bare,
      autoscalers: [],
      workloads: [{ ...steady, replicas: first.interval.replicas, start: AT_ONCE }],
    },
    scales: later.map(({ fromSeconds, interval }) => ({ seconds: fromSeconds, replicas: interval.replicas })),
  };
};
