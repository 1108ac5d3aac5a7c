import type { InferenceSimulation } from "../../schema/resource.ts";
import type { ObservedCluster } from "../manifest.ts";
import { type ConfigMapKey, configMapKeysOf } from "../readers/pod/config-maps.ts";
import { podTemplateOf } from "../readers/pod/pod-template-of.ts";
import { renderingOf } from "../rendering.ts";

export type { ConfigMapKey } from "../readers/pod/config-maps.ts";

/** Keys of ConfigMaps that servers of the workloads may take variables from: they have to be fetched, as ConfigMaps are not watched. */
export const configMapKeysWanted = (said: InferenceSimulation, real: ObservedCluster): readonly ConfigMapKey[] => {
  const { simulation, cluster } = renderingOf(said, real) ?? { simulation: said, cluster: real };
  const { namespace } = simulation.metadata;
  return simulation.spec.mirror.workloads.flatMap(({ kind, name }) => {
    const manifest = cluster.get(kind, namespace, name);
    const template = manifest === undefined ? undefined : podTemplateOf(manifest, cluster).template;
    return template === undefined ? [] : configMapKeysOf(template, { metadata: { name, namespace } });
  });
};
