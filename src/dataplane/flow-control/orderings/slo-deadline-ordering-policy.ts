import * as z from "zod";
import { NEVER } from "../../../sim/time.ts";
import { ordering } from "../ordering.ts";

/**
 * Earliest arrival + target of the first token (header `x-llm-d-slo-ttft-ms`) first; whoever names none goes last.
 * Source: llm-d-router (August 2026), flowcontrol/ordering/slodeadline.
 */
export const sloDeadlineOrderingPolicy = ordering({
  name: "slo-deadline-ordering-policy",
  summary: "whose first token is due first, by the target that its client names",
  params: () => z.object({}),
  create: () => ({ key: (head) => (head.sloTtft === undefined ? NEVER : head.arrival + head.sloTtft) }),
});
