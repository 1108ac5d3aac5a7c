import { isMapping } from "../../../model/mapping.ts";
import { objectText } from "../../../model/object-text.ts";
import type { Problem } from "../../../model/problem.ts";
import { compositeReader, type MadeObject, type Origin } from "../../composite.ts";
import {
  listIn,
  madeBy,
  mergedSpecs,
  numberIn,
  type Said,
  saidIn,
  textIn,
  withContainer,
  withDefaults,
} from "../../made-spec.ts";
import { type Manifest, type ObservedCluster, refOf } from "../../manifest.ts";
import { modelSourceOf } from "./model-source.ts";

/**
 * KServe's InferenceService in its Standard mode: a Deployment of its predictor, a Service, and a HorizontalPodAutoscaler or
 * ScaledObject. Source: KServe v0.17, pkg/controller/v1beta1/inferenceservice and config/runtimes.
 */
export const inferenceService = compositeReader({
  kind: "InferenceService",
  group: "serving.kserve.io",
  summary: "what KServe makes of an InferenceService in Standard mode: its predictor, and what scales it",
  controller: "KServe v0.17",
  render: (manifest, cluster) => {
    const problems: Problem[] = [];
    const predictor = predictorOf(manifest, cluster, problems);
    const { deployment, name } = predictor;
    return {
      workloads: [deployment],
      others: [serviceOf(manifest, name), ...scalersOf(manifest, name, problems)],
      problems,
    };
  },
});

const ANNOTATION = "serving.kserve.io";

const annotationOf = ({ metadata }: Manifest, name: string): string | undefined =>
  metadata.annotations?.[`${ANNOTATION}/${name}`];

const labelsOf = (name: string) => ({ app: `isvc.${name}-predictor`, [`${ANNOTATION}/inferenceservice`]: name });

const tell = (manifest: Manifest, problems: Problem[], field: string, message: string, fix?: string): void => {
  const more = fix === undefined ? {} : { fix };
  problems.push({
    severity: "warning",
    reason: "NotModelled",
    object: objectText(refOf(manifest)),
    field,
    message,
    ...more,
  });
};

/** What a runtime's template says where the service leaves it out. */
const HUGGING_FACE: Said = {
  containers: [
    { name: "kserve-container", image: "kserve/huggingfaceserver:latest-gpu", args: ["--model_name={{.Name}}"] },
  ],
};

const predictorOf = (
  manifest: Manifest,
  cluster: Pick<ObservedCluster, "get">,
  problems: Problem[],
): { readonly deployment: MadeObject; readonly name: string } => {
  const { name } = manifest.metadata;
  const said = saidIn(manifest, "spec", "predictor");
  const model = saidIn(said, "model");
  tellUnmodelled(manifest, said, problems);
  const hasModel = isMapping(said.model);
  const runtime = hasModel ? runtimeOf(manifest, model, cluster, problems) : {};
  const uri = textIn(model, "storageUri");
  const source = uri === undefined ? { volumes: [], mounts: [], initContainers: [] } : modelSourceOf(uri);
  const { model: _, workerSpec: __, autoScaling: ___, ...pod } = said;
  const base = mergedSpecs(runtime, pod);
  const { containers, index } = withContainer(listIn(base, "containers"), "kserve-container", (container) => {
    const given = hasModel
      ? listed(container.args).map((arg) => arg.replace("{{.Name}}", name))
      : listed(container.args);
    const stored = hasModel && uri !== undefined && !given.some(isModel) && !listed(model.args).some(isModel);
    return {
      ...container,
      ...(textIn(model, "image") === undefined ? {} : { image: model.image }),
      // The user's come last, as KServe appends them, and so win.
      args: [...given, ...(stored ? ["--model_dir=/mnt/models"] : []), ...listed(model.args)],
      env: withDefaults(listIn(model, "env"), listIn(container, "env")),
      ...(isMapping(model.resources) ? { resources: model.resources } : {}),
      volumeMounts: withDefaults(listIn(model, "volumeMounts"), [
        ...source.mounts,
        ...listIn(container, "volumeMounts"),
      ]),
    };
  });
  const args = listed(containers[index]?.args);
  const first = args.length - listed(model.args).length;
  const at = "spec.template.spec";
  const container = `${at}.containers[${index}]`;
  const taken: Origin[] = hasModel
    ? [
        ...listed(model.args).map((_arg, i) => ({
          made: `${container}.args[${first + i}]`,
          from: `spec.predictor.model.args[${i}]`,
        })),
        ...["env", "resources", "image"].map((key) => ({
          made: `${container}.${key}`,
          from: `spec.predictor.model.${key}`,
        })),
        { made: `${at}.initContainers[0].args[0]`, from: "spec.predictor.model.storageUri" },
      ]
    : [];
  const labels = labelsOf(name);
  return {
    name,
    deployment: {
      template: hasModel ? `its runtime ${textIn(model, "runtime") ?? "kserve-huggingfaceserver"}` : "its predictor",
      origins: [
        { made: "spec.replicas", from: "spec.predictor.minReplicas" },
        { made: "metadata", from: "metadata" },
        { made: at, from: "spec.predictor" },
        ...taken,
      ],
      manifest: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: madeBy(manifest, `${name}-predictor`, labels),
        spec: {
          replicas: Math.max(1, numberIn(said, "minReplicas") ?? 1),
          selector: { matchLabels: labels },
          ...(isMapping(said.deploymentStrategy) ? { strategy: said.deploymentStrategy } : {}),
          template: {
            metadata: { labels: { ...manifest.metadata.labels, ...labels, ...saidIn(said, "labels") } },
            spec: {
              terminationGracePeriodSeconds: 300,
              ...base,
              containers,
              initContainers: [...source.initContainers, ...listIn(base, "initContainers")],
              volumes: withDefaults(listIn(base, "volumes"), source.volumes),
            },
          },
        },
      },
    },
  };
};

