import { DECODE_ROLES, hasRole, PREFILL_ROLES } from "../dataplane/roles.ts";

/** What the replicas of a workload are for, by the label that the endpoint picker goes by. */
export const roleOf = (labels: Readonly<Record<string, string>> = {}): "prefill" | "decode" | "both" => {
  const [prefills, decodes] = [PREFILL_ROLES, DECODE_ROLES].map((roles) => hasRole({ labels }, roles, false));
  return prefills === decodes ? "both" : prefills ? "prefill" : "decode";
};
