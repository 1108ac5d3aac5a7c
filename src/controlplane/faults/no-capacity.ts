import * as z from "zod";
import { fault, window, windowOf } from "./fault.ts";

/**
 * The cloud has no GPUs of a kind left: a node that is asked for meanwhile is provisioned when there are some again, if the
 * node autoscaler still waits for it. Cluster-autoscaler gives it up after max-node-provision-time and leaves the pool alone
 * for a while (clusterstate, release 1.36). Needs `overrides.nodes`: elsewhere there is always a node.
 */
export const noCapacity = fault({
  name: "no-capacity",
  summary: "a node pool gets no new nodes",
  params: () =>
    z.object({
      ...window,
      pool: z.string().max(253).default("").meta({ description: "Name of the node pool. Empty: all." }),
    }),
  create: ({ pool, ...said }) => ({ ...windowOf(said), withoutNodes: pool }),
});
