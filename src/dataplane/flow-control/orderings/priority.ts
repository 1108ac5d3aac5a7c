import * as z from "zod";
import { ordering } from "../ordering.ts";

/** BLIS's dispatch order of that name: bands from high to low, and by arrival within one (sim/cluster/gateway_queue.go). */
export const priority = ordering({
  name: "priority",
  summary: "bands from high to low and by arrival within one, as BLIS's `priority`",
  params: () => z.object({}),
  create: () => ({ key: (_head, enqueuedAt) => enqueuedAt }),
});
