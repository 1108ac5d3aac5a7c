/** GPUs, and how few engines a component may have. */
export interface GpuBudget {
  readonly minEndpoint: number;
  /** Below 0: no limit. */
  readonly maxGpus: number;
}

/** One component's engines within the budget; none where not even the least fit (NVIDIA Dynamo, _apply_single_budget). */
export const withinBudget = (wanted: number, gpusEach: number, { minEndpoint, maxGpus }: GpuBudget): number => {
  const engines = Math.max(wanted, minEndpoint);
  if (maxGpus < 0 || engines * gpusEach <= maxGpus) return engines;
  return maxGpus < minEndpoint * gpusEach ? 0 : Math.max(minEndpoint, Math.floor(maxGpus / gpusEach));
};

/** Prefill and decode engines, cut in proportion, then decode takes what is left (_apply_global_budget). */
export const withinSharedBudget = (
  [prefill, decode]: readonly [number, number],
  [prefillGpus, decodeGpus]: readonly [number, number],
  { minEndpoint, maxGpus }: GpuBudget,
): readonly [number, number] => {
  const [p, d] = [Math.max(prefill, minEndpoint), Math.max(decode, minEndpoint)];
  const total = p * prefillGpus + d * decodeGpus;
  if (maxGpus < 0 || total <= maxGpus) return [p, d];
  if (maxGpus < minEndpoint * (prefillGpus + decodeGpus)) return [0, 0];
  const room = Math.floor((maxGpus - minEndpoint * decodeGpus) / prefillGpus);
  const fewer = Math.max(minEndpoint, Math.min(room, Math.floor((p * maxGpus) / total)));
  return [fewer, Math.max(minEndpoint, Math.floor((maxGpus - fewer * prefillGpus) / decodeGpus))];
};
