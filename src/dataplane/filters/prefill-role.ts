import * as z from "zod";
import { filter, keepWhere } from "../filter.ts";
import { PREFILL_ROLES, ROLE_LABEL } from "../roles.ts";

/** Pods for prefill; pods without a role are none (llm-d-router v0.9). */
export const prefillRole = filter({
  name: "prefill-filter",
  summary: "keep pods whose role label says prefill",
  params: z.object({}),
  create: () => ({
    blind: true,
    keep: (ask, into) =>
      keepWhere(ask, into, ({ labels }) => {
        const role = labels[ROLE_LABEL];
        return role !== undefined && PREFILL_ROLES.includes(role);
      }),
  }),
});
