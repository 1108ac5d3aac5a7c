import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { TraceInput } from "../twin/scenario.ts";
import { FetchError, fetchBody } from "./bounded-fetch.ts";

/** A trace that can't be opened or read: for the user, not a crash. */
export class TraceInputError extends Error {
  override readonly name = "TraceInputError";
}

/**
 * Text of a trace in blocks as they were read, inflated if its first two bytes are gzip's.
 * @throws TraceInputError if it can't be read, or is larger than allowed
 */
export async function* readTrace(input: TraceInput, maxBytes: number): AsyncGenerator<string> {
  try {
    const decoder = new TextDecoder("utf-8");
    let read = 0;
    for await (const chunk of inflated(await open(input, maxBytes))) {
      read += chunk.length;
      if (read > maxBytes) throw new TraceInputError(`the trace holds more than ${maxBytes} bytes (--max-trace-bytes)`);
      yield decoder.decode(chunk, { stream: true });
    }
    const rest = decoder.decode();
    if (rest !== "") yield rest;
  } catch (error) {
    if (error instanceof TraceInputError) throw error;
    if (error instanceof FetchError) throw new TraceInputError(error.message);
    throw new TraceInputError(`the trace can't be read: ${(error as Error).message}`);
  }
}

const open = async (input: TraceInput, maxBytes: number): Promise<AsyncIterable<Uint8Array>> => {
  switch (input.kind) {
    case "file":
      return createReadStream(input.path);
    case "inline":
      return Readable.from([Buffer.from(input.base64, "base64")]);
    case "url":
      return fetchBody(input.url, { maxBytes, timeoutMs: 300_000 });
    default:
      return input satisfies never;
  }
};

async function* inflated(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const all = rejoin(first.value, chunks);
  if (first.value[0] === 0x1f && first.value[1] === 0x8b) yield* Readable.from(all).pipe(createGunzip());
  else yield* all;
}

async function* rejoin(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
