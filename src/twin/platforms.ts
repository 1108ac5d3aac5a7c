import { compositesIn, unownedWorkloads } from "./discovery.ts";
import { type Manifest, type ManifestRef, type ObservedCluster, refOf } from "./manifest.ts";
import { selectorOf, selects } from "./mirror/mirrored-router.ts";
import { podLabelsOf } from "./readers/pod/pod-template-of.ts";

/**
 * What of a namespace serves models: each is what one simulation would mirror. An object whose controller makes the workloads is
 * one by itself; other workloads are together where they stand behind one InferencePool or Service and so share their traffic.
 * In order of kind and name.
 */
export const platformsIn = (cluster: ObservedCluster, namespace: string): readonly (readonly ManifestRef[])[] => {
  const composites = compositesIn(cluster, namespace).map((one) => [one]);
  const engines = unownedWorkloads(cluster, namespace);
  const routers = [...cluster.list("InferencePool", namespace), ...cluster.list("Service", namespace)];
  const rest = new Set(engines);
  const groups: Manifest[][] = [];
  for (const router of routers) {
    const behind = [...rest].filter((engine) => selects(selectorOf(router), podLabelsOf(engine, cluster)));
    if (behind.length > 0) groups.push(behind);
    for (const engine of behind) rest.delete(engine);
  }
  return [...composites, ...groups, ...[...rest].map((engine) => [engine])].map((group) => group.map(refOf));
};
