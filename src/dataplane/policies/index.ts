import * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { leastQueue } from "./least-queue.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round-robin.ts";

/** How the gateway picks a replica. */
export const routingPolicies = registry("policy", [roundRobin, leastQueue, random]);
export type PolicySaid = z.output<typeof routingPolicies.schema>;
