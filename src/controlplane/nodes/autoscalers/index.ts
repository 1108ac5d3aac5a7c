import type * as z from "zod";
import { registry } from "../../../model/plugin.ts";
import { clusterAutoscaler } from "./cluster-autoscaler.ts";
import { karpenter } from "./karpenter.ts";
import { none } from "./none.ts";

/** Who asks for nodes and gives them back. */
export const nodeAutoscalers = registry("kind", [none, clusterAutoscaler, karpenter]);
export type NodeAutoscalerSaid = z.output<typeof nodeAutoscalers.schema>;
