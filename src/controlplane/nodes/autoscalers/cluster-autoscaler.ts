import * as z from "zod";
import { durationOf, durationText } from "../../../model/duration.ts";
import type { Rng } from "../../../sim/rng.ts";
import { instant, NEVER, type SimTime } from "../../../sim/time.ts";
import { firstFit, movesInto, type Packing, packInto, type Room, roomOf } from "../bin-packing.ts";
import type { Node, NodePool, Nodes, PlacedPod } from "../node.ts";
import { NO_CHANGE, type NodeAutoscaler, type NodePlan, nodeAutoscaler, overdue } from "../node-autoscaler.ts";

const params = () =>
  z.object({
    scanInterval: durationText.default("10s").meta({ description: "--scan-interval" }),
    expander: z.enum(["least-waste", "random"]).default("least-waste").meta({ description: "--expander" }),
    maxNodeProvisionTime: durationText.default("15m").meta({ description: "--max-node-provision-time" }),
    scaleDownDelayAfterAdd: durationText.default("10m").meta({ description: "--scale-down-delay-after-add" }),
    scaleDownUnneededTime: durationText.default("10m").meta({ description: "--scale-down-unneeded-time" }),
    scaleDownGpuUtilizationThreshold: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .meta({ description: "--scale-down-gpu-utilization-threshold" }),
  });

/** --initial-node-group-backoff-duration, --max-node-group-backoff-duration, --node-group-backoff-reset-timeout. */
const BACK_OFF = { first: 5 * 60e6, longest: 30 * 60e6, reset: 3 * 3600e6 };
/** --max-scale-down-parallelism, --max-drain-parallelism. */
const AT_ONCE = { empty: 10, drained: 1 };

interface BackOff {
  readonly length: number;
  readonly until: number;
}

/**
 * The Cluster Autoscaler: every scan interval, as long as there is something to do, it grows one pool for the pods that
 * neither the nodes nor those on their way have room for, or else gives back nodes that were unneeded long enough.
 *
 * A pool's new nodes are packed first fit, the biggest pod first; among the pools that would take pods, `least-waste` picks
 * the one that leaves the smallest share of its new nodes idle (here of GPUs; the real one adds CPU's and memory's shares).
 * A node is unneeded while less than the threshold of its GPUs is requested and its pods would fit elsewhere. Nodes that
 * didn't come in time are given up, and their pool is left alone for a while.
 *
 * Source: ScaleUpOrchestrator, expander/waste, scaledown/planner and eligibility, isScaleDownInCooldown, cluster-autoscaler
 * release 1.36 (ea47d9bb). Its scans when nothing has happened since would find nothing new and are passed over.
 */
class ClusterAutoscaler implements NodeAutoscaler {
  readonly #said: z.output<ReturnType<typeof params>>;
  readonly #rng: Rng;
  readonly #interval: number;
  readonly #unneeded = new Map<Node, SimTime>();
  readonly #backOffs = new Map<NodePool, BackOff>();
  #due: SimTime = NEVER;
  #looked = -1;
  #grown: SimTime | undefined;

  constructor(said: z.output<ReturnType<typeof params>>, rng: Rng) {
    this.#said = said;
    this.#rng = rng;
    this.#interval = durationOf(said.scanInterval);
  }

  get due(): SimTime {
    return this.#due;
  }

  unschedulable(now: SimTime): void {
    this.#wake(now);
  }

  changed(now: SimTime): void {
    this.#wake(now);
  }

