import * as z from "zod";
import { ordering } from "../ordering.ts";

/**
 * BLIS's dispatch order of that name (its default). Its gated dispatch goes through the bands from high to low all the same,
 * and within a band by arrival (sim/cluster/gateway_queue.go `DequeueGated`), so that this is `priority` by another name.
 */
export const fifo = ordering({
  name: "fifo",
  summary: "by arrival, as BLIS's `fifo`; bands go from high to low all the same",
  params: () => z.object({}),
  create: () => ({ key: (_head, enqueuedAt) => enqueuedAt }),
});
