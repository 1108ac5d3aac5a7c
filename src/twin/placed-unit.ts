import type { Node, PlacedPod } from "../controlplane/nodes/index.ts";
import type { StartLengths } from "../controlplane/pods/index.ts";
import type { SimTime } from "../sim/time.ts";
import type { PodsOnNodes } from "./nodes-scenario.ts";
import type { Pod } from "./pod.ts";

/** A pod of the cluster, which has GPUs of one node: a replica is one of them, or a group. */
export interface PlacedUnit {
  readonly name: string;
  readonly replica: PlacedReplica;
  /** As the scheduler sees it. */
  readonly pod: PlacedPod;
  readonly lengths: StartLengths;
  node: Node | undefined;
  scheduledAt: SimTime | undefined;
  /** When its container started. */
  started: SimTime | undefined;
  loaded: boolean;
}

/** A replica on its way to its nodes, or there. */
export interface PlacedReplica {
  readonly pod: Pod;
  readonly said: PodsOnNodes;
  readonly units: readonly PlacedUnit[];
  /** Another one for each start of its containers, so that events of earlier ones are passed over. */
  attempt: number;
  restarts: number;
  /** Crashes that the kubelet's back-off counts. */
  crashes: number;
  /** Waits to be started again. */
  backingOff: boolean;
}
