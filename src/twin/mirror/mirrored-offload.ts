import type { OffloadConfig } from "../../engine/engine.ts";
import { durationOf } from "../../model/duration.ts";
import type { Hardware } from "../../model/hardware.ts";
import { type Known, known } from "../../model/known.ts";
import type { Parallelism } from "../../model/model-shape.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, derived, type Ledger, overridden, placeOf } from "../ledger.ts";
import { objectText } from "../manifest.ts";
import type { WorkloadReading } from "../reader.ts";

export interface OffloadParts {
  readonly reading: WorkloadReading;
  readonly override: NonNullable<SimulationSpec["overrides"]["engine"]>;
  readonly hardware: Hardware;
  readonly parallelism: Parallelism;
  /** Of one block on one GPU. */
  readonly bytesPerBlock: number;
}

/** PCIe 4 x16, where the catalogue has no figure. */
const PCIE4_GBS = 32;

export const hostLinkOf = ({
  id,
  hostLinkGBs,
}: Hardware): { readonly bytesPerMicro: number; readonly what: string } => ({
  bytesPerMicro: (hostLinkGBs ?? PCIE4_GBS) * 1e3,
  what:
    hostLinkGBs === undefined
      ? `${PCIE4_GBS} GB/s, PCIe 4 x16, since the link of ${id} is not sourced`
      : `${hostLinkGBs} GB/s, the host link of ${id}`,
});

type Extra = Readonly<Record<string, unknown>>;

/**
 * KV blocks in host memory, by --kv-offloading-size (GiB over all ranks of one engine) or an offloading connector in
 * --kv-transfer-config (vllm/config/vllm.py, _post_init_kv_transfer_config; vllm/v1/kv_offload/cpu/spec.py).
 */
export const mirrorOffload = (parts: OffloadParts, ledger: Ledger, path: string): OffloadConfig | undefined => {
  const { reading, override, hardware, parallelism, bytesPerBlock } = parts;
  const said = reading.arguments;
  const object = objectText(reading.ref);
  const refused = (value: Known<unknown>, message: string, fix: string): undefined =>
    ledger.error({ reason: "BadArgument", ...placeOf(value.from, object), message, fix });
  const backend = said.text("kv-offloading-backend");
  if (backend !== undefined && !["native", "lmcache"].includes(backend.value)) {
    return refused(backend, `--kv-offloading-backend must be native or lmcache, not ${backend.value}`, "set native");
  }
  const blockBytes = bytesPerBlock * parallelism.tp * parallelism.pp;
  const blocksOf = (bytes: number): number => Math.floor(bytes / blockBytes);
  const size = said.number("kv-offloading-size");
  const connected = connectorOf(reading, parallelism.tp * parallelism.pp, ledger);
  const given =
    overridden(override.offload?.hostBlocks, "overrides.engine.offload.hostBlocks") ??
    (size === undefined ? undefined : known(blocksOf(size.value * 2 ** 30), size.from)) ??
    connected?.blocks ??
    (connected?.bytes === undefined ? undefined : known(blocksOf(connected.bytes.value), connected.bytes.from));
  if (given === undefined) return undefined;
  if (!(given.value >= 1)) {
    return refused(given, "host memory for KV holds no block", `set at least ${(blockBytes / 2 ** 30).toFixed(3)} GiB`);
  }
  const link = hostLinkOf(hardware);
  const perBlock = derived(
    bytesPerBlock / link.bytesPerMicro,
    `${bytesPerBlock} bytes per block and GPU at ${link.what}`,
  );
  const latency =
    overridden(
      override.offload?.latency === undefined ? undefined : durationOf(override.offload.latency),
      "overrides.engine.offload.latency",
    ) ?? defaulted(1, "1 us per transfer, as the reference simulator has it for host memory");
  return {
    hostBlocks: ledger.use(`${path}.engine.offload.hostBlocks`, given),
    microsPerBlock: ledger.use(`${path}.engine.offload.microsPerBlock`, perBlock),
    latencyMicros: ledger.use(`${path}.engine.offload.latencyMicros`, latency),
  };
};

interface Connected {
  readonly bytes?: Known<number>;
  readonly blocks?: Known<number>;
}

/** The first offloading connector, alone or within a MultiConnector; others are named. */
const connectorOf = (reading: WorkloadReading, ranks: number, ledger: Ledger): Connected | undefined => {
  const said = reading.arguments.json("kv-transfer-config");
  if (said === undefined) return undefined;
  const { value, from } = said;
  const nested = isObject(value.kv_connector_extra_config) ? value.kv_connector_extra_config.connectors : undefined;
  const all: Extra[] = [value, ...(Array.isArray(nested) ? nested.filter(isObject) : [])];
  let found: Connected | undefined;
  for (const one of all) {
    const name = String(one.kv_connector);
    const extra = isObject(one.kv_connector_extra_config) ? one.kv_connector_extra_config : {};
    if (/^(SimpleCPU)?Offload(ing)?Connector$/.test(name)) {
      found ??= {
        ...(extra.cpu_bytes_to_use === undefined ? {} : { bytes: known(Number(extra.cpu_bytes_to_use), from) }),
        ...(extra.num_cpu_blocks === undefined ? {} : { blocks: known(Number(extra.num_cpu_blocks), from) }),
      };
    } else if (name.startsWith("LMCacheConnector") && extra["lmcache.max_local_cpu_size"] !== undefined) {
      // LMCache counts per rank.
      found ??= { bytes: known(Number(extra["lmcache.max_local_cpu_size"]) * 2 ** 30 * ranks, from) };
    } else if (!HERE_NOTHING.has(name)) {
      const message = `--kv-transfer-config: ${name} is not modelled; the replica is simulated as if alone`;
      ledger.warn({ reason: "NotModelled", ...placeOf(from, objectText(reading.ref)), message });
    }
  }
  return found;
};

/** A container of others, and the one that moves KV between replicas, whose part the world plays (disaggregation.ts). */
const HERE_NOTHING: ReadonlySet<string> = new Set(["MultiConnector", "NixlConnector"]);

/** What vLLM does with a request whose KV doesn't arrive: `kv_load_failure_policy` of --kv-transfer-config; undefined: not said. */
export const kvLoadFailurePolicy = (reading: WorkloadReading): Known<"fail" | "recompute"> | undefined => {
  const said = reading.arguments.json("kv-transfer-config");
  const policy = said?.value.kv_load_failure_policy;
  return said === undefined || (policy !== "fail" && policy !== "recompute") ? undefined : known(policy, said.from);
};

const isObject = (value: unknown): value is Extra =>
  typeof value === "object" && value !== null && !Array.isArray(value);
