import {
  Node,
  type NodePool,
  Nodes,
  type PlacedPod,
  type PodPlacement,
} from "../../../src/controlplane/nodes/index.ts";
import { instant, type SimTime } from "../../../src/sim/time.ts";

export const at = (seconds: number): SimTime => instant(Math.round(seconds * 1e6));

export const pool = (over: Partial<NodePool> = {}): NodePool => ({
  name: "h100",
  gpusPerNode: 8,
  labels: { "nvidia.com/gpu.product": "H100" },
  taints: [],
  minNodes: 0,
  maxNodes: 10,
  weight: 0,
  ...over,
});

export const placement = (gpus: number, over: Partial<PodPlacement> = {}): PodPlacement => ({
  gpus,
  priority: 0,
  nodeSelector: {},
  affinity: [],
  tolerations: [],
  ...over,
});

export const placed = (name: string, asked: number | PodPlacement, queued = 0): PlacedPod => ({
  name,
  placement: typeof asked === "number" ? placement(asked) : asked,
  queued: at(queued),
  evictable: true,
});

/** Nodes that are ready, with GPUs that pods of the names `NODE/INDEX` have taken. */
export const cluster = (taken: readonly number[], of: NodePool = pool(), pools: readonly NodePool[] = [of]): Nodes => {
  const nodes = new Nodes(pools);
  for (const [index, gpus] of taken.entries()) {
    const node = new Node(`${of.name}-${index}`, of, at(0));
    node.phase = "ready";
    node.readySince = at(0);
    nodes.add(node);
    for (let i = 0; i < gpus; i += 1) node.bind(placed(`${node.name}/${i}`, 1), at(0));
  }
  return nodes;
};
