import type { RequestHead } from "../model/request.ts";

/**
 * BLIS's classes and the priorities that stand for them: more is more important, and below 0 may be shed.
 * Source: inference-sim (August 2026), `SLOPriorityMap`; the scale is GIE's.
 */
export const CLASS_PRIORITY: Readonly<Record<string, number>> = {
  critical: 4,
  standard: 3,
  batch: -1,
  sheddable: -2,
  background: -3,
};

/** What a request's class means here. */
export interface PriorityOf {
  (head: Pick<RequestHead, "sloClass">): number;
}

/**
 * - `classes`: BLIS's five; a class that is missing or unknown is `standard`. `said` overrides and adds.
 * - `objectives`: the priorities of the InferenceObjectives `said`; whoever names none of them has 0, as in the EPP.
 */
export const priorityBy = (scheme: "classes" | "objectives", said: Readonly<Record<string, number>>): PriorityOf => {
  const table = new Map(Object.entries(scheme === "classes" ? { ...CLASS_PRIORITY, ...said } : said));
  const otherwise = scheme === "classes" ? (table.get("standard") as number) : 0;
  return ({ sloClass }) => (sloClass === undefined ? otherwise : (table.get(sloClass) ?? otherwise));
};

/** Below 0: may be refused or evicted. Source: llm-d-router, pkg/epp/util/request `IsSheddable`; BLIS alike. */
export const isSheddable = (priority: number): boolean => priority < 0;

/** The class as a vLLM priority, where smaller is sooner. Source: BLIS. `most` is the largest priority of the map. */
export const enginePriority = (priority: number, most: number = CLASS_PRIORITY["critical"] as number): number =>
  most - priority;
