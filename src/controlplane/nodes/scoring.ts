import * as z from "zod";
import { kindOf } from "../../model/plugin.ts";

/** Rates nodes that fit a pod: the one with the highest score gets it. */
export interface NodeScoring {
  /** @param allocatable GPUs of the node; @param requested of them once the pod is there; @returns 0 to 100 */
  score(requested: number, allocatable: number): number;
}

export const nodeScoring = kindOf<undefined, NodeScoring>();

/** kube-scheduler's framework.MaxNodeScore. */
export const MAX_NODE_SCORE = 100;

export const noParameters = () => z.object({});
