import * as z from "zod";
import { fault, window, windowOf } from "./fault.ts";

/**
 * The cloud has no GPUs of a kind left: node autoscalers ask in vain. Cluster-autoscaler gives up on a group for a while
 * after a failure (clusterstate backoff) and tries again; pods stay Pending.
 */
export const noCapacity = fault({
  name: "no-capacity",
  summary: "a node pool gets no new nodes",
  params: z.object({
    ...window,
    pool: z.string().max(253).default("").meta({ description: "Name of the node pool. Empty: all." }),
  }),
  create: ({ pool, ...said }) => ({ ...windowOf(said), withoutNodes: pool }),
});
