import type { FaultPlan } from "../controlplane/faults/fault-plan.ts";
import type { Fact } from "../model/fact.ts";
import type { Streams } from "../sim/rng.ts";
import type { SimTime } from "../sim/time.ts";
import type { PlacementEvent } from "./event.ts";
import type { Pod } from "./pod.ts";

/** What the placement of pods on nodes needs of its world. */
export interface PlacementHost {
  readonly now: SimTime;
  readonly streams: Streams;
  readonly faults: FaultPlan;
  tell(fact: Fact): void;
  /** Lets `event` come back at `at`; never, where that is NEVER. */
  later(at: SimTime, event: PlacementEvent): void;
  /** Lets the autoscaler of nodes look at `at`. */
  lookAt(at: SimTime): void;
  /** A pod reaches the next phase of its start. */
  enter(pod: Pod, phase: "pulling" | "starting" | "ready"): void;
  /** Deletes a pod with all its grace; its workload puts another in its place. */
  evict(pod: Pod): void;
  /** A pod is gone at once; its workload puts another in its place. */
  lose(pod: Pod): void;
  /** A pod's engine is gone at once; the pod stays. */
  crash(pod: Pod): void;
  /** Pods that are wanted of a workload, and all that there are. */
  scaleOf(workload: string): { readonly expected: number; readonly pods: readonly Pod[] };
}
