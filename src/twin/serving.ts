import type { Manifest, ObservedCluster } from "./manifest.ts";
import { workloadReaders } from "./readers/index.ts";

/**
 * Workloads with a container that runs a model server. One that can't be read counts: whoever mirrors it is told why.
 *
 * @param namespace left out: of all
 */
export const servingWorkloads = (cluster: ObservedCluster, namespace?: string): readonly Manifest[] =>
  workloadReaders.flatMap(({ kind, read }) =>
    cluster.list(kind, namespace).filter((manifest) => {
      const found = read(manifest, cluster);
      return found.ok || !found.problems.some(({ reason }) => reason === "NoModelServer");
    }),
  );
