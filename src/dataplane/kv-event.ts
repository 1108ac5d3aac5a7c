import type { SimTime } from "../sim/time.ts";

/**
 * What an engine publishes of its prefix cache (vLLM `--kv-events-config`: BlockStored, BlockRemoved, AllBlocksCleared).
 * Blocks are `from` to `to` of a strand (model/prefix-keys.ts) at the engine's block size.
 */
export type KvEvent =
  | {
      readonly kind: "stored" | "removed";
      readonly endpoint: string;
      readonly strand: number;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: "cleared"; readonly endpoint: string };

export interface TimedKvEvent {
  /** When it gets to the router. */
  readonly at: SimTime;
  readonly event: KvEvent;
}
