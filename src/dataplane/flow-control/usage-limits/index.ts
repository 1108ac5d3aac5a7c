import * as z from "zod";
import { registry } from "../../../model/plugin.ts";
import { interpolated } from "./interpolated.ts";
import { priorityHoldbackPolicy } from "./priority-holdback-policy.ts";
import { softReflectiveCeilingPolicy } from "./soft-reflective-ceiling-policy.ts";
import { staticUsageLimitPolicy } from "./static-usage-limit-policy.ts";

/** Up to which saturation each band may send requests out. */
export const usageLimits = registry("type", [
  staticUsageLimitPolicy,
  priorityHoldbackPolicy,
  softReflectiveCeilingPolicy,
  interpolated,
]);
export type UsageLimitSaid = z.output<typeof usageLimits.schema>;
