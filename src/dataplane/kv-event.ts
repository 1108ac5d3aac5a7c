import type { SimTime } from "../sim/time.ts";

/**
 * What an engine publishes of its prefix cache (vLLM `--kv-events-config`: BlockStored, BlockRemoved, AllBlocksCleared).
 * Blocks go by their names in `prefixKeys` at the engine's block size.
 */
export type KvEvent =
  | { readonly kind: "stored" | "removed"; readonly endpoint: string; readonly blocks: readonly number[] }
  | { readonly kind: "cleared"; readonly endpoint: string };

export interface TimedKvEvent {
  /** When it gets to the router. */
  readonly at: SimTime;
  readonly event: KvEvent;
}
