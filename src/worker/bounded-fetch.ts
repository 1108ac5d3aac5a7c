/** How far somebody's server is trusted to answer. */
export interface FetchBounds {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** An answer that didn't come, or not within its bounds: for the user, not a crash. */
export class FetchError extends Error {
  override readonly name = "FetchError";
}

/**
 * The body of a URL as it comes in; redirects are not followed, since they would lead past an allow list.
 * @throws FetchError where the answer is an error, or says that it is too large; whoever reads counts what really comes
 */
export const fetchBody = async (
  url: string,
  { maxBytes, timeoutMs }: FetchBounds,
): Promise<AsyncIterable<Uint8Array>> => {
  const answer = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok || answer.body === null) throw new FetchError(`${url} answers ${answer.status}`);
  const length = Number(answer.headers.get("content-length") ?? 0);
  if (length > maxBytes) throw new FetchError(`${url} is ${length} bytes, more than ${maxBytes}`);
  return answer.body as unknown as AsyncIterable<Uint8Array>;
};

/** The whole body as UTF-8 text. @throws FetchError whatever goes wrong, with the reason */
export const fetchText = async (url: string, bounds: FetchBounds): Promise<string> => {
  const decoder = new TextDecoder("utf-8");
  let [text, read] = ["", 0];
  try {
    for await (const chunk of await fetchBody(url, bounds)) {
      read += chunk.length;
      if (read > bounds.maxBytes) throw new FetchError(`${url} holds more than ${bounds.maxBytes} bytes`);
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof FetchError) throw error;
    const { message, cause } = error as Error;
    throw new FetchError(`${url} can't be read: ${cause instanceof Error ? cause.message : message}`);
  }
};
