// What can be mirrored: one file per kind of object. The other files of this folder read a part of a pod.
import { deployment } from "./deployment.ts";
import { horizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";

export const workloadReaders = [deployment] as const;
export const autoscalerReaders = [horizontalPodAutoscaler] as const;
