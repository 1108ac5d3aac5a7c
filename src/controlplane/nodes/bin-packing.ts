import type { Node, NodePool, PlacedPod } from "./node.ts";
import { suits } from "./node-fit.ts";

/** Room that pods may get in a thought: of a node that is there, is coming, or would come. */
export interface Room {
  readonly pool: NodePool;
  /** GPUs. */
  free: number;
}

export const roomOf = ({ pool, free }: Node): Room => ({ pool, free });

/** Puts pods, one by one, into the first room that suits; takes what they need of it. @returns those that found none */
export const firstFit = (pods: readonly PlacedPod[], rooms: readonly Room[]): readonly PlacedPod[] =>
  pods.filter(({ placement }) => {
    const room = rooms.find(({ pool, free }) => free >= placement.gpus && suits(placement, pool));
    if (room !== undefined) room.free -= placement.gpus;
    return room === undefined;
  });

/** The biggest first, else in order of the queue. */
export const biggestFirst = (pods: readonly PlacedPod[]): readonly PlacedPod[] =>
  [...pods].sort((a, b) => b.placement.gpus - a.placement.gpus || a.queued - b.queued);

export interface Packing {
  readonly pool: NodePool;
  /** Nodes that are to come. */
  readonly count: number;
  /** Pods that they take. */
  readonly pods: readonly PlacedPod[];
}

/**
 * How many new nodes of one pool take how many of the pods: first fit, the biggest first.
 * @param most nodes
 */
export const packInto = (pool: NodePool, pods: readonly PlacedPod[], most: number): Packing => {
  const rooms: Room[] = [];
  const taken: PlacedPod[] = [];
  for (const pod of biggestFirst(pods)) {
    const { gpus } = pod.placement;
    if (gpus > pool.gpusPerNode || !suits(pod.placement, pool)) continue;
    let room = rooms.find(({ free }) => free >= gpus);
    if (room === undefined) {
      if (rooms.length >= most) continue;
      room = { pool, free: pool.gpusPerNode };
      rooms.push(room);
    }
    room.free -= gpus;
    taken.push(pod);
  }
  return { pool, count: rooms.length, pods: taken };
};

/** @returns whether all pods of `node` would find room in the others; if so, that room is taken */
export const movesInto = (node: Node, rooms: ReadonlyMap<Node, Room>): boolean => {
  const others = [...rooms].filter(([other]) => other !== node).map(([, room]) => room);
  const before = others.map(({ free }) => free);
  if (firstFit(node.pods, others).length === 0) return true;
  for (const [i, room] of others.entries()) room.free = before[i] as number;
  return false;
};
