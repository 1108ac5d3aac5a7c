import { kindOf } from "../../model/plugin.ts";
import type { Rng } from "../../sim/rng.ts";
import type { SimTime } from "../../sim/time.ts";
import type { Node, NodePool, Nodes, PlacedPod } from "./node.ts";

/** What is to become of the nodes. */
export interface NodePlan {
  readonly add: readonly { readonly pool: NodePool; readonly count: number }[];
  /** To be emptied, by evicting their pods, and given back. */
  readonly remove: readonly Node[];
}

export const NO_CHANGE: NodePlan = { add: [], remove: [] };

/** Asks for nodes where pods find none, and gives back those that aren't needed. It keeps what the real one keeps in memory. */
export interface NodeAutoscaler {
  /** When it looks next; NEVER while nothing happens that it would act on. */
  readonly due: SimTime;
  /** A pod came that fits nowhere. */
  unschedulable(now: SimTime): void;
  /** Nodes or what is on them changed. */
  changed(now: SimTime): void;
  /** @param waiting pods without a node; changes nothing of what it is given */
  look(now: SimTime, nodes: Nodes, waiting: readonly PlacedPod[]): NodePlan;
}

export const nodeAutoscaler = kindOf<{ readonly rng: Rng }, NodeAutoscaler>();

/** Nodes that were asked for and didn't come in time. */
export const overdue = (nodes: Nodes, now: SimTime, micros: number): readonly Node[] =>
  [...nodes.all].filter(({ phase, created }) => phase === "provisioning" && now - created >= micros);
