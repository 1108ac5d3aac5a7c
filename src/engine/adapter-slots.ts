import type { LoraConfig } from "./engine.ts";

/**
 * LoRA adapters in GPU slots and in host memory, each a least-recently-used cache. Whatever a step needs is brought in
 * before it computes. Source: vllm/lora/worker_manager.py and model_manager.py, LRUCacheWorkerLoRAManager (May 2026).
 */
export class AdapterSlots {
  readonly #config: LoraConfig;
  /** Oldest first. */
  readonly #gpu = new Set<string>();
  readonly #host = new Set<string>();

  constructor(config: LoraConfig) {
    this.#config = config;
  }

  /** @param adapters of one step, at most `maxLoras` @returns how many came to the GPU, and how long that took, us */
  use(adapters: Iterable<string>): { readonly loads: number; readonly micros: number } {
    const { maxLoras, maxCpuLoras, gpuLoadMicros, diskLoadMicros } = this.#config;
    let [loads, micros] = [0, 0];
    for (const adapter of [...adapters].sort(byCodeUnits)) {
      if (!touch(this.#host, adapter, maxCpuLoras)) micros += diskLoadMicros;
      if (touch(this.#gpu, adapter, maxLoras)) continue;
      micros += gpuLoadMicros;
      loads += 1;
    }
    return { loads, micros };
  }
}

/** Makes `key` the youngest of at most `most`. @returns whether it was there */
const touch = (cache: Set<string>, key: string, most: number): boolean => {
  const had = cache.delete(key);
  cache.add(key);
  if (cache.size > most) cache.delete(cache.values().next().value as string);
  return had;
};

/** vLLM goes through a set, in no particular order; any fixed one does. */
const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : 1);
