import { quantityMilli } from "../../../controlplane/hpa/quantity.ts";
import { isMapping } from "../../../model/mapping.ts";
import type { Problem } from "../../../model/problem.ts";
import { listIn, type Said, saidIn, textIn } from "../../made-spec.ts";

/** What `kvCacheOffloading` of an LLMInferenceService adds to its pods. */
export interface KvOffloading {
  /** For --kv-transfer-config; undefined: nothing is offloaded. */
  readonly config: string | undefined;
  readonly volumes: readonly Said[];
  readonly mounts: readonly Said[];
}

/**
 * @param said the part of the service's spec that may have it
 * @param place of its field `kvCacheOffloading`
 * Source: KServe v0.20, pkg/controller/v1alpha2/llmisvc: kvTransferConfig of config_merge.go, workload_kvcache.go.
 */
export const kvOffloadingOf = (
  said: Said,
  place: { readonly object: string; readonly field: string },
  problems: Problem[],
): KvOffloading => {
  const offloading = said.kvCacheOffloading;
  if (!isMapping(offloading)) return { config: undefined, volumes: [], mounts: [] };
  const bytes = bytesIn(offloading, place, problems);
  const tiers = listIn(offloading, "secondary").flatMap((tier, i) => {
    if (!isMapping(tier.fileSystem)) return [];
    return [{ name: `kv-cache-secondary-${i}`, path: `/mnt/kv-cache-${i}`, fileSystem: tier.fileSystem }];
  });
  const extra = {
    spec_name: "TieringOffloadingSpec",
    cpu_bytes_to_use: bytes,
    eviction_policy: textIn(offloading, "evictionPolicy") ?? "lru",
    ...(tiers.length === 0 ? {} : { secondary_tiers: tiers.map(({ path }) => ({ type: "fs", root_dir: path })) }),
  };
  const config = { kv_connector: "OffloadingConnector", kv_role: "kv_both", kv_connector_extra_config: extra };
  return {
    config: bytes === undefined ? undefined : JSON.stringify(config),
    volumes: tiers.map(({ name, fileSystem }) => ({ name, ...volumeOf(fileSystem) })),
    mounts: tiers.map(({ name, path }) => ({ name, mountPath: path })),
  };
};

const bytesIn = (
  { cpu }: Said,
  { object, field }: { readonly object: string; readonly field: string },
  problems: Problem[],
): number | undefined => {
  const milli = quantityMilli(typeof cpu === "number" ? cpu : String(cpu ?? ""));
  if (milli.ok && milli.value > 0n) return Math.ceil(Number(milli.value) / 1000);
  const message = `must be an amount of memory such as 10Gi, not ${JSON.stringify(cpu) ?? "left out"}; nothing is simulated as offloaded`;
  problems.push({ severity: "warning", reason: "Malformed", object, field: `${field}.cpu`, message });
  return undefined;
};

const volumeOf = (fileSystem: Said): Said => {
  const claim = textIn(saidIn(fileSystem, "pvc", "ref"), "name");
  if (claim !== undefined) return { persistentVolumeClaim: { claimName: claim } };
  const spec = saidIn(fileSystem, "pvc").spec;
  return isMapping(spec) ? { ephemeral: { volumeClaimTemplate: { spec } } } : { emptyDir: {} };
};
