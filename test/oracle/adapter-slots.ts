import type { LoraConfig } from "../../src/engine/engine.ts";

/** LoRA adapters in host memory and on the GPU, in both the one used longest ago first (vllm/lora/model_manager.py, May 2026). */
export class AdapterSlots {
  readonly #config: LoraConfig;
  readonly #host = new Set<string>();
  readonly #gpu = new Set<string>();
  loads = 0;

  constructor(config: LoraConfig) {
    this.#config = config;
  }

  /** Brings the adapters of a step to the GPU. @returns microseconds that it takes */
  bring(adapters: readonly string[]): number {
    const { maxCpuLoras, maxLoras, diskLoadMicros, gpuLoadMicros } = this.#config;
    let time = 0;
    for (const adapter of [...adapters].sort()) {
      if (!use(this.#host, adapter, maxCpuLoras)) time += diskLoadMicros;
      if (use(this.#gpu, adapter, maxLoras)) continue;
      time += gpuLoadMicros;
      this.loads += 1;
    }
    return time;
  }
}

/** @returns whether it was there; what was used longest ago gives way */
const use = (slots: Set<string>, adapter: string, size: number): boolean => {
  const present = slots.delete(adapter);
  slots.add(adapter);
  for (const oldest of slots) {
    if (slots.size <= size) break;
    slots.delete(oldest);
  }
  return present;
};
