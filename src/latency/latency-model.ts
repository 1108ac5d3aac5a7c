import type { Batch } from "../model/batch.ts";
import type { DecodeLine } from "../model/decode-line.ts";
import type { Hardware } from "../model/hardware.ts";
import type { ModelShape, Parallelism } from "../model/model-shape.ts";
import { kindOf } from "../model/plugin.ts";
import type { Micros } from "../sim/time.ts";

/** How long one replica's work takes. Pure: the same batch always takes the same time. */
export interface LatencyModel {
  /** @returns time of one engine step; at least 1 us, truncated to whole microseconds */
  step(batch: Batch): Micros;
  /**
   * The same of `decodes` requests that decode a token each, good until the next one is asked for; undefined, or left out, where
   * it is no line over their context.
   */
  decodeLine?(decodes: number): DecodeLine | undefined;
  /** From arrival at the server to the engine's queue (tokenising, IPC). */
  toQueue(promptTokens: number): Micros;
  /** From the end of a step to the client's view of its token. Never delays the engine. */
  readonly perToken: Micros;
  /** Added to the end-to-end time of a finished request. Never delays the engine. */
  readonly atFinish: Micros;
}

export interface LatencyContext {
  readonly shape: ModelShape;
  readonly hardware: Hardware;
  readonly parallelism: Parallelism;
  /** `vllm`: what a cluster would do; `blis`: bit-exact parity with the reference simulator. */
  readonly mode: "vllm" | "blis";
  /** Without CUDA graphs (--enforce-eager). Left out: with them. */
  readonly eager?: boolean;
  /** Whether the host prepares the next step while one runs; left out: it does. */
  readonly asyncScheduling?: boolean;
}

export const latencyModel = kindOf<LatencyContext, LatencyModel>();
