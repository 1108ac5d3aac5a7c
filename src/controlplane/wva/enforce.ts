import type { VariantDecision } from "./variant.ts";

/**
 * The last word on zero, for one model: none at all once nobody has asked for so long, or, where that isn't wanted, at least one
 * replica on the cheapest variant. Models with a variant whose minimum is above 0 are let alone.
 * (llm-d WVA, internal/engines/pipeline Enforcer; main of mid-2026: hasMinReplicasAboveZero)
 * @param requests finished during the retention period; undefined: can't be said. Asked only where zero is allowed.
 */
export const enforceZero = (
  decisions: readonly VariantDecision[],
  scaleToZero: boolean,
  requests: () => number | undefined,
): void => {
  if (decisions.length === 0 || decisions.some(({ state }) => (state.target.minReplicas ?? 0) > 0)) return;
  if (scaleToZero) {
    const count = requests();
    if (count !== undefined && count <= 0) for (const decision of decisions) decision.wanted = 0;
    return;
  }
  if (decisions.some(({ wanted }) => wanted > 0)) return;
  const [cheapest] = [...decisions].sort(
    (a, b) => a.state.target.cost - b.state.target.cost || (a.state.target.name < b.state.target.name ? -1 : 1),
  );
  if (cheapest !== undefined) cheapest.wanted = 1;
};
