import { blockPrefix, objectOf, written } from "../json-row.ts";
import {
  type Broken,
  broken,
  isTokenCount,
  notTokenCount,
  type RowReader,
  shown,
  type TraceRow,
} from "../trace-row.ts";

const BLOCK_TOKENS = 512;
/** In milliseconds: 100 000 days; a larger figure is no time from a trace's start. */
const TIMESTAMP_MAX = 8.64e12;

/**
 * Mooncake (FAST 2025; github.com/kvcache-ai/Mooncake): JSON lines of `timestamp` (ms), `input_length`, `output_length` and
 * `hash_ids`, one id per 512 prompt tokens, the last block being partial; equal leading ids are a shared prefix.
 * The publisher rounded arrivals to a 3-s grid. They are left on it, so queueing below 3 s is the rounding's, not the users'.
 */
export const mooncake = (): RowReader => ({ row: mooncakeRow });

const mooncakeRow = (line: string): TraceRow | Broken => {
  const said = objectOf(line);
  if (said === undefined) return broken(`${shown(line)} is not a JSON object`);
  const { timestamp, input_length: promptTokens, output_length: outputTokens, hash_ids: ids } = said;
  if (typeof timestamp !== "number" || timestamp < 0 || timestamp > TIMESTAMP_MAX) {
    return broken(
      `timestamp is ${written(timestamp)}; it must be milliseconds from the trace's start, such as 2435999`,
    );
  }
  if (!isTokenCount(promptTokens)) return notTokenCount("input_length", written(promptTokens));
  if (!isTokenCount(outputTokens)) return notTokenCount("output_length", written(outputTokens));
  const prefix = blockPrefix(ids, promptTokens, BLOCK_TOKENS, "hash_ids", (id) => id, "always");
  if (prefix.kind === "broken") return prefix;
  return { kind: "request", at: Math.round(timestamp * 1000), promptTokens, outputTokens, prefix };
};
