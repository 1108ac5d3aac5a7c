import * as z from "zod";
import { filter, keepWhere } from "../filter.ts";
import { hasRole, PREFILL_ROLES } from "../roles.ts";

/** Pods for prefill; pods without a role are none (llm-d-router v0.9). */
export const prefillRole = filter({
  name: "prefill-filter",
  summary: "keep pods whose role label says prefill",
  params: () => z.object({}),
  create: () => ({
    blind: true,
    keep: (ask, into) => keepWhere(ask, into, (endpoint) => hasRole(endpoint, PREFILL_ROLES, false)),
  }),
});
