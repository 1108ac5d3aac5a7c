// What can be mirrored: one file per kind of object. The other files of this folder read a part of a pod.
import { deployment } from "./deployment.ts";
import { endpointPicker } from "./endpoint-picker.ts";
import { horizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";
import { httpRoute } from "./http-route.ts";
import { inferenceModel } from "./inference-model.ts";
import { inferenceObjective } from "./inference-objective.ts";
import { inferencePool } from "./inference-pool.ts";
import { scaledObject } from "./scaled-object.ts";
import { service } from "./service.ts";

export const workloadReaders = [deployment] as const;
export const autoscalerReaders = [horizontalPodAutoscaler, scaledObject] as const;
/** What stands before the workloads, who picks, for whom, and the way there. */
export const poolReaders = [inferencePool] as const;
export const serviceReaders = [service] as const;
export const pickerReaders = [endpointPicker] as const;
export const objectiveReaders = [inferenceObjective, inferenceModel] as const;
export const routeReaders = [httpRoute] as const;

/** No object of its own: a text inside one. */
export { parsePickerConfig, readPickerConfig } from "./endpoint-picker-config.ts";
