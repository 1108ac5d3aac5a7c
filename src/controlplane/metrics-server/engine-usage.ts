/** Of one container since it started: what the kubelet tells of it. */
export interface ContainerUsage {
  readonly container: string;
  /** CPU time used since its start, in microseconds of one core. */
  readonly cpuMicros: number;
  /** Working set. */
  readonly memoryBytes: number;
}

export interface EngineWork {
  readonly container: string;
  /** Time in which a step was under way, since the engine's start. */
  readonly busyMicros: number;
  /** Processes of the engine: one per GPU. */
  readonly ranks: number;
  /** KV cache in host memory; 0 without offload. */
  readonly hostCacheBytes: number;
}

/** Host memory of a rank's process: libraries, CUDA's context, pinned buffers. An assumption. */
const RANK_MEMORY_BYTES = 8 * 2 ** 30;

/**
 * The usage of an engine's container by a crude model, which knows of neither tokenisers nor HTTP: the process of each
 * rank keeps one core busy while a step is under way, as vLLM's step loop and its polling workers do, and none otherwise;
 * its memory is constant from the start. What a profiler would see is of this order and no closer: scaling on it shows how
 * the controller behaves, not at which load a real one would act.
 */
export const engineUsage = ({ container, busyMicros, ranks, hostCacheBytes }: EngineWork): ContainerUsage => ({
  container,
  cpuMicros: busyMicros * ranks,
  memoryBytes: RANK_MEMORY_BYTES * ranks + hostCacheBytes,
});
