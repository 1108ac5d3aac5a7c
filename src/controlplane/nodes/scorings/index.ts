import type * as z from "zod";
import { registry } from "../../../model/plugin.ts";
import { leastAllocated } from "./least-allocated.ts";
import { mostAllocated } from "./most-allocated.ts";

/** How kube-scheduler rates the nodes that fit. */
export const nodeScorings = registry("strategy", [leastAllocated, mostAllocated]);
export type ScoringSaid = z.output<typeof nodeScorings.schema>;
