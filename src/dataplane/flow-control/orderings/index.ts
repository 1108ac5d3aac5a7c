import * as z from "zod";
import { registry } from "../../../model/plugin.ts";
import { edfOrderingPolicy } from "./edf-ordering-policy.ts";
import { fcfsOrderingPolicy } from "./fcfs-ordering-policy.ts";
import { fifo } from "./fifo.ts";
import { priority } from "./priority.ts";
import { sloDeadline } from "./slo-deadline.ts";
import { sloDeadlineOrderingPolicy } from "./slo-deadline-ordering-policy.ts";

/** Who goes first within a flow of the gateway's queue. */
export const orderings = registry("type", [
  fcfsOrderingPolicy,
  edfOrderingPolicy,
  sloDeadlineOrderingPolicy,
  fifo,
  priority,
  sloDeadline,
]);
export type OrderingSaid = z.output<typeof orderings.schema>;
