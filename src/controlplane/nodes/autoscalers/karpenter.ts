import * as z from "zod";
import { durationOf, durationText } from "../../../model/duration.ts";
import { NEVER, type SimTime } from "../../../sim/time.ts";
import { biggestFirst, firstFit, movesInto, packInto, type Room, roomOf } from "../bin-packing.ts";
import type { Node, NodePool, Nodes, PlacedPod } from "../node.ts";
import { NO_CHANGE, type NodeAutoscaler, type NodePlan, nodeAutoscaler, overdue } from "../node-autoscaler.ts";

const params = () =>
  z.object({
    batchIdleDuration: durationText.default("1s").meta({ description: "--batch-idle-duration" }),
    batchMaxDuration: durationText.default("10s").meta({ description: "--batch-max-duration" }),
    consolidateAfter: durationText.default("0s").meta({
      description: "disruption.consolidateAfter: how long no pod came or went before a node may be given back.",
    }),
    consolidationPolicy: z
      .enum(["WhenEmptyOrUnderutilized", "WhenEmpty", "Never"])
      .default("WhenEmptyOrUnderutilized")
      .meta({ description: "disruption.consolidationPolicy; Never: consolidateAfter is Never." }),
    budgetPercent: z
      .int()
      .min(0)
      .max(100)
      .default(10)
      .meta({ description: "disruption.budgets: nodes of a pool that may go at a time, rounded up." }),
    budgetNodes: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .meta({ description: "disruption.budgets as a number, if that is less. Left out: budgetPercent alone." }),
    gpuLimit: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .meta({ description: "limits of nvidia.com/gpu, of each pool. Left out: as many as maxNodes has." }),
  });

/** pollingPeriod of the disruption controller; commandValidationDelay; registrationTimeout of a NodeClaim. */
const POLL = 10e6;
const VALIDATION = 15e6;
const REGISTRATION = 15 * 60e6;

/**
 * Karpenter: pods that fit nowhere are gathered until none came for the idle time, at most for the batch's; then, the
 * biggest first, they get room on nodes that are there or on their way, and on new ones of the pool with the highest weight
 * that may take them. Nodes that are empty, or whose pods all fit on other nodes, are given back, within the budget of
 * their pool; one node at a time where pods have to move. A command is carried out after a delay, if it still holds.
 *
 * Source: pkg/controllers/provisioning/batcher.go, provisioning/scheduling, disruption/emptiness.go,
 * disruption/singlenodeconsolidation.go, kubernetes-sigs/karpenter v1.9 (22664681). Left out: the choice among instance
 * types (a pool here has one), several nodes in one command, replacing nodes by cheaper ones, drift and expiry.
 */
class Karpenter implements NodeAutoscaler {
  readonly #said: z.output<ReturnType<typeof params>>;
  /** The batch that is gathered. */
  #opened: number | undefined;
  #closes: SimTime = NEVER;
  #poll: SimTime = NEVER;
  #polled = -1;
  /** What is to be given back if it still may at `at`. */
  #command: { readonly nodes: readonly Node[]; readonly at: SimTime } | undefined;

  constructor(said: z.output<ReturnType<typeof params>>) {
    this.#said = said;
  }

