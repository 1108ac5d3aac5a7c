import { ROLE_LABEL } from "../dataplane/roles.ts";
import { type Manifest, type ObservedCluster } from "./manifest.ts";
import { workloadReaders } from "./readers/index.ts";
import { roleOf } from "./workload-role.ts";

/** A label of pods, and its values by what they do. */
export interface RoleLabels {
  readonly label: string;
  readonly prefill: readonly string[];
  readonly decode: readonly string[];
}

/** Workloads of one model, those that decode first. */
export interface RoleGroup {
  readonly members: readonly Manifest[];
  readonly roles: RoleLabels;
}

/**
 * Workloads that compute prompts for others together with those: of one namespace and model, by their labels, or by vLLM's
 * kv_role where no label says it. Where no label tells the pods apart, nothing could route by their roles, and they are left out.
 */
export const splitByRole = (workloads: readonly Manifest[], cluster: ObservedCluster): readonly RoleGroup[] => {
  const groups = new Map<string, DisaggregatedWorkload[]>();
  for (const manifest of workloads) {
    const found = disaggregated(manifest, cluster);
    if (found !== undefined) groups.set(found.key, [...(groups.get(found.key) ?? []), found]);
  }
  return [...groups.values()].flatMap((group): RoleGroup[] => {
    const roles = rolesOf(group);
    const inOrder = (["decode", "prefill"] as const).flatMap((role) => group.filter((one) => one.role === role));
    return roles === undefined ? [] : [{ members: inOrder.map(({ manifest }) => manifest), roles }];
  });
};

interface DisaggregatedWorkload {
  readonly manifest: Manifest;
  /** Namespace and model. */
  readonly key: string;
  readonly role: "prefill" | "decode";
  readonly labels: Readonly<Record<string, string>>;
}

/** vLLM's kv_role, where no label says it. */
const KV_ROLES: Readonly<Record<string, "prefill" | "decode">> = { kv_producer: "prefill", kv_consumer: "decode" };

/** @returns undefined for one that does both, or that can't be read */
const disaggregated = (manifest: Manifest, cluster: ObservedCluster): DisaggregatedWorkload | undefined => {
  const read = workloadReaders.find(({ kind }) => kind === manifest.kind)?.read(manifest, cluster);
  if (read?.ok !== true) return undefined;
  const { arguments: said, labels, ref } = read.value;
  const byLabel = roleOf(labels);
  const role = byLabel === "both" ? KV_ROLES[String(said.json("kv-transfer-config")?.value.kv_role)] : byLabel;
  const model = (said.firstText("served-model-name") ?? said.text("model"))?.value;
  return role === undefined || model === undefined
    ? undefined
    : { manifest, key: `${ref.namespace} ${model}`, role, labels };
};

/** The label by which pods of the one role are told from those of the other: that of the role itself before others. */
const rolesOf = (group: readonly DisaggregatedWorkload[]): RoleLabels | undefined => {
  const all = new Set(group.flatMap(({ labels }) => Object.keys(labels)));
  for (const label of [ROLE_LABEL, ...all]) {
    if (group.some(({ labels }) => labels[label] === undefined)) continue;
    const valuesOf = (wanted: string): string[] => [
      ...new Set(group.flatMap(({ role, labels }) => (role === wanted ? [labels[label] as string] : []))),
    ];
    const [prefill, decode] = [valuesOf("prefill"), valuesOf("decode")];
    if (prefill.length === 0 || decode.length === 0) return undefined;
    if (!prefill.some((value) => decode.includes(value))) return { label, prefill, decode };
  }
  return undefined;
};
