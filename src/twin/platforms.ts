import { type Manifest, type ManifestRef, type ObservedCluster, refOf } from "./manifest.ts";
import { selectorOf, selects } from "./mirror/mirrored-router.ts";
import { workloadReaders } from "./readers/index.ts";
import { podLabelsOf } from "./readers/pod/pod-template-of.ts";

/**
 * The workloads of a namespace that run vLLM, those together that stand behind one InferencePool or Service and so share
 * their traffic: each is what one simulation would mirror. In order of kind and name.
 */
export const platformsIn = (cluster: ObservedCluster, namespace: string): readonly (readonly ManifestRef[])[] => {
  const engines = workloadReaders.flatMap(({ kind, read }) =>
    cluster.list(kind, namespace).filter((manifest) => {
      const found = read(manifest, cluster);
      // One that can't be read counts: whoever mirrors it is told why.
      return found.ok || !found.problems.some(({ reason }) => reason === "NotVllm");
    }),
  );
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
