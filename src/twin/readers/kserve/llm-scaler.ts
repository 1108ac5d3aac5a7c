import { isMapping } from "../../../model/mapping.ts";
import type { MadeObject } from "../../composite.ts";
import { madeBy, numberIn, type Said, saidIn, textIn } from "../../made-spec.ts";
import type { Manifest } from "../../manifest.ts";

export interface ScaledWorkload {
  /** `spec.scaling`, of the service or of its prefill. */
  readonly scaling: Said;
  readonly path: string;
  readonly target: Manifest;
  /** `llama-70b-kserve` or `llama-70b-kserve-prefill`. */
  readonly name: string;
  readonly model: string;
}

/**
 * The HorizontalPodAutoscaler or ScaledObject of one workload: what llm-d's Workload Variant Autoscaler wants, or triggers of
 * the user's. Source: KServe v0.20 (main of 21 August 2026), pkg/controller/v1alpha2/llmisvc/scaling.go.
 */
export const scalerOf = (maker: Manifest, workload: ScaledWorkload): readonly MadeObject[] => {
  const { scaling, path } = workload;
  const wva = saidIn(scaling, "wva");
  if (isMapping(scaling.keda)) return [scaledObject(maker, workload, saidIn(scaling, "keda"), `${path}.keda`, false)];
  if (isMapping(wva.keda)) return [scaledObject(maker, workload, saidIn(wva, "keda"), `${path}.wva.keda`, true)];
  return isMapping(wva.hpa) ? [hpa(maker, workload, saidIn(wva, "hpa"))] : [];
};

const annotated = (maker: Manifest, name: string, { scaling, model }: ScaledWorkload, managed: boolean) => ({
  ...madeBy(maker, name, labelsOf(maker)),
  annotations: managed
    ? {
        "llm-d.ai/managed": "true",
        "llm-d.ai/model-id": model,
        "llm-d.ai/variant-cost": textIn(saidIn(scaling, "wva"), "variantCost") ?? "10.0",
      }
    : {},
});

/** What tells the accelerator of the service tells it of its scalers. */
const labelsOf = ({ metadata }: Manifest): Readonly<Record<string, string>> => {
  const label = "inference.optimization/acceleratorName";
  const said = metadata.labels?.[label];
  return said === undefined ? {} : { [label]: said };
};

const targetOf = ({ apiVersion, kind, metadata }: Manifest): Said => ({ apiVersion, kind, name: metadata.name });

const hpa = (maker: Manifest, workload: ScaledWorkload, said: Said): MadeObject => {
  const { scaling, path, target } = workload;
  const name = `${workload.name}-hpa`;
  const metric = { name: "wva_desired_replicas", selector: { matchLabels: { variant_name: name } } };
  const spec = {
    scaleTargetRef: targetOf(target),
    minReplicas: scaling.minReplicas ?? 1,
    maxReplicas: scaling.maxReplicas,
    metrics: [{ type: "External", external: { metric, target: { type: "Value", value: "1" } } }],
    ...(isMapping(said.behavior) ? { behavior: said.behavior } : {}),
  };
  return {
    manifest: {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: annotated(maker, name, workload, true),
      spec,
    },
    template: "its HorizontalPodAutoscaler",
    origins: [
      ...bounds("minReplicas", "maxReplicas", path),
      { made: "spec.behavior", from: `${path}.wva.hpa.behavior` },
    ],
  };
};

const bounds = (min: string, max: string, path: string): MadeObject["origins"] => [
  { made: `spec.${min}`, from: `${path}.minReplicas` },
  { made: `spec.${max}`, from: `${path}.maxReplicas` },
];

const scaledObject = (
  maker: Manifest,
  workload: ScaledWorkload,
  said: Said,
  path: string,
  managed: boolean,
): MadeObject => {
  const { scaling, target } = workload;
  const name = `${workload.name}-keda`;
  const namespace = maker.metadata.namespace ?? "default";
  const query = `wva_desired_replicas{variant_name="${name}",exported_namespace="${namespace}"}`;
  const wanted = { type: "prometheus", metadata: { serverAddress: "http://prometheus", query, threshold: "1" } };
  const { triggers, ...rest } = said;
  return {
    manifest: {
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: annotated(maker, name, workload, managed),
      spec: {
        ...rest,
        scaleTargetRef: targetOf(target),
        minReplicaCount: scaling.minReplicas ?? 1,
        maxReplicaCount: scaling.maxReplicas,
        triggers: managed ? [wanted] : triggers,
      },
    },
    template: "its ScaledObject",
    origins: [{ made: "spec", from: path }, ...bounds("minReplicaCount", "maxReplicaCount", workload.path)],
  };
};

/** Replicas of a workload: its own, or where something scales it, the least. */
export const replicasOf = (part: Said): number =>
  numberIn(part, "replicas") ?? numberIn(saidIn(part, "scaling"), "minReplicas") ?? 1;
