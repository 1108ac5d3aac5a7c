import { objectText } from "../../model/object-text.ts";
import { type Ledger, placeOf } from "../ledger.ts";
import { type ManifestRef, type ObservedCluster } from "../manifest.ts";
import type { ModelSplit } from "../reader.ts";
import { rewriteReaders } from "../readers/index.ts";
import { readWith } from "./mirrored-router.ts";

/** InferenceModelRewrites of the pool: that requests would go on to other models is told, and not simulated. */
export const tellRewrites = (pool: ManifestRef, cluster: ObservedCluster, ledger: Ledger): void => {
  for (const reader of rewriteReaders) {
    for (const manifest of cluster.list(reader.kind, pool.namespace)) {
      const { poolRef } = (manifest.spec ?? {}) as { readonly poolRef?: { readonly name?: unknown } };
      if (poolRef?.name !== pool.name) continue;
      const rewrite = readWith(reader, manifest, ledger);
      for (const split of rewrite?.splits ?? []) tellSplit(rewrite?.ref as ManifestRef, split, ledger);
    }
  }
};

export const tellSplit = (ref: ManifestRef, { from, models, targets }: ModelSplit, ledger: Ledger): void => {
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  const shares = targets.map(({ name, weight }) => (targets.length === 1 ? name : `${name} (${weight} of ${total})`));
  const asked = models.length === 0 ? "every request" : `requests for ${models.join(" and for ")}`;
  const message = `sends ${asked} on to ${shares.join(" and ")}, which is not simulated: each is served as it comes`;
  const fix =
    "give spec.workload requests as they are after it: clients with the model or adapter, and their share of the rate";
  ledger.warn({ reason: "NotModelled", ...placeOf(from, objectText(ref)), message, fix });
};