const isModel = (arg: string): boolean => /^--model[_-](id|dir|path)\b|^--model(=|$)/.test(arg);
const listed = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

/** The ServingRuntime that the service names, as far as it is here; else KServe's own for Hugging Face models. */
const runtimeOf = (
  manifest: Manifest,
  model: Said,
  cluster: Pick<ObservedCluster, "get">,
  problems: Problem[],
): Said => {
  const name = textIn(model, "runtime");
  const { namespace } = refOf(manifest);
  const found =
    name === undefined
      ? undefined
      : (cluster.get("ServingRuntime", namespace, name) ?? cluster.get("ClusterServingRuntime", "", name));
  if (found !== undefined) return saidIn(found, "spec");
  const format = textIn(saidIn(model, "modelFormat"), "name") ?? "";
  const isUsual = name === undefined || name === "kserve-huggingfaceserver";
  if (!isUsual || !/^(huggingface|vllm)$/i.test(format)) {
    const field = name === undefined ? "spec.predictor.model.modelFormat" : "spec.predictor.model.runtime";
    const message = `${name === undefined ? `no runtime is named for format ${format}` : `ServingRuntime ${name} isn't in namespace ${namespace}`}; it is simulated as on kserve-huggingfaceserver`;
    tell(manifest, problems, field, message, "mirror the ServingRuntime too");
  }
  return HUGGING_FACE;
};

const tellUnmodelled = (manifest: Manifest, said: Said, problems: Problem[]): void => {
  const mode = annotationOf(manifest, "deploymentMode");
  if (mode === "Knative" || mode === "Serverless") {
    const message = `${mode} scales by Knative's autoscaler, to zero too, which is not modelled; minReplicas are simulated as they are`;
    tell(manifest, problems, `metadata.annotations["${ANNOTATION}/deploymentMode"]`, message);
  }
  for (const [field, what] of [
    ["canaryTrafficPercent", "a canary's share of traffic is"],
    ["containerConcurrency", "a bound on requests per pod is"],
    ["workerSpec", "a predictor over several pods is"],
    ["batcher", "batching before the server is"],
  ] as const) {
    if (said[field] === undefined) continue;
    tell(manifest, problems, `spec.predictor.${field}`, `${what} not modelled; it is simulated without`);
  }
  for (const part of ["transformer", "explainer"]) {
    if (!isMapping(saidIn(manifest, "spec")[part])) continue;
    tell(manifest, problems, `spec.${part}`, `a ${part} is not modelled: requests reach the predictor at once`);
  }
};

