// What can be mirrored: one folder per family of kinds, one file per kind; pod/ reads templates of pods, vllm/ an engine's flags.

import { rollout } from "./argo/rollout.ts";
import { dynamoGraphDeployment } from "./dynamo/dynamo-graph-deployment.ts";
import { endpointPicker } from "./endpoint-picker/endpoint-picker.ts";
import { httpRoute } from "./gateway/http-route.ts";
import { inferenceModel } from "./gateway/inference-model.ts";
import { inferencePool } from "./gateway/inference-pool.ts";
import { nodePool } from "./karpenter/node-pool.ts";
import { scaledObject } from "./keda/scaled-object.ts";
import { inferenceService } from "./kserve/inference-service.ts";
import { llmInferenceService } from "./kserve/llm-inference-service.ts";
import { deployment } from "./kubernetes/deployment.ts";
import { horizontalPodAutoscaler } from "./kubernetes/horizontal-pod-autoscaler.ts";
import { node } from "./kubernetes/node.ts";
import { podDisruptionBudget } from "./kubernetes/pod-disruption-budget.ts";
import { priorityClass } from "./kubernetes/priority-class.ts";
import { resourceQuota } from "./kubernetes/resource-quota.ts";
import { service } from "./kubernetes/service.ts";
import { statefulSet } from "./kubernetes/stateful-set.ts";
import { leaderWorkerSet } from "./leader-worker-set/leader-worker-set.ts";
import { inferenceModelRewrite } from "./llm-d/inference-model-rewrite.ts";
import { inferenceObjective } from "./llm-d/inference-objective.ts";
import { variantAutoscaling } from "./llm-d/variant-autoscaling.ts";
import { stackRouter } from "./production-stack/stack-router.ts";
import { podMonitor } from "./prometheus/pod-monitor.ts";
import { prometheusRule } from "./prometheus/prometheus-rule.ts";
import { serviceMonitor } from "./prometheus/service-monitor.ts";

/** Objects whose controllers make workloads. */
export const compositeReaders = [llmInferenceService, inferenceService, dynamoGraphDeployment] as const;
export const workloadReaders = [deployment, statefulSet, leaderWorkerSet, rollout] as const;
/** What stands under the pods. */
export const nodeReaders = [node] as const;
export const nodePoolReaders = [nodePool] as const;
/** What bounds pods: their eviction, their way past others, their number. */
export const budgetReaders = [podDisruptionBudget] as const;
export const priorityClassReaders = [priorityClass] as const;
export const quotaReaders = [resourceQuota] as const;
/** What of a workload the Workload Variant Autoscaler is told. */
export const variantReaders = [variantAutoscaling] as const;
export const autoscalerReaders = [horizontalPodAutoscaler, scaledObject] as const;
/** What stands before the workloads, who picks, for whom, and the way there. */
export const poolReaders = [inferencePool] as const;
export const serviceReaders = [service] as const;
export const pickerReaders = [endpointPicker] as const;
export const stackRouterReaders = [stackRouter] as const;
export const objectiveReaders = [inferenceObjective, inferenceModel] as const;
export const rewriteReaders = [inferenceModelRewrite] as const;
export const routeReaders = [httpRoute] as const;
/** What a Prometheus scrapes, and the rules that it evaluates. */
export const monitorReaders = [podMonitor, serviceMonitor] as const;
export const rulesReaders = [prometheusRule] as const;

/** No object of its own: a text inside one. */
export { parsePickerConfig, readPickerConfig } from "./endpoint-picker/endpoint-picker-config.ts";
export { isManagedScaler, readManagedScaler } from "./llm-d/managed-scaler.ts";
export { readWvaConfig, wvaKeysWanted } from "./llm-d/wva-config.ts";
