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
