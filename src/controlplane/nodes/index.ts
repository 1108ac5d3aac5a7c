export { type NodeAutoscalerSaid, nodeAutoscalers } from "./autoscalers/index.ts";
export { type Binding, GpuScheduler } from "./gpu-scheduler.ts";
export { type ImagePull, ImagePulls } from "./image-pulls.ts";
export {
  Node,
  type NodePool,
  type NodeRequirement,
  Nodes,
  type PlacedPod,
  type PodPlacement,
  type Taint,
  type Toleration,
} from "./node.ts";
export type { NodeAutoscaler, NodePlan } from "./node-autoscaler.ts";
export { suits } from "./node-fit.ts";
export type { Preempting } from "./preemption.ts";
export { nodeScorings, type ScoringSaid } from "./scorings/index.ts";
