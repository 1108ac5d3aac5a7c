import type { NodePhase } from "../../model/fact.ts";
import type { SimTime } from "../../sim/time.ts";

/*
 * nodes/ is what stands under the pods: machines with GPUs, who places pods on them (gpu-scheduler.ts), who asks for more of
 * them and gives them back (autoscalers/), images and weights on their way to them. Pure; the world holds time and pods.
 */

/** core/v1 Taint. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

/** core/v1 Toleration. Without key: any; without effect: all. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: "Exists" | "Equal";
  readonly value?: string;
  readonly effect?: Taint["effect"];
}

/** core/v1 NodeSelectorRequirement. */
export interface NodeRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
  readonly values: readonly string[];
}

/** What a pod asks of its node. All pods of one template share one object. */
export interface PodPlacement {
  /** nvidia.com/gpu, all on one node. */
  readonly gpus: number;
  /** Of its PriorityClass; bigger goes first. */
  readonly priority: number;
  /** Whether pods of lower priority have to make room for it. Left out: they have to. */
  readonly preempts?: false;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Terms of required node affinity: one of them must hold, with all its requirements. Empty: no affinity. */
  readonly affinity: readonly (readonly NodeRequirement[])[];
  readonly tolerations: readonly Toleration[];
}

/** Machines of one kind, which come and go together with nobody else. */
export interface NodePool {
  readonly name: string;
  readonly gpusPerNode: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly minNodes: number;
  readonly maxNodes: number;
  /** Of Karpenter: pools of higher weight are asked first. */
  readonly weight: number;
  /** For one GPU. Left out: nobody said, and nothing is taken for it. */
  readonly pricePerGpuHour?: number;
}

/** A pod on a node, or waiting for one. */
export interface PlacedPod {
  readonly name: string;
  readonly placement: PodPlacement;
  /** Since when it waits for a node. */
  readonly queued: SimTime;
  /** Whether an autoscaler of nodes may move it now. */
  readonly evictable: boolean;
}

/** One machine. */
export class Node {
  readonly name: string;
  readonly pool: NodePool;
  /** When it was asked for. */
  readonly created: SimTime;
  phase: NodePhase = "provisioning";
  /** When it could take pods first. */
  readySince: SimTime | undefined;
  /** When a pod came or went last. */
  lastPodEvent: SimTime;
  readonly #pods = new Map<string, { readonly pod: PlacedPod; readonly since: SimTime }>();
  #taken = 0;

  constructor(name: string, pool: NodePool, created: SimTime) {
    this.name = name;
    this.pool = pool;
    this.created = created;
    this.lastPodEvent = created;
  }

  /** In the order in which they came. */
  get pods(): readonly PlacedPod[] {
    return [...this.#pods.values()].map(({ pod }) => pod);
  }

  /** When a pod of it came. */
  boundAt(name: string): SimTime | undefined {
    return this.#pods.get(name)?.since;
  }

  get empty(): boolean {
    return this.#pods.size === 0;
  }

  /** GPUs that no pod has. */
  get free(): number {
    return this.pool.gpusPerNode - this.#taken;
  }

  /** @throws if it doesn't fit: GPUs are never shared */
  bind(pod: PlacedPod, now: SimTime): void {
    if (pod.placement.gpus > this.free) throw new Error(`node ${this.name} has no room for ${pod.name}`);
    this.#pods.set(pod.name, { pod, since: now });
    this.#taken += pod.placement.gpus;
    this.lastPodEvent = now;
  }

  release(name: string, now: SimTime): void {
    const bound = this.#pods.get(name);
    if (bound === undefined) return;
    this.#pods.delete(name);
    this.#taken -= bound.pod.placement.gpus;
    this.lastPodEvent = now;
  }
}

/** The nodes that there are, in order of creation. */
export class Nodes {
  readonly pools: readonly NodePool[];
  readonly #nodes = new Map<string, Node>();
  readonly #sizes = new Map<string, number>();

  constructor(pools: readonly NodePool[]) {
    this.pools = pools;
  }

  get all(): IterableIterator<Node> {
    return this.#nodes.values();
  }

  get(name: string): Node | undefined {
    return this.#nodes.get(name);
  }

  /** Nodes of a pool, asked for or there, without those that go. */
  sizeOf(pool: NodePool): number {
    return this.#sizes.get(pool.name) ?? 0;
  }

  add(node: Node): void {
    this.#nodes.set(node.name, node);
    this.#sizes.set(node.pool.name, this.sizeOf(node.pool) + 1);
  }

  /** It takes no pods any more, and counts no longer for its pool's size. */
  drain(node: Node): void {
    if (node.phase === "draining" || node.phase === "gone") return;
    node.phase = "draining";
    this.#sizes.set(node.pool.name, this.sizeOf(node.pool) - 1);
  }

  remove(node: Node): void {
    this.drain(node);
    node.phase = "gone";
    this.#nodes.delete(node.name);
  }
}
