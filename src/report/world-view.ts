import type { EngineState } from "../model/engine-state.ts";
import type { Hardware } from "../model/hardware.ts";
import type { SimTime } from "../sim/time.ts";

/** The present state of a world, as scrapes and the exporter see it. Plain data but for the histograms inside. */
export interface WorldView {
  readonly now: SimTime;
  readonly replicas: readonly ReplicaView[];
  readonly workloads: readonly WorkloadView[];
  readonly autoscalers: readonly AutoscalerView[];
}

/** A pod whose engine serves (ready or terminating). */
export interface ReplicaView {
  readonly namespace: string;
  readonly workload: string;
  readonly pod: string;
  readonly container: string;
  /** Label `model_name`: the served name. */
  readonly modelName: string;
  readonly blockSize: number;
  readonly numGpuBlocks: number;
  readonly gpuMemoryUtilization: number;
  readonly prefixCaching: boolean;
  readonly maxModelLen: number;
  /** When its engine was up. */
  readonly since: SimTime;
  readonly state: EngineState;
}

export interface WorkloadView {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly gpusPerReplica: number;
  readonly gpu: Hardware["id"];
}

export interface AutoscalerView {
  readonly namespace: string;
  readonly name: string;
  readonly targetApiVersion: string;
  readonly targetKind: string;
  readonly targetName: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly conditions: readonly { readonly type: string; readonly status: "True" | "False" | "Unknown" }[];
  readonly metrics: readonly {
    readonly name: string;
    readonly targetType: "value" | "average" | "utilization";
    readonly target: number;
    readonly current: number | undefined;
  }[];
}
