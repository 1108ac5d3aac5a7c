import { createHash } from "node:crypto";
import type { Request } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { micros } from "../../src/sim/time.ts";
import type { WorkloadSource } from "../../src/workload/source.ts";
import { type TraceFormat, type TraceSaid, traceSource } from "../../src/workload/traces/index.ts";

/** Takes every request, feeding a block whenever the source is starved; `undefined` follows the last block. */
export const drain = (source: WorkloadSource, blocks: Iterable<string> = []): Request[] => {
  const requests: Request[] = [];
  const rest = blocks[Symbol.iterator]();
  for (;;) {
    const drawn = source.next();
    if (drawn.kind === "request") requests.push(drawn.request);
    else if (drawn.kind === "ended") return requests;
    else source.feed?.(rest.next().value);
  }
};

/** Cuts text into blocks of 1 to `most` characters. */
export function* cut(text: string, most: number, seed = 1): Generator<string> {
  const rng = rngOf(seed).stream("cut");
  for (let from = 0; from < text.length; ) {
    const length = 1 + rng.below(most);
    yield text.slice(from, from + length);
    from += length;
  }
}

export const openTrace = (format: TraceFormat, options: Partial<TraceSaid> = {}, seed = 1) =>
  traceSource(
    {
      rateScale: 1,
      startOffsetMicros: micros(0),
      onError: "Fail",
      maxRequests: 1_000_000,
      ...options,
      format,
    },
    rngOf(seed),
  );

/** The whole text at once. */
export const readTrace = (format: TraceFormat, text: string, options: Partial<TraceSaid> = {}): Request[] =>
  drain(openTrace(format, options), [text]);

/** What came out, in little: so that an inequality doesn't print thousands of requests. */
export const digestOf = (requests: readonly Request[]): string =>
  createHash("sha256").update(JSON.stringify(requests)).digest("hex");
