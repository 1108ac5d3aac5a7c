import * as z from "zod";
import { NEVER } from "../../../sim/time.ts";
import { NO_CHANGE, nodeAutoscaler } from "../node-autoscaler.ts";

/** Nobody: the nodes that there are at the start stay. */
export const none = nodeAutoscaler({
  name: "None",
  summary: "the nodes that there are",
  params: () => z.object({}),
  create: () => ({ due: NEVER, unschedulable: () => undefined, changed: () => undefined, look: () => NO_CHANGE }),
});
