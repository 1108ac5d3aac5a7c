import type { InferenceSimulation } from "../../schema/resource.ts";
import type { Manifest, ObservedCluster } from "../manifest.ts";
import { isManagedScaler, variantReaders, wvaKeysWanted } from "../readers/index.ts";
import { type ConfigMapKey, configMapKeysOf } from "../readers/pod/config-maps.ts";
import { podTemplateOf } from "../readers/pod/pod-template-of.ts";
import { renderingOf } from "../rendering.ts";

export type { ConfigMapKey } from "../readers/pod/config-maps.ts";

/**
 * Keys of ConfigMaps that servers of the workloads may take variables from, and the Workload Variant Autoscaler its thresholds:
 * they have to be fetched, as ConfigMaps are not watched.
 */
export const configMapKeysWanted = (said: InferenceSimulation, real: ObservedCluster): readonly ConfigMapKey[] => {
  const { simulation, cluster } = renderingOf(said, real) ?? { simulation: said, cluster: real };
  const { namespace } = simulation.metadata;
  const keys = simulation.spec.mirror.workloads.flatMap(({ kind, name }) => {
    const manifest = cluster.get(kind, namespace, name);
    const template = manifest === undefined ? undefined : podTemplateOf(manifest, cluster).template;
    return template === undefined ? [] : configMapKeysOf(template, { metadata: { name, namespace } });
  });
  return isLookedAfter(simulation, cluster) ? [...keys, ...wvaKeysWanted(namespace)] : keys;
};

/** Whether the autoscaler may look after a workload, and the simulation doesn't say itself how. */
const isLookedAfter = ({ spec, metadata }: InferenceSimulation, cluster: ObservedCluster): boolean => {
  if (spec.overrides.autoscaler?.controller !== undefined) return false;
  const scalers = ["HorizontalPodAutoscaler", "ScaledObject"].flatMap((kind) =>
    cluster.list(kind, metadata.namespace).filter(isManagedScaler),
  );
  const variants = variantReaders.flatMap(({ kind }) => cluster.list(kind, metadata.namespace));
  const names = new Set(spec.mirror.workloads.map(({ name }) => name));
  return [...scalers, ...variants].some((one) => names.has(targetIn(one)));
};

const targetIn = ({ spec }: Manifest): string =>
  String((spec as { scaleTargetRef?: { name?: unknown } } | undefined)?.scaleTargetRef?.name);
