import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { blisAutoscaler } from "./blis-autoscaler.ts";
import { dynamoPlanner } from "./dynamo-planner.ts";
import { wva } from "./wva.ts";

/** Who else decides about replicas, beside the HPA. */
export const controllers = registry("name", [wva, dynamoPlanner, blisAutoscaler]);
export type ControllerSaid = z.output<typeof controllers.schema>;