  look(now: SimTime, nodes: Nodes, waiting: readonly PlacedPod[]): NodePlan {
    this.#looked = now;
    this.#due = NEVER;
    const late = overdue(nodes, now, durationOf(this.#said.maxNodeProvisionTime));
    for (const pool of new Set(late.map((node) => node.pool))) this.#giveUp(pool, now);
    const grow = this.#grow(now, nodes, waiting, late);
    if (grow !== undefined) {
      this.#grown = now;
      this.#wake((now + 1) as SimTime);
      return { add: [grow], remove: late };
    }
    const remove = [...late, ...this.#shrink(now, nodes)];
    this.#plan(now, nodes, waiting);
    return remove.length === 0 ? NO_CHANGE : { add: [], remove };
  }

  #grow(now: SimTime, nodes: Nodes, waiting: readonly PlacedPod[], late: readonly Node[]): Packing | undefined {
    if (waiting.length === 0) return undefined;
    const there = [...nodes.all].filter(
      (node) => node.phase === "ready" || (node.phase === "provisioning" && !late.includes(node)),
    );
    const rest = firstFit(waiting, there.map(roomOf));
    if (rest.length === 0) return undefined;
    const options = nodes.pools
      .filter((pool) => (this.#backOffs.get(pool)?.until ?? 0) <= now)
      .map((pool) => packInto(pool, rest, pool.maxNodes - nodes.sizeOf(pool)))
      .filter(({ pods }) => pods.length > 0);
    return this.#choose(options);
  }

  #choose(options: readonly Packing[]): Packing | undefined {
    let best = options;
    if (this.#said.expander === "least-waste") {
      const least = Math.min(...options.map(waste));
      best = options.filter((option) => waste(option) === least);
    }
    return best.length < 2 ? best[0] : best[this.#rng.below(best.length)];
  }

  /** Notes who is unneeded since when. @returns those that may go now */
  #shrink(now: SimTime, nodes: Nodes): readonly Node[] {
    const rooms = new Map<Node, Room>();
    for (const node of nodes.all) if (node.phase === "ready") rooms.set(node, roomOf(node));
    const gone = new Set(this.#unneeded.keys());
    for (const node of [...rooms.keys()]) {
      if (!this.#isUnneeded(node, rooms)) continue;
      rooms.delete(node);
      gone.delete(node);
      if (!this.#unneeded.has(node)) this.#unneeded.set(node, now);
    }
    for (const node of gone) this.#unneeded.delete(node);
    return now < this.#shrinksFrom ? [] : this.#removable(now, nodes);
  }

  #isUnneeded(node: Node, rooms: ReadonlyMap<Node, Room>): boolean {
    const { gpusPerNode } = node.pool;
    if (node.empty) return true;
    if ((gpusPerNode - node.free) / gpusPerNode >= this.#said.scaleDownGpuUtilizationThreshold) return false;
    return node.pods.every(({ evictable }) => evictable) && movesInto(node, rooms);
  }

  #removable(now: SimTime, nodes: Nodes): readonly Node[] {
    const length = durationOf(this.#said.scaleDownUnneededTime);
    const sizes = new Map(nodes.pools.map((pool) => [pool, nodes.sizeOf(pool)]));
    const left = { ...AT_ONCE };
    const draining = [...nodes.all].some(({ phase }) => phase === "draining");
    const removed: Node[] = [];
    for (const [node, since] of this.#unneeded) {
      const size = sizes.get(node.pool) ?? 0;
      const kind = node.empty ? "empty" : "drained";
      if (now - since < length || size <= node.pool.minNodes || left[kind] === 0) continue;
      if (kind === "drained" && draining) continue;
      left[kind] -= 1;
      sizes.set(node.pool, size - 1);
      removed.push(node);
    }
    return removed;
  }

  get #shrinksFrom(): number {
    return this.#grown === undefined ? 0 : this.#grown + durationOf(this.#said.scaleDownDelayAfterAdd);
  }

  #giveUp(pool: NodePool, now: SimTime): void {
    const before = this.#backOffs.get(pool);
    const again = before !== undefined && now - before.until < BACK_OFF.reset;
    const length = again ? Math.min(2 * before.length, BACK_OFF.longest) : BACK_OFF.first;
    this.#backOffs.set(pool, { length, until: now + length });
  }

  /** Without a change from outside: when a node is late, unneeded long enough, or a pool may be tried again. */
  #plan(now: SimTime, nodes: Nodes, waiting: readonly PlacedPod[]): void {
    const provision = durationOf(this.#said.maxNodeProvisionTime);
    for (const { phase, created } of nodes.all) if (phase === "provisioning") this.#wake(created + provision, now);
    if (waiting.length > 0) {
      for (const { until } of this.#backOffs.values()) if (until > now) this.#wake(until, now);
    }
    for (const [node, since] of this.#unneeded) {
      if (nodes.sizeOf(node.pool) <= node.pool.minNodes) continue;
      this.#wake(Math.max(since + durationOf(this.#said.scaleDownUnneededTime), this.#shrinksFrom), now);
    }
  }

  /** Looks at the first scan at or after `at` that wasn't taken. */
  #wake(at: number, now: number = at): void {
    const from = Math.max(at, now, this.#looked + 1);
    const scan = instant(Math.ceil(from / this.#interval) * this.#interval);
    if (scan < this.#due) this.#due = scan;
  }
}

const waste = ({ pool, count, pods }: Packing): number => {
  const there = pool.gpusPerNode * count;
  return (there - pods.reduce((sum, { placement }) => sum + placement.gpus, 0)) / there;
};

export const clusterAutoscaler = nodeAutoscaler({
  name: "ClusterAutoscaler",
  summary: "Cluster Autoscaler 1.36: scans, grows one pool at a time, gives back what is long unneeded",
  params,
  create: (said, { rng }) => new ClusterAutoscaler(said, rng),
});
