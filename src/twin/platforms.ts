import { type Manifest, type ManifestRef, type ObservedCluster, refOf } from "./manifest.ts";
import { selectorOf, selects } from "./mirror/mirrored-router.ts";
import { podLabelsOf } from "./readers/pod/pod-template-of.ts";
import { servingWorkloads } from "./serving.ts";

/**
 * The workloads of a namespace that serve models, those together that stand behind one InferencePool or Service and so share
 * their traffic: each is what one simulation would mirror. In order of kind and name.
 */
export const platformsIn = (cluster: ObservedCluster, namespace: string): readonly (readonly ManifestRef[])[] => {
  const engines = servingWorkloads(cluster, namespace);
  const routers = [...cluster.list("InferencePool", namespace), ...cluster.list("Service", namespace)];
  const rest = new Set(engines);
  const groups: Manifest[][] = [];
  for (const router of routers) {
    const behind = [...rest].filter((engine) => selects(selectorOf(router), podLabelsOf(engine, cluster)));
    if (behind.length > 0) groups.push(behind);
    for (const engine of behind) rest.delete(engine);
  }
  return [...groups, ...[...rest].map((engine) => [engine])].map((group) => group.map(refOf));
};
