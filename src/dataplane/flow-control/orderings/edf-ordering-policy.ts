import * as z from "zod";
import { NEVER } from "../../../sim/time.ts";
import { ordering } from "../ordering.ts";

/**
 * Earliest end of its time in the queue first; whoever may wait for ever goes last. Source: llm-d-router (August 2026),
 * flowcontrol/ordering/edf. No request has a budget of its own there yet, so this comes to the same as first come, first served.
 */
export const edfOrderingPolicy = ordering({
  name: "edf-ordering-policy",
  summary: "whose time in the queue ends first",
  params: () => z.object({}),
  create: () => ({ key: (_head, enqueuedAt, ttl) => (ttl > 0 ? enqueuedAt + ttl : NEVER) }),
});
