import * as z from "zod";
import { stateless, usageLimit } from "../usage-limit.ts";

/** All bands up to a saturation of 1. Source: llm-d-router (August 2026), flowcontrol/usagelimits: the EPP's default. */
export const staticUsageLimitPolicy = usageLimit({
  name: "static-usage-limit-policy",
  summary: "every band up to a saturation of 1: the EPP's default",
  params: () => z.object({}),
  create: () =>
    stateless((_saturation, priorities, ceilings) => {
      for (let i = 0; i < priorities.length; i += 1) ceilings[i] = 1;
    }),
});
