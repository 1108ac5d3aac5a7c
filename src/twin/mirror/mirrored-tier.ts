import type { TierConfig } from "../../engine/kv-tier.ts";
import { durationOf } from "../../model/duration.ts";
import { type Known, known } from "../../model/known.ts";
import type { Parallelism } from "../../model/model-shape.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, derived, type Ledger, overridden, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import type { KvStoreScenario, KvTierScenario } from "../scenario.ts";
import type { SaidTier } from "./kv-connectors.ts";

export interface TierParts {
  readonly reading: WorkloadReading;
  readonly override: NonNullable<SimulationSpec["overrides"]["engine"]>;
  readonly parallelism: Parallelism;
  readonly model: string;
  readonly blockSize: number;
  /** Of one block on one GPU. */
  readonly bytesPerBlock: number;
  /** As the deployment says it. */
  readonly said: SaidTier | undefined;
}

export interface MirroredTier {
  readonly config: TierConfig;
  readonly tier: KvTierScenario;
  readonly store: KvStoreScenario;
}

/** What nobody says: figures of the medium. */
const MEDIUM = {
  disk: { gigabytes: 7, latencyMicros: 100, why: "an NVMe drive on PCIe 4 x4" },
  network: {
    gigabytes: 25,
    latencyMicros: 50,
    why: "a link of 200 Gbit/s, as the reference simulator has it for KV transfers",
  },
} as const;

/** KV below host memory: on disk or in a cache beyond the replica; undefined where neither the deployment nor an override says any. */
export const mirrorTier = (parts: TierParts, ledger: Ledger, path: string): MirroredTier | undefined => {
  const { reading, parallelism, model, blockSize, bytesPerBlock, said } = parts;
  const own = parts.override.tier;
  if (said === undefined && own === undefined) return undefined;
  const at = <T extends string | number | boolean>(name: string, value: Known<T>): T =>
    ledger.use(`${path}.engine.tier.${name}`, value);
  const shared = at(
    "shared",
    overridden(own?.shared, "overrides.engine.tier.shared") ?? said?.shared ?? defaulted(true, "as a remote cache is"),
  );
  const medium = shared ? MEDIUM.network : MEDIUM.disk;
  const speed = (name: "readGBs" | "writeGBs" | "replicaGBs"): number =>
    at(
      name,
      overridden(own?.[name], `overrides.engine.tier.${name}`) ??
        defaulted(medium.gigabytes, `${medium.why}: no spec tells`),
    );
  const asked =
    overridden(own?.chunkTokens, "overrides.engine.tier.chunkTokens") ??
    said?.chunkTokens ??
    defaulted(blockSize, "a KV block");
  const chunkTokens = at("chunkTokens", asked);
  const blocksPerChunk = chunkTokens / blockSize;
  if (!Number.isInteger(blocksPerChunk) || blocksPerChunk < 1) {
    const message = `chunks of ${chunkTokens} tokens are not whole KV blocks of ${blockSize}`;
    const fix = `set a multiple of ${blockSize}`;
    return ledger.error({ reason: "BadArgument", ...placeOf(asked.from, objectText(reading.ref)), message, fix });
  }
  const capacity =
    overridden(
      own?.capacityGiB === undefined ? undefined : own.capacityGiB * 2 ** 30,
      "overrides.engine.tier.capacityGiB",
    ) ?? said?.capacityBytes;
  const chunkBytes = bytesPerBlock * parallelism.tp * parallelism.pp * blocksPerChunk;
  if (capacity !== undefined && !(capacity.value >= chunkBytes)) {
    const message = `${capacity.value / 2 ** 30} GiB for KV beyond host memory hold no chunk`;
    const fix = `set at least ${(chunkBytes / 2 ** 30).toFixed(3)} GiB`;
    return ledger.error({ reason: "BadArgument", ...placeOf(capacity.from, objectText(reading.ref)), message, fix });
  }
  const latency =
    overridden(own?.latency === undefined ? undefined : durationOf(own.latency), "overrides.engine.tier.latency") ??
    defaulted<number>(medium.latencyMicros, `${medium.why}: no spec tells`);
  const place = at("store", said?.at ?? known("override", { kind: "override", field: "spec.overrides.engine.tier" }));
  const reads = at("reads", derived(said?.reads ?? true, "by kv_role"));
  const writes = at("writes", derived(said?.writes ?? true, "by kv_role"));
  // What is not shared is each workload's own, whatever it is called.
  const name = shared ? place : `${place} of ${reading.ref.name}`;
  return {
    config: { blocksPerChunk, reads, writes },
    tier: {
      store: name,
      space: `${model} ${parallelism.tp}x${parallelism.pp} ${bytesPerBlock}/${blockSize} ${blocksPerChunk}`,
      chunkBytes,
    },
    store: {
      name,
      shared,
      ...(capacity === undefined ? {} : { capacityBytes: at("capacityBytes", capacity) }),
      latencyMicros: at("latencyMicros", latency),
      readGBs: speed("readGBs"),
      writeGBs: speed("writeGBs"),
      replicaGBs: speed("replicaGBs"),
    },
  };
};
