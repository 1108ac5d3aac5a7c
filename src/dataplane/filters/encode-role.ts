import * as z from "zod";
import { filter, keepWhere } from "../filter.ts";
import { ENCODE_ROLES, hasRole } from "../roles.ts";

/** Pods for encoding; pods without a role are none (llm-d-router v0.9). */
export const encodeRole = filter({
  name: "encode-filter",
  summary: "keep pods whose role label says encode",
  params: () => z.object({}),
  create: () => ({
    blind: true,
    keep: (ask, into) => keepWhere(ask, into, (endpoint) => hasRole(endpoint, ENCODE_ROLES, false)),
  }),
});