const serviceOf = (manifest: Manifest, name: string): MadeObject => ({
  template: "the Service of its predictor",
  origins: [],
  manifest: {
    apiVersion: "v1",
    kind: "Service",
    metadata: madeBy(manifest, `${name}-predictor`, labelsOf(name)),
    spec: { selector: { app: labelsOf(name).app }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  },
});

const scalersOf = (manifest: Manifest, name: string, problems: Problem[]): readonly MadeObject[] => {
  const said = saidIn(manifest, "spec", "predictor");
  const mode = annotationOf(manifest, "deploymentMode");
  if (mode === "Knative" || mode === "Serverless") return [];
  const scaler = annotationOf(manifest, "autoscalerClass") ?? "hpa";
  // Without a range an HPA holds the replicas where they are; KServe makes one all the same.
  if (scaler === "hpa") return (numberIn(said, "maxReplicas") ?? 0) > 0 ? [hpa(manifest, name, said)] : [];
  if (scaler === "keda") return [scaledObject(manifest, name, said)];
  if (scaler !== "external" && scaler !== "none") {
    const message = `an autoscaler of class ${scaler} is not modelled; replicas stay at minReplicas`;
    tell(manifest, problems, `metadata.annotations["${ANNOTATION}/autoscalerClass"]`, message);
  }
  return [];
};

const boundsOf = (said: Said): { readonly min: number; readonly max: number } => {
  const min = Math.max(1, numberIn(said, "minReplicas") ?? 1);
  return { min, max: Math.max(min, numberIn(said, "maxReplicas") ?? 0) };
};

const targetOf = (name: string): Said => ({ apiVersion: "apps/v1", kind: "Deployment", name: `${name}-predictor` });

const behaviorOf = (said: Said): Said => {
  const { behavior } = saidIn(said, "autoScaling");
  return isMapping(behavior) ? { behavior } : {};
};

/** Source: pkg/controller/v1beta1/inferenceservice/reconcilers/hpa/hpa_reconciler.go, getHPAMetrics. */
const hpa = (manifest: Manifest, name: string, said: Said): MadeObject => {
  const { min, max } = boundsOf(said);
  const own = listIn(saidIn(said, "autoScaling"), "metrics").filter(({ resource }) => isMapping(resource));
  const resource = textIn(said, "scaleMetric") ?? "cpu";
  const target = { type: "Utilization", averageUtilization: numberIn(said, "scaleTarget") ?? 80 };
  const metrics = isMapping(said.autoScaling)
    ? own.map((metric) => ({ type: "Resource", resource: withTarget(saidIn(metric, "resource")) }))
    : /^(cpu|memory)$/.test(resource)
      ? [{ type: "Resource", resource: { name: resource, target } }]
      : [];
  return {
    template: "its HorizontalPodAutoscaler",
    origins: [
      { made: "spec.minReplicas", from: "spec.predictor.minReplicas" },
      { made: "spec.maxReplicas", from: "spec.predictor.maxReplicas" },
      { made: "spec.metrics[0].resource.target.averageUtilization", from: "spec.predictor.scaleTarget" },
      { made: "spec.behavior", from: "spec.predictor.autoScaling.behavior" },
    ],
    manifest: {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: madeBy(manifest, `${name}-predictor`),
      spec: { scaleTargetRef: targetOf(name), minReplicas: min, maxReplicas: max, metrics, ...behaviorOf(said) },
    },
  };
};

/** CPU is at 80 % where nothing is said. */
const withTarget = (resource: Said): Said => {
  const target = saidIn(resource, "target");
  const isBare =
    resource.name === "cpu" && target.averageUtilization === undefined && target.averageValue === undefined;
  return isBare ? { ...resource, target: { ...target, type: "Utilization", averageUtilization: 80 } } : resource;
};

/** Source: reconcilers/keda/keda_reconciler.go, getKedaMetrics: the threshold is the target's `value`, 0 where it has none. */
const scaledObject = (manifest: Manifest, name: string, said: Said): MadeObject => {
  const { min, max } = boundsOf(said);
  const metrics = listIn(saidIn(said, "autoScaling"), "metrics");
  const triggers = metrics.map((metric) => {
    if (metric.type === "Resource") {
      const { name: type, target } = saidIn(metric, "resource");
      const wanted = saidIn(target);
      const metricType = textIn(wanted, "type") ?? "Utilization";
      const value =
        metricType === "Utilization" ? (wanted.averageUtilization ?? 80) : (wanted.averageValue ?? wanted.value ?? 0);
      return { type, metricType, metadata: { value: String(value) } };
    }
    const { metric: source, target } = saidIn(metric, "external");
    const { backend, serverAddress, query } = saidIn(source);
    return { type: backend, metadata: { serverAddress, query, threshold: String(saidIn(target).value ?? "0") } };
  });
  return {
    template: "its ScaledObject",
    origins: [
      { made: "spec.minReplicaCount", from: "spec.predictor.minReplicas" },
      { made: "spec.maxReplicaCount", from: "spec.predictor.maxReplicas" },
      ...metrics.flatMap((_, i) => [
        {
          made: `spec.triggers[${i}].metadata.query`,
          from: `spec.predictor.autoScaling.metrics[${i}].external.metric.query`,
        },
        {
          made: `spec.triggers[${i}].metadata.threshold`,
          from: `spec.predictor.autoScaling.metrics[${i}].external.target.value`,
        },
      ]),
      { made: "spec.triggers", from: "spec.predictor.autoScaling.metrics" },
    ],
    manifest: {
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: madeBy(manifest, `${name}-predictor`),
      spec: {
        scaleTargetRef: targetOf(name),
        minReplicaCount: numberIn(said, "minReplicas") ?? min,
        maxReplicaCount: max,
        triggers,
        advanced: { horizontalPodAutoscalerConfig: behaviorOf(said) },
      },
    },
  };
};
