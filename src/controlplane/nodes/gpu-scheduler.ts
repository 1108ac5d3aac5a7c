import type { Rng } from "../../sim/rng.ts";
import type { SimTime } from "../../sim/time.ts";
import type { Node, Nodes, PlacedPod, PodPlacement } from "./node.ts";
import { fits, suits } from "./node-fit.ts";
import { findVictims, type Preempting } from "./preemption.ts";
import type { NodeScoring } from "./scoring.ts";

export interface Binding {
  readonly pod: PlacedPod;
  readonly node: Node;
}

/**
 * kube-scheduler, for pods whose scarce resource is GPUs: who is first in the queue (priority, then how long it waits) gets
 * the best-rated of the nodes that fit it, by chance among equals. What fits nowhere pushes out pods of lower priority and is
 * nominated for their node, whose room no pod of lower priority gets meanwhile; or it waits, and is tried again when capacity
 * came free. Without gangs: pods of one group are placed one by one.
 *
 * Source: PrioritySort (plugins/queuesort), selectHost and prioritizeNodes (schedule_one.go), RunFilterPluginsWithNominatedPods,
 * PodEligibleToPreemptOthers (plugins/defaultpreemption), Kubernetes v1.36. Left out: the back-off of 1 to 10 s before a pod
 * is tried again, other resources than GPUs, sampling of nodes in clusters of more than 100.
 */
export class GpuScheduler {
  readonly #nodes: Nodes;
  readonly #scoring: NodeScoring;
  readonly #rng: Rng;
  readonly #preempting: Preempting | undefined;
  /** In order of the queue. */
  #waiting: PlacedPod[] = [];
  /** Waiting pods that have pushed others out, and the nodes whose room they get. */
  readonly #nominated = new Map<string, Nomination>();
  /** Of all pods so far: who isn't above it has nobody to push out. */
  #lowest = Number.POSITIVE_INFINITY;

  /**
   * @param rng for ties; drawn from only where there are any
   * @param preempting left out: nobody is pushed out
   */
  constructor(nodes: Nodes, scoring: NodeScoring, rng: Rng, preempting?: Preempting) {
    this.#nodes = nodes;
    this.#scoring = scoring;
    this.#rng = rng;
    this.#preempting = preempting;
  }

  /** Pods without a node, first in the queue first. */
  get waiting(): readonly PlacedPod[] {
    return this.#waiting;
  }

  /** Those of them that no node will have room for: the ones that node autoscalers look at (Karpenter's IsProvisionable). */
  get unplaced(): readonly PlacedPod[] {
    return this.#nominated.size === 0 ? this.#waiting : this.#waiting.filter(({ name }) => !this.#nominated.has(name));
  }

  add(pod: PlacedPod): void {
    this.#lowest = Math.min(this.#lowest, pod.placement.priority);
    let at = this.#waiting.length;
    while (at > 0 && precedes(pod, this.#waiting[at - 1] as PlacedPod)) at -= 1;
    this.#waiting.splice(at, 0, pod);
  }

  /** A pod that is deleted before it got a node. */
  drop(name: string): void {
    const at = this.#waiting.findIndex((pod) => pod.name === name);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#nominated.delete(name);
  }

  /** Places what can be placed now. A placement that fitted nowhere isn't tried again in the same pass. */
  schedule(now: SimTime): readonly Binding[] {
    const bindings: Binding[] = [];
    const nowhere = new Set<PodPlacement>();
    this.#waiting = this.#waiting.filter((pod) => {
      // A node that is kept for one pod is no room for another of its placement.
      const node = nowhere.has(pod.placement) && !this.#nominated.has(pod.name) ? undefined : this.#best(pod);
      if (node === undefined) {
        nowhere.add(pod.placement);
        this.#preempt(pod);
        return true;
      }
      node.bind(pod, now);
      this.#nominated.delete(pod.name);
      bindings.push({ pod, node });
      return false;
    });
    return bindings;
  }

  #best(pod: PlacedPod): Node | undefined {
    const { placement } = pod;
    let best: Node[] = [];
    let most = Number.NEGATIVE_INFINITY;
    for (const node of this.#nodes.all) {
      if (!fits(placement, node, this.#roomOn(node, pod))) continue;
      const { gpusPerNode } = node.pool;
      const score = this.#scoring.score(gpusPerNode - node.free + placement.gpus, gpusPerNode);
      if (score > most) [best, most] = [[node], score];
      else if (score === most) best.push(node);
    }
    return best.length < 2 ? best[0] : best[this.#rng.below(best.length)];
  }

  /** GPUs that are free and not kept for another pod of at least its priority. */
  #roomOn(node: Node, { name, placement: { priority } }: PlacedPod): number {
    let { free } = node;
    if (this.#nominated.size === 0) return free;
    for (const { pod, node: kept } of this.#nominated.values()) {
      if (kept === node && pod.name !== name && pod.placement.priority >= priority) free -= pod.placement.gpus;
    }
    return free;
  }

  #preempt(pod: PlacedPod): void {
    const host = this.#preempting;
    const { placement } = pod;
    if (host === undefined || placement.preempts === false || placement.priority <= this.#lowest) return;
    if (this.#awaitsVictims(pod, host)) return;
    this.#nominated.delete(pod.name);
    const found = findVictims(pod, this.#nodes.all, (node) => this.#roomOn(node, pod), host);
    if (found === undefined) return;
    for (const [name, { pod: other, node }] of this.#nominated) {
      if (node === found.node && other.placement.priority < placement.priority) this.#nominated.delete(name);
    }
    this.#nominated.set(pod.name, { pod, node: found.node, victims: new Set(found.victims.map(({ name }) => name)) });
    const victims = found.victims.filter((one) => !host.leaving(one));
    if (victims.length > 0) host.preempt(pod, victims);
  }

  /** Whether pods that it has pushed out, or others that go, still have GPUs of its node. */
  #awaitsVictims(pod: PlacedPod, host: Preempting): boolean {
    const nominated = this.#nominated.get(pod.name);
    if (nominated === undefined) return false;
    const { node, victims } = nominated;
    if (node.phase !== "ready" || !suits(pod.placement, node.pool)) return false;
    return node.pods.some(
      (one) => one.placement.priority < pod.placement.priority && (victims.has(one.name) || host.leaving(one)),
    );
  }
}

interface Nomination {
  readonly pod: PlacedPod;
  readonly node: Node;
  /** Names of those that it has pushed out. */
  readonly victims: ReadonlySet<string>;
}

const precedes = (a: PlacedPod, b: PlacedPod): boolean =>
  a.placement.priority === b.placement.priority ? a.queued < b.queued : a.placement.priority > b.placement.priority;
