import type { Request } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";

/** What is told of how an engine uses the tier below its host memory. */
export interface TierConfig {
  /** KV blocks that are written, looked up and read together. */
  readonly blocksPerChunk: number;
  /** Whether prompts are looked up there; a `kv_producer` doesn't. */
  readonly reads: boolean;
  /** Whether prompts are written there; a `kv_consumer` doesn't. */
  readonly writes: boolean;
}

/** Equal exactly where all tokens up to a chunk's end are. */
export type ChunkName = number | string;

/**
 * KV of prompts on disk or in a cache beyond the replica, as one engine sees it: which chunks are there is known at once,
 * and others may share it, so that what it has changes at any time.
 */
export interface KvTier {
  /** Whether a chunk can be read now. */
  has(chunk: ChunkName, now: SimTime): boolean;
  /** Begins to read chunks that are there. Whoever does it calls the engine's `kvArrived` when all have come. */
  load(request: Request, chunks: readonly ChunkName[], now: SimTime): void;
  /** Offers chunks, each of which is written unless it is there or finds no room. @returns how many are written */
  store(chunks: readonly ChunkName[], now: SimTime): number;
}
