import type { Rng } from "../../sim/rng.ts";
import type { SimTime } from "../../sim/time.ts";
import type { Node, Nodes, PlacedPod, PodPlacement } from "./node.ts";
import { fits } from "./node-fit.ts";
import type { NodeScoring } from "./scoring.ts";

export interface Binding {
  readonly pod: PlacedPod;
  readonly node: Node;
}

/**
 * kube-scheduler, for pods whose scarce resource is GPUs: who is first in the queue (priority, then how long it waits) gets
 * the best-rated of the nodes that fit it, by chance among equals. What fits nowhere waits, and is tried again when
 * capacity came free. Without gangs: pods of one group are placed one by one.
 *
 * Source: PrioritySort (plugins/queuesort), selectHost and prioritizeNodes (schedule_one.go), Kubernetes v1.36. Left out:
 * preemption by priority, the back-off of 1 to 10 s before a pod is tried again, other resources than GPUs, sampling of
 * nodes in clusters of more than 100.
 */
export class GpuScheduler {
  readonly #nodes: Nodes;
  readonly #scoring: NodeScoring;
  readonly #rng: Rng;
  /** In order of the queue. */
  #waiting: PlacedPod[] = [];

  /** @param rng for ties; drawn from only where there are any */
  constructor(nodes: Nodes, scoring: NodeScoring, rng: Rng) {
    this.#nodes = nodes;
    this.#scoring = scoring;
    this.#rng = rng;
  }

  /** Pods without a node, first in the queue first. */
  get waiting(): readonly PlacedPod[] {
    return this.#waiting;
  }

  add(pod: PlacedPod): void {
    let at = this.#waiting.length;
    while (at > 0 && precedes(pod, this.#waiting[at - 1] as PlacedPod)) at -= 1;
    this.#waiting.splice(at, 0, pod);
  }

  /** A pod that is deleted before it got a node. */
  drop(name: string): void {
    const at = this.#waiting.findIndex((pod) => pod.name === name);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** Places what can be placed now. A placement that fitted nowhere isn't tried again in the same pass. */
  schedule(now: SimTime): readonly Binding[] {
    const bindings: Binding[] = [];
    const nowhere = new Set<PodPlacement>();
    this.#waiting = this.#waiting.filter((pod) => {
      if (nowhere.has(pod.placement)) return true;
      const node = this.#best(pod.placement);
      if (node === undefined) {
        nowhere.add(pod.placement);
        return true;
      }
      node.bind(pod, now);
      bindings.push({ pod, node });
      return false;
    });
    return bindings;
  }

  #best(placement: PodPlacement): Node | undefined {
    let best: Node[] = [];
    let most = Number.NEGATIVE_INFINITY;
    for (const node of this.#nodes.all) {
      if (!fits(placement, node)) continue;
      const { gpusPerNode } = node.pool;
      const score = this.#scoring.score(gpusPerNode - node.free + placement.gpus, gpusPerNode);
      if (score > most) [best, most] = [[node], score];
      else if (score === most) best.push(node);
    }
    return best.length < 2 ? best[0] : best[this.#rng.below(best.length)];
  }
}

const precedes = (a: PlacedPod, b: PlacedPod): boolean =>
  a.placement.priority === b.placement.priority ? a.queued < b.queued : a.placement.priority > b.placement.priority;
