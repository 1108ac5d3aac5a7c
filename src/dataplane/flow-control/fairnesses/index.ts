import * as z from "zod";
import { registry } from "../../../model/plugin.ts";
import { globalStrictFairnessPolicy } from "./global-strict-fairness-policy.ts";
import { programAwareFairness } from "./program-aware-fairness.ts";
import { roundRobinFairnessPolicy } from "./round-robin-fairness-policy.ts";

/** How the flows of a band share it. */
export const fairnesses = registry("type", [
  globalStrictFairnessPolicy,
  roundRobinFairnessPolicy,
  programAwareFairness,
]);
export type FairnessSaid = z.output<typeof fairnesses.schema>;
