import type { Node } from "../controlplane/nodes/index.ts";
import type { NodeView, PodStatusView } from "../report/world-view.ts";
import { hash32 } from "../sim/rng.ts";
import { after, seconds } from "../sim/time.ts";
import type { PlacedUnit } from "./placed-unit.ts";
import type { WorkloadScenario } from "./scenario.ts";

export const nodeView = ({ name, pool, phase, readySince, created }: Node): NodeView => ({
  name,
  pool: pool.name,
  labels: pool.labels,
  taints: pool.taints,
  gpus: pool.gpusPerNode,
  created: readySince ?? created,
  ready: true,
  unschedulable: phase === "draining",
});

/** @param waits whether the scheduler knows it and found no node */
export const podView = (
  { name, replica, node, scheduledAt, started, pod: placed }: PlacedUnit,
  waits: boolean,
): PodStatusView => {
  const { pod, restarts, backingOff } = replica;
  const { workload, readyChanged } = pod;
  const deleting = pod.phase === "terminating";
  const running = started !== undefined || backingOff;
  return {
    namespace: workload.namespace,
    name,
    uid: uidOf(`${workload.namespace}/${name}`),
    owner: ownerOf(name, pod.name, workload),
    container: workload.container,
    gpus: placed.placement.gpus,
    phase: running ? "Running" : "Pending",
    ready: pod.ready,
    unschedulable: waits,
    node: node?.name,
    created: pod.created,
    scheduled: scheduledAt,
    readySince: pod.ready ? readyChanged : undefined,
    deletion:
      deleting && readyChanged !== undefined
        ? after(readyChanged, seconds(workload.stop.gracePeriodSeconds))
        : undefined,
    restarts,
    waitingReason: backingOff ? "CrashLoopBackOff" : running || node === undefined ? undefined : "ContainerCreating",
  };
};

/** In the form of a random UUID, but the same in each run. */
const uidOf = (name: string): string => {
  const hex = [0, 1, 2, 3].map((part) => hash32(name, part).toString(16).padStart(8, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join("-");
};

/**
 * Without ordinals a pod belongs to a ReplicaSet, whose name is its own up to the last dash. Workers of a group belong to a
 * StatefulSet of their leader's name, leaders to one of the workload's.
 */
const ownerOf = (pod: string, leader: string, { name, ordinals }: WorkloadScenario) =>
  ordinals === undefined
    ? { kind: "ReplicaSet", name: pod.slice(0, pod.lastIndexOf("-")) }
    : { kind: "StatefulSet", name: pod === leader ? name : leader };
