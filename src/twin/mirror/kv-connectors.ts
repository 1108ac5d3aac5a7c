import type { Known } from "../../model/known.ts";
import { known } from "../../model/known.ts";
import { isMapping, mappingOf } from "../../model/mapping.ts";
import { objectText } from "../../model/object-text.ts";
import { type Ledger, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import { LMCACHE_FILE } from "../readers/pod/lmcache-settings.ts";

type Extra = Readonly<Record<string, unknown>>;

/** A disk or a cache below host memory, as a deployment says it. */
export interface SaidTier {
  /** Of LMCache or of a connector: what the store is called. */
  readonly kind: "lmcache-remote" | "lmcache-disk" | "fs" | "obj" | "mooncake";
  /** URL or path. */
  readonly at: Known<string>;
  readonly shared: Known<boolean>;
  /** Tokens that are kept together. Left out: those of a KV block. */
  readonly chunkTokens?: Known<number>;
  /** Of one replica. Left out: no bound. */
  readonly capacityBytes?: Known<number>;
  readonly reads: boolean;
  readonly writes: boolean;
  /** What vLLM's own metrics call it; left out: they don't know it. */
  readonly label?: string;
}

/** Host memory that a connector keeps KV in. */
export interface SaidHost {
  readonly bytes?: Known<number>;
  readonly blocks?: Known<number>;
  /** Whether vLLM exports what is moved there and back (`vllm:kv_offload_*`): not what LMCache or SimpleCPUOffloadConnector moves. */
  readonly exported: boolean;
}

/** What --kv-transfer-config and LMCache's variables say of where KV is kept beside the GPU. */
export interface KvConnectors {
  readonly host?: SaidHost;
  readonly tier?: SaidTier;
}

/**
 * The first offloading connector, alone or within a MultiConnector; what is not modelled is told.
 * Sources: vllm/v1/kv_offload/{cpu,tiering}/spec.py (September 2026); llmd_fs_backend (llm-d-kv-cache, 2026), whose
 * `block_size` is 256 if left out; lmcache/v1/config.py (2026): its file and variables, or `lmcache.*` over them in
 * kv_connector_extra_config; MooncakeStoreConnector (vllm/distributed/kv_transfer/kv_connector/v1/mooncake, 2026).
 *
 * @param ranks GPUs of one engine, since LMCache counts per rank
 */
export const readKvConnectors = (reading: WorkloadReading, ranks: number, ledger: Ledger): KvConnectors => {
  const said = reading.arguments.json("kv-transfer-config");
  if (said === undefined) return backendOf(reading, ranks, ledger);
  const { value, from } = said;
  const nested = isMapping(value.kv_connector_extra_config) ? value.kv_connector_extra_config.connectors : undefined;
  const all: Extra[] = [value, ...(Array.isArray(nested) ? nested.filter(isMapping) : [])];
  let found: KvConnectors = {};
  for (const one of all) {
    const parts = {
      reading,
      name: String(one.kv_connector),
      role: String(one.kv_role ?? "kv_both"),
      from,
      ranks,
      ledger,
    };
    const extra = mappingOf(one.kv_connector_extra_config);
    found = { ...connectorOf(parts, extra), ...found };
  }
  return found;
};

interface ConnectorParts {
  readonly reading: WorkloadReading;
  readonly name: string;
  readonly role: string;
  readonly from: Known<unknown>["from"];
  readonly ranks: number;
  readonly ledger: Ledger;
}

/** A container of others, and the one that moves KV between replicas, whose part the world plays (disaggregation.ts). */
const HERE_NOTHING: ReadonlySet<string> = new Set(["MultiConnector", "NixlConnector"]);

const connectorOf = (parts: ConnectorParts, extra: Extra): KvConnectors => {
  const { name } = parts;
  if (/^(SimpleCPU)?Offload(ing)?Connector$/.test(name)) return offloading(parts, extra);
  if (name === "LMCacheConnectorV1" || name === "LMCacheConnectorV1Dynamic") return lmcache(parts, extra);
  if (name === "MooncakeStoreConnector") {
    return {
      tier: {
        kind: "mooncake",
        at: known("the Mooncake store", parts.from),
        shared: known(true, parts.from),
        ...byRole(parts),
      },
    };
  }
  if (!HERE_NOTHING.has(name)) notModelled(parts, `${name} is not modelled; the replica is simulated as if alone`);
  return {};
};

/** Settings of vLLM's own specs with which host memory would keep something else, and when they don't (HostCache). */
const KEPT_AS: readonly (readonly [string, (value: unknown) => boolean])[] = [
  ["eviction_policy", (value) => value === "lru"],
  ["store_threshold", (value) => Number(value) < 2],
  ["offload_prompt_only", (value) => value === true],
  ["blocks_per_chunk", (value) => Number(value) === 1],
];

const offloading = (parts: ConnectorParts, extra: Extra): KvConnectors => {
  const { from, reading, name } = parts;
  const spec = String(extra.spec_name ?? "CPUOffloadingSpec");
  const chunk = Number(extra.block_size);
  const chunkTokens = (usual?: number): Pick<SaidTier, "chunkTokens"> => {
    const tokens = chunk >= 1 ? chunk : usual;
    return tokens === undefined ? {} : { chunkTokens: known(tokens, from) };
  };
  // Neither spec goes by kv_role.
  const both = { reads: true, writes: true };
  if (spec === "SharedStorageOffloadingSpec") {
    const path = String(extra.shared_storage_path ?? "/tmp/shared-kv");
    const shared = reading.kvPlaces.isShared(path);
    return { tier: { kind: "fs", at: known(path, from), shared, ...chunkTokens(256), ...both } };
  }
  for (const [setting, isUsual] of KEPT_AS) {
    const value = extra[setting];
    if (value === undefined || isUsual(value)) continue;
    notModelled(
      parts,
      `${setting} ${JSON.stringify(value)} is not modelled: host memory keeps single blocks of prompts, by LRU`,
    );
  }
  const host = {
    ...(extra.cpu_bytes_to_use === undefined ? {} : { bytes: known(Number(extra.cpu_bytes_to_use), from) }),
    ...(extra.num_cpu_blocks === undefined ? {} : { blocks: known(Number(extra.num_cpu_blocks), from) }),
    exported: !name.startsWith("Simple"),
  };
  const [first, ...others] = Array.isArray(extra.secondary_tiers) ? extra.secondary_tiers.filter(isMapping) : [];
  if (others.length > 0) notModelled(parts, "only the first of secondary_tiers is simulated");
  if (first === undefined) return { host };
  const type = String(first.type);
  const below = { ...chunkTokens(), ...both, label: `1:${type}` };
  if (type === "fs" || type === "fs_python") {
    const path = String(first.root_dir);
    const shared =
      typeof first.locality === "string" ? known(first.locality === "REMOTE", from) : reading.kvPlaces.isShared(path);
    return { host, tier: { kind: "fs", at: known(path, from), shared, ...below } };
  }
  if (type === "obj") {
    const store = mappingOf(first.store_config);
    const at = known(String(store.bucket ?? "a bucket"), from);
    return { host, tier: { kind: "obj", at, shared: known(true, from), ...below } };
  }
  notModelled(parts, `secondary tier ${type} is not modelled`);
  return { host };
};

/** A kv_consumer saves nothing, and a kv_producer looks nothing up. */
const byRole = ({ role }: ConnectorParts): Pick<SaidTier, "reads" | "writes"> => ({
  reads: role !== "kv_producer",
  writes: role !== "kv_consumer",
});

const lmcache = (parts: ConnectorParts, extra: Extra): KvConnectors => {
  const { reading, from, ranks, ledger } = parts;
  const { said, unread, broken } = reading.kvPlaces.lmcache;
  const tell = (severity: "error" | "warn", file: Known<string>, message: string, fix: string): void =>
    ledger[severity]({ reason: "ConfigFile", ...placeOf(file.from, objectText(reading.ref)), message, fix });
  if (broken !== undefined)
    tell("error", broken, `${LMCACHE_FILE} ${broken.value}`, "write one setting a line, as in chunk_size: 256");
  if (unread !== undefined) {
    const message = `${LMCACHE_FILE} is not read, ${unread.value}; what it says is simulated as at its defaults`;
    tell("warn", unread, message, "mount it from a ConfigMap that is there, or set overrides.engine.tier");
  }
  const told = (name: string): Known<string> | undefined => {
    const own = extra[`lmcache.${name}`];
    if (own !== undefined) return known(String(own), from);
    const setting = said[name];
    return setting?.value === "" ? undefined : setting;
  };
  const gibibytes = (name: string, usual: number): Known<number> => {
    const size = told(name);
    const bytes = (perRank: number): number => perRank * 2 ** 30 * ranks;
    if (size !== undefined) return known(bytes(Number(size.value)), size.from);
    return known(bytes(usual), { kind: "default", why: `LMCache: ${name} is ${usual} GiB per rank` });
  };
  const inHost = /^(1|true|yes|on)$/i.test(told("local_cpu")?.value ?? "true");
  const host = inHost ? { host: { bytes: gibibytes("max_local_cpu_size", 5), exported: false } } : {};
  const chunk = told("chunk_size");
  const chunkTokens =
    chunk === undefined
      ? known(256, { kind: "default", why: "LMCache: chunk_size is 256" } as const)
      : known(Number(chunk.value), chunk.from);
  const [url, disk] = [told("remote_url"), told("local_disk")];
  const rest = { chunkTokens, ...byRole(parts) };
  if (url !== undefined) {
    if (disk !== undefined) notModelled(parts, "LMCache's local disk is not simulated beside its remote store");
    return { ...host, tier: { kind: "lmcache-remote", at: url, shared: known(true, url.from), ...rest } };
  }
  if (disk === undefined) return host;
  const capacityBytes = gibibytes("max_local_disk_size", 0);
  // Each engine has an index of its own, wherever the files are.
  return {
    ...host,
    tier: { kind: "lmcache-disk", at: disk, shared: known(false, disk.from), capacityBytes, ...rest },
  };
};

/** --kv-offloading-backend lmcache is LMCacheConnectorV1 with host memory of the size said (vllm/config/vllm.py). */
const backendOf = (reading: WorkloadReading, ranks: number, ledger: Ledger): KvConnectors => {
  const backend = reading.arguments.text("kv-offloading-backend");
  if (backend?.value !== "lmcache" || reading.arguments.number("kv-offloading-size") === undefined) return {};
  const parts = { reading, name: "LMCacheConnectorV1", role: "kv_both", from: backend.from, ranks, ledger };
  const { tier } = lmcache(parts, {});
  return tier === undefined ? {} : { tier };
};

const notModelled = ({ reading, from, ledger }: ConnectorParts, message: string): void =>
  ledger.warn({
    reason: "NotModelled",
    ...placeOf(from, objectText(reading.ref)),
    message: `--kv-transfer-config: ${message}`,
  });

/** What vLLM does with a request whose KV doesn't arrive: `kv_load_failure_policy` of --kv-transfer-config; undefined: not said. */
export const kvLoadFailurePolicy = (reading: WorkloadReading): Known<"fail" | "recompute"> | undefined => {
  const said = reading.arguments.json("kv-transfer-config");
  const policy = said?.value.kv_load_failure_policy;
  return said === undefined || (policy !== "fail" && policy !== "recompute") ? undefined : known(policy, said.from);
};
