import type { Endpoint } from "../model/endpoint.ts";

/** Label and values by which llm-d-router v0.9 tells what a pod is for. */
export const ROLE_LABEL = "llm-d.ai/role";

export const DECODE_ROLES: readonly string[] = ["decode", "prefill-decode", "both", "encode-prefill-decode"];
export const PREFILL_ROLES: readonly string[] = [
  "prefill",
  "encode-prefill",
  "prefill-decode",
  "both",
  "encode-prefill-decode",
];
export const ENCODE_ROLES: readonly string[] = ["encode", "encode-prefill", "encode-prefill-decode"];

/** Whether a pod has one of the roles. @param unlabelled what holds for pods that say nothing */
export const hasRole = (
  { labels }: Pick<Endpoint, "labels">,
  roles: readonly string[],
  unlabelled: boolean,
): boolean => {
  const role = labels[ROLE_LABEL];
  return role === undefined ? unlabelled : roles.includes(role);
};
