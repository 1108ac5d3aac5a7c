import type { Fact, NodePhase } from "../model/fact.ts";
import { type SimTime, toSeconds } from "../sim/time.ts";
import { Level } from "./level.ts";
import type { NodeKpis, NodePoolKpis } from "./report.ts";
import { QuantileSketch } from "./sketch.ts";
import { summaryOf } from "./summary.ts";

/** What the fold knows of a pool of nodes from the start. */
export interface FoldedPool {
  readonly name: string;
  /** Left out: nobody said; then its cost isn't known. */
  readonly pricePerGpuHour?: number;
}

interface PoolLevels {
  readonly nodes: Level;
  readonly gpus: Level;
  readonly allocated: Level;
}

/**
 * Nodes and their GPUs over time, by pool. A node counts from when it is asked for, since it is paid from then on, until it
 * is gone; its GPUs are allocated while pods hold them, working or not.
 */
export class NodeFold {
  readonly #warmUp: SimTime;
  readonly #pools: ReadonlyMap<string, PoolLevels>;
  readonly #prices: ReadonlyMap<string, number | undefined>;
  readonly #phases = new Map<string, NodePhase>();
  readonly #waited = new QuantileSketch();

  constructor(warmUp: SimTime, pools: readonly FoldedPool[]) {
    this.#warmUp = warmUp;
    const level = (): Level => new Level(warmUp);
    this.#pools = new Map(
      pools.map(({ name }) => [name, { nodes: level(), gpus: level(), allocated: level() }] as const),
    );
    this.#prices = new Map(pools.map(({ name, pricePerGpuHour }) => [name, pricePerGpuHour]));
  }

  node({ at, node, pool, gpus, phase }: Extract<Fact, { kind: "node" }>): void {
    const levels = this.#pools.get(pool);
    const isNew = !this.#phases.has(node);
    if (phase === "gone") this.#phases.delete(node);
    else this.#phases.set(node, phase);
    const change = phase === "gone" ? -1 : isNew ? 1 : 0;
    levels?.nodes.add(change, at);
    levels?.gpus.add(change * gpus, at);
  }

  binding(fact: Extract<Fact, { kind: "binding" }>): void {
    const change = fact.event === "bound" ? fact.gpus : -fact.gpus;
    this.#pools.get(fact.pool)?.allocated.add(change, fact.at);
    if (fact.event === "bound" && fact.at >= this.#warmUp && fact.at > 0) this.#waited.observe(toSeconds(fact.waited));
  }

  kpis(now: SimTime): NodeKpis {
    const pools: Record<string, NodePoolKpis> = {};
    for (const [name, { nodes, gpus, allocated }] of this.#pools) {
      const gpuHours = gpus.area(now) / 3600;
      const price = this.#prices.get(name);
      pools[name] = {
        nodes: { min: nodes.min(now), mean: nodes.mean(now), max: nodes.max(now), atEnd: nodes.value },
        nodeHours: nodes.area(now) / 3600,
        gpuHours,
        allocatedGpuHours: allocated.area(now) / 3600,
        ...(price === undefined ? {} : { cost: gpuHours * price }),
      };
    }
    const costs = Object.values(pools).map(({ cost }) => cost);
    const known = costs.every((cost) => cost !== undefined);
    return {
      pools,
      ...(known ? { cost: costs.reduce((sum, cost) => sum + cost, 0) } : {}),
      schedulingSeconds: summaryOf(this.#waited),
    };
  }
}
