import * as z from "zod";
import { filter, keepWhere } from "../filter.ts";
import { DECODE_ROLES, hasRole } from "../roles.ts";

/** Pods for decoding, and pods without a role (llm-d-router v0.9). */
export const decodeRole = filter({
  name: "decode-filter",
  summary: "keep pods whose role label says decode",
  params: () => z.object({}),
  create: () => ({
    blind: true,
    keep: (ask, into) => keepWhere(ask, into, (endpoint) => hasRole(endpoint, DECODE_ROLES, true)),
  }),
});