  get due(): SimTime {
    return Math.min(this.#closes, this.#poll) as SimTime;
  }

  unschedulable(now: SimTime): void {
    this.#opened ??= now;
    const idle = now + durationOf(this.#said.batchIdleDuration);
    this.#closes = Math.min(idle, this.#opened + durationOf(this.#said.batchMaxDuration)) as SimTime;
  }

  changed(now: SimTime): void {
    this.#pollAt(now);
  }

  look(now: SimTime, nodes: Nodes, waiting: readonly PlacedPod[]): NodePlan {
    const late = overdue(nodes, now, REGISTRATION);
    const add = now >= this.#closes || late.length > 0 ? this.#provision(nodes, waiting, late) : [];
    const idle = now >= this.#poll ? this.#consolidate(now, nodes) : [];
    const remove = [...late, ...idle];
    for (const node of nodes.all) {
      if (node.phase === "provisioning" && !late.includes(node)) this.#pollAt(node.created + REGISTRATION);
    }
    return add.length + remove.length === 0 ? NO_CHANGE : { add, remove };
  }

  #provision(nodes: Nodes, waiting: readonly PlacedPod[], late: readonly Node[]): NodePlan["add"] {
    this.#opened = undefined;
    this.#closes = NEVER;
    const there = [...nodes.all].filter(({ phase }) => phase === "ready" || phase === "provisioning");
    let rest = firstFit(biggestFirst(waiting), there.filter((node) => !late.includes(node)).map(roomOf));
    const add: { pool: NodePool; count: number }[] = [];
    for (const pool of byWeight(nodes.pools)) {
      if (rest.length === 0) break;
      const { count, pods } = packInto(pool, rest, this.#mostOf(pool) - nodes.sizeOf(pool));
      if (count === 0) continue;
      add.push({ pool, count });
      const taken = new Set(pods);
      rest = rest.filter((pod) => !taken.has(pod));
    }
    return add;
  }

  #mostOf({ maxNodes, gpusPerNode }: NodePool): number {
    const { gpuLimit } = this.#said;
    return gpuLimit === undefined ? maxNodes : Math.min(maxNodes, Math.floor(gpuLimit / gpusPerNode));
  }

  #consolidate(now: SimTime, nodes: Nodes): readonly Node[] {
    this.#polled = now;
    this.#poll = NEVER;
    if (this.#said.consolidationPolicy === "Never") return [];
    const command = this.#command;
    if (command !== undefined && now < command.at) {
      this.#poll = command.at;
      return [];
    }
    this.#command = undefined;
    const wish = this.#wish(now, nodes);
    if (command === undefined) {
      if (wish.length > 0) {
        this.#poll = (now + VALIDATION) as SimTime;
        this.#command = { nodes: wish, at: this.#poll };
      }
      return [];
    }
    const still = command.nodes.every((node) => wish.includes(node));
    this.#pollAt(now + POLL);
    return still ? command.nodes : [];
  }

  /** Empty nodes, else one whose pods fit elsewhere. */
  #wish(now: SimTime, nodes: Nodes): readonly Node[] {
    const after = durationOf(this.#said.consolidateAfter);
    const left = new Map(nodes.pools.map((pool) => [pool, this.#budget(pool, nodes)]));
    const rooms = new Map<Node, Room>();
    for (const node of nodes.all) if (node.phase === "ready") rooms.set(node, roomOf(node));
    const candidates: Node[] = [];
    for (const node of rooms.keys()) {
      const from = node.lastPodEvent + after;
      if (nodes.sizeOf(node.pool) <= node.pool.minNodes || (left.get(node.pool) ?? 0) <= 0) continue;
      if (from > now) this.#pollAt(from);
      else candidates.push(node);
    }
    const empty = candidates.filter((node) => node.empty && take(left, node.pool));
    if (empty.length > 0 || this.#said.consolidationPolicy === "WhenEmpty") return empty;
    const moved = candidates
      .filter((node) => node.pods.every(({ evictable }) => evictable))
      .sort((a, b) => savings(b) - savings(a))
      .find((node) => movesInto(node, rooms));
    return moved === undefined ? [] : [moved];
  }

  /** Nodes of a pool that may go now: of its budget, less those that go already, and down to its least. */
  #budget(pool: NodePool, nodes: Nodes): number {
    const size = nodes.sizeOf(pool);
    const going = [...nodes.all].filter((node) => node.pool === pool && node.phase === "draining").length;
    const { budgetPercent, budgetNodes = Number.POSITIVE_INFINITY } = this.#said;
    const budget = Math.min(Math.ceil(((size + going) * budgetPercent) / 100), budgetNodes) - going;
    return Math.min(budget, size - pool.minNodes);
  }

  /** On the controller's own beat. */
  #pollAt(at: number): void {
    const beat = Math.ceil(Math.max(at, this.#polled + 1) / POLL) * POLL;
    if (beat < this.#poll) this.#poll = beat as SimTime;
  }
}

const take = (left: Map<NodePool, number>, pool: NodePool): boolean => {
  const before = left.get(pool) ?? 0;
  if (before > 0) left.set(pool, before - 1);
  return before > 0;
};

const byWeight = (pools: readonly NodePool[]): readonly NodePool[] =>
  [...pools].sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1));

/** What a node costs by what it costs to move its pods: one for the node and one for each pod. A node without a price saves its GPUs. */
const savings = ({ pool, pods }: Node): number => (pool.gpusPerNode * (pool.pricePerGpuHour ?? 1)) / (1 + pods.length);

export const karpenter = nodeAutoscaler({
  name: "Karpenter",
  summary: "Karpenter 1.9: batches of pending pods, consolidation, budgets, limits",
  params,
  create: (said) => new Karpenter(said),
});
