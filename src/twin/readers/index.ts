// What can be mirrored: one file per kind of object. The other files of this folder read a part of a pod.
import { deployment } from "./deployment.ts";
import { endpointPicker } from "./endpoint-picker.ts";
import { horizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";
import { httpRoute } from "./http-route.ts";
import { inferenceModel } from "./inference-model.ts";
import { inferenceObjective } from "./inference-objective.ts";
import { inferencePool } from "./inference-pool.ts";
import { leaderWorkerSet } from "./leader-worker-set.ts";
import { node } from "./node.ts";
import { nodePool } from "./node-pool.ts";
import { podMonitor } from "./pod-monitor.ts";
import { prometheusRule } from "./prometheus-rule.ts";
import { rollout } from "./rollout.ts";
import { scaledObject } from "./scaled-object.ts";
import { service } from "./service.ts";
import { serviceMonitor } from "./service-monitor.ts";
import { statefulSet } from "./stateful-set.ts";
import { variantAutoscaling } from "./variant-autoscaling.ts";

export const workloadReaders = [deployment, statefulSet, leaderWorkerSet, rollout] as const;
/** What stands under the pods. */
export const nodeReaders = [node] as const;
export const nodePoolReaders = [nodePool] as const;
/** What of a workload the Workload Variant Autoscaler is told. */
export const variantReaders = [variantAutoscaling] as const;
export const autoscalerReaders = [horizontalPodAutoscaler, scaledObject] as const;
/** What stands before the workloads, who picks, for whom, and the way there. */
export const poolReaders = [inferencePool] as const;
export const serviceReaders = [service] as const;
export const pickerReaders = [endpointPicker] as const;
export const objectiveReaders = [inferenceObjective, inferenceModel] as const;
export const routeReaders = [httpRoute] as const;
/** What a Prometheus scrapes, and the rules that it evaluates. */
export const monitorReaders = [podMonitor, serviceMonitor] as const;
export const rulesReaders = [prometheusRule] as const;

/** No object of its own: a text inside one. */
export { parsePickerConfig, readPickerConfig } from "./endpoint-picker-config.ts";
export { isManagedScaler, readManagedScaler } from "./managed-scaler.ts";
