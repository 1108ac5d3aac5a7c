import type { OffloadConfig } from "../../engine/engine.ts";
import { durationOf } from "../../model/duration.ts";
import type { Hardware } from "../../model/hardware.ts";
import { type Known, known } from "../../model/known.ts";
import type { Parallelism } from "../../model/model-shape.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, derived, type Ledger, overridden, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import type { KvConnectors } from "./kv-connectors.ts";

export interface OffloadParts {
  readonly reading: WorkloadReading;
  readonly override: NonNullable<SimulationSpec["overrides"]["engine"]>;
  readonly hardware: Hardware;
  readonly parallelism: Parallelism;
  /** Of one block on one GPU. */
  readonly bytesPerBlock: number;
  /** By connectors. */
  readonly said: KvConnectors;
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

/**
 * KV blocks in host memory, by --kv-offloading-size (GiB over all ranks of one engine) or an offloading connector in
 * --kv-transfer-config (vllm/config/vllm.py, _post_init_kv_transfer_config; vllm/v1/kv_offload/cpu/spec.py).
 */
export const mirrorOffload = (parts: OffloadParts, ledger: Ledger, path: string): OffloadConfig | undefined => {
  const { reading, override, hardware, parallelism, bytesPerBlock, said } = parts;
  const { arguments: flags } = reading;
  const object = objectText(reading.ref);
  const refused = (value: Known<unknown>, message: string, fix: string): undefined =>
    ledger.error({ reason: "BadArgument", ...placeOf(value.from, object), message, fix });
  const backend = flags.text("kv-offloading-backend");
  if (backend !== undefined && !["native", "lmcache"].includes(backend.value)) {
    return refused(backend, `--kv-offloading-backend must be native or lmcache, not ${backend.value}`, "set native");
  }
  const gpus = parallelism.tp * parallelism.pp;
  const blockBytes = bytesPerBlock * gpus;
  const blocksOf = (bytes: number): number => Math.floor(bytes / blockBytes);
  const size = flags.number("kv-offloading-size");
  const given =
    overridden(override.offload?.hostBlocks, "overrides.engine.offload.hostBlocks") ??
    (size === undefined ? undefined : known(blocksOf(size.value * 2 ** 30), size.from)) ??
    said.host?.blocks ??
    (said.host?.bytes === undefined ? undefined : known(blocksOf(said.host.bytes.value), said.host.bytes.from));
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
  const exported = said.host?.exported ?? backend?.value !== "lmcache";
  const tier = said.tier?.label;
  const connector = { gpus, bytesPerBlock, ...(tier === undefined ? {} : { tier }) };
  return {
    ...(exported ? { connector } : {}),
    hostBlocks: ledger.use(`${path}.engine.offload.hostBlocks`, given),
    microsPerBlock: ledger.use(`${path}.engine.offload.microsPerBlock`, perBlock),
    latencyMicros: ledger.use(`${path}.engine.offload.latencyMicros`, latency),
  };
};
