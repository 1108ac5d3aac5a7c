import type { NodeAutoscalerSaid, NodePool, PodPlacement, ScoringSaid } from "../controlplane/nodes/index.ts";
import type { DisruptionBudget, Spread } from "../controlplane/pods/index.ts";

/** What stands under the pods. Left out of a scenario: a node is always there. */
export interface NodesScenario {
  readonly pools: readonly NodePoolScenario[];
  readonly scoring: ScoringSaid;
  readonly autoscaler: NodeAutoscalerSaid;
  /** By name of the workload. */
  readonly pods: Readonly<Record<string, PodsOnNodes>>;
  readonly disruptions: readonly DisruptionScenario[];
}

export interface NodePoolScenario extends NodePool {
  /** At the start. */
  readonly nodes: number;
  /** From being asked for until its GPUs are known. */
  readonly provisionSeconds: Spread;
}

/** What a workload's pods ask of nodes. */
export interface PodsOnNodes {
  /** Of one pod; of a group, of its leader. */
  readonly placement: PodPlacement;
  /** Of the other pods of a group. Left out: as its leader. */
  readonly workers?: PodPlacement;
  /** Pods of one replica, each with GPUs of its own: more than 1 for groups over several nodes. */
  readonly members: number;
  readonly evictable: boolean;
  readonly image: string;
  /** Fetching it to a node that hasn't it. */
  readonly imagePullSeconds: Spread;
  /** Of one pod. */
  readonly weightBytes: number;
  readonly storage: ModelStorageScenario;
  /** Left out: none. */
  readonly budget?: BudgetScenario;
}

/** A PodDisruptionBudget over the pods of one workload, or of several together. */
export type BudgetScenario = DisruptionBudget & {
  /** Left out: each workload has one of its own. */
  readonly shared?: {
    readonly name: string;
    /** Workloads whose pods it counts. */
    readonly workloads: readonly string[];
  };
};

/** Where weights are loaded from. */
export interface ModelStorageScenario {
  /** Loads of one name share its bandwidth. */
  readonly name: string;
  /** Each node has one of its own. */
  readonly perNode: boolean;
  /** Of all loads together. Left out: each goes as fast as its loader can. */
  readonly bytesPerSecond?: number;
}

export type DisruptionScenario = { readonly atMicros: number } & (
  | {
      readonly kind: "NodeLost";
      /** Left out: of any pool. */
      readonly pool?: string;
      /** From the notice, when it is drained, to the loss. */
      readonly noticeMicros: number;
    }
  | { readonly kind: "PodCrash"; readonly workload: string }
);
