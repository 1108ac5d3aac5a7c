import type { VariantDecision } from "./variant.ts";

/**
 * Cuts what is wanted to the GPUs there are: those with the least spare capacity come first, then the cheapest; whole replicas
 * only (llm-d WVA, internal/engines/pipeline DefaultLimiter with GreedyBySaturation). What is there already counts as used.
 * @param gpus of the cluster, by accelerator; one that isn't named has none
 */
export const limitToGpus = (decisions: readonly VariantDecision[], gpus: Readonly<Record<string, number>>): void => {
  const free = new Map(Object.entries(gpus));
  for (const { state } of decisions) {
    const { accelerator, gpusPerReplica } = state.target;
    free.set(accelerator, (free.get(accelerator) ?? 0) - state.current * gpusPerReplica);
  }
  const growing = decisions.filter(({ wanted, state }) => wanted > state.current);
  growing.sort((a, b) => a.spare - b.spare || a.state.target.cost - b.state.target.cost);
  for (const decision of growing) {
    const { target, current } = decision.state;
    const gpusEach = Math.max(1, target.gpusPerReplica);
    const left = Math.max(0, free.get(target.accelerator) ?? 0);
    const granted = Math.min((decision.wanted - current) * gpusEach, left);
    free.set(target.accelerator, left - granted);
    decision.wanted = current + Math.floor(granted / gpusEach);
  }
};
