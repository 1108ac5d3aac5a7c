import type { LoraConfig } from "../../engine/engine.ts";
import { type LoraSlots, loraAdapterBytes, loraBytesPerGpu } from "../../engine/memory-profile.ts";
import { durationOf } from "../../model/duration.ts";
import type { Hardware } from "../../model/hardware.ts";
import type { Known } from "../../model/known.ts";
import type { ModelShape, Parallelism } from "../../model/model-shape.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, derived, type Ledger, overridden, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import { hostLinkOf } from "./mirrored-offload.ts";

export interface LoraParts {
  readonly reading: WorkloadReading;
  readonly override: NonNullable<SimulationSpec["overrides"]["engine"]>;
  readonly shape: ModelShape;
  readonly hardware: Hardware;
  readonly parallelism: Parallelism;
}

export interface MirroredLora {
  readonly config: LoraConfig;
  readonly slots: LoraSlots;
}

/** Ranks that vLLM takes (vllm/config/lora.py). */
const RANKS = [1, 8, 16, 32, 64, 128, 256, 320, 512];
/** As weights come from a network disk by default. */
const DISK_BYTES_PER_SECOND = 0.31e9;

/** Adapters by --enable-lora; undefined: none, or settings that vLLM refuses, which the ledger says. */
export const mirrorLora = (parts: LoraParts, ledger: Ledger, path: string): MirroredLora | undefined => {
  const { reading, override, shape, hardware, parallelism } = parts;
  const said = reading.arguments;
  if (said.switch("enable-lora")?.value !== true) return undefined;
  const object = objectText(reading.ref);
  const maxLoras = said.number("max-loras") ?? defaulted(1, "vLLM: --max-loras is 1");
  const rank = said.number("max-lora-rank") ?? defaulted(16, "vLLM: --max-lora-rank is 16");
  const inHost =
    said.number("max-cpu-loras") ?? derived(maxLoras.value, "--max-cpu-loras left out: as many as --max-loras");
  const refused = (value: Known<unknown>, message: string, fix: string): undefined =>
    ledger.error({ reason: "BadArgument", ...placeOf(value.from, object), message, fix });
  if (maxLoras.value < 1) return refused(maxLoras, `max_loras (${maxLoras.value}) must be at least 1`, "set 1 or more");
  if (!RANKS.includes(rank.value)) {
    return refused(rank, `max_lora_rank (${rank.value}) must be one of ${RANKS.join(", ")}`, "set one of these");
  }
  if (inHost.value < maxLoras.value) {
    const message = `max_cpu_loras (${inHost.value}) must be >= max_loras (${maxLoras.value})`;
    return refused(inHost, message, `set --max-cpu-loras to at least ${maxLoras.value}`);
  }
  const slots = {
    maxLoras: maxLoras.value,
    maxLoraRank: rank.value,
    fullySharded: said.switch("fully-sharded-loras")?.value ?? false,
  };
  const link = hostLinkOf(hardware);
  const perGpu = loraBytesPerGpu(shape, parallelism, { ...slots, maxLoras: 1 });
  const whole = loraAdapterBytes(shape, rank.value);
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  const gpu = derived(perGpu / link.bytesPerMicro, `${mb(perGpu)} of an adapter of rank ${rank.value} at ${link.what}`);
  const disk = derived(
    (whole / DISK_BYTES_PER_SECOND) * 1e6,
    `${mb(whole)} of an adapter at 0.31 GB/s, a network disk`,
  );
  const own = override.lora;
  const use = (name: string, value: Known<number>): number => ledger.use(`${path}.engine.lora.${name}`, value);
  const micros = (text: string | undefined, field: string, otherwise: Known<number>): Known<number> => {
    const { value, from } =
      overridden(text === undefined ? undefined : durationOf(text), `overrides.engine.lora.${field}`) ?? otherwise;
    return { value: Math.max(1, Math.round(value)), from };
  };
  use("maxLoraRank", rank);
  return {
    slots,
    config: {
      maxLoras: use("maxLoras", maxLoras),
      maxCpuLoras: use("maxCpuLoras", inHost),
      gpuLoadMicros: use("gpuLoadMicros", micros(own?.gpuLoad, "gpuLoad", gpu)),
      diskLoadMicros: use("diskLoadMicros", micros(own?.diskLoad, "diskLoad", disk)),
    },
  };
};
