/** How far somebody's server is trusted to answer. */
export interface FetchBounds {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** An answer that didn't come, or not within its bounds: for the user, not a crash. */
export class FetchError extends Error {
  override readonly name = "FetchError";
}

/** An answer, whatever it says. */
export interface Answered {
  readonly status: number;
  readonly text: string;
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
export const fetchText = (url: string, bounds: FetchBounds): Promise<string> =>
  explained(url, async () => textOf(await fetchBody(url, bounds), url, bounds));

/**
 * What a form is answered with, errors too: their text says why. Redirects are not followed.
 * @param headers beside the form's own
 * @throws FetchError where no answer comes, or a larger one
 */
export const postForm = (
  url: string,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
  bounds: FetchBounds,
): Promise<Answered> =>
  explained(url, async () => {
    const answer = await fetch(url, {
      method: "POST",
      redirect: "error",
      headers,
      body: new URLSearchParams(form),
      signal: AbortSignal.timeout(bounds.timeoutMs),
    });
    const body = (answer.body ?? []) as unknown as AsyncIterable<Uint8Array>;
    return { status: answer.status, text: await textOf(body, url, bounds) };
  });

const textOf = async (body: AsyncIterable<Uint8Array>, url: string, { maxBytes }: FetchBounds): Promise<string> => {
  const decoder = new TextDecoder("utf-8");
  let [text, read] = ["", 0];
  for await (const chunk of body) {
    read += chunk.length;
    if (read > maxBytes) throw new FetchError(`${url} holds more than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
};

const explained = async <T>(url: string, ask: () => Promise<T>): Promise<T> => {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FetchError) throw error;
    const { message, cause } = error as Error;
    throw new FetchError(`${url} can't be read: ${cause instanceof Error ? cause.message : message}`);
  }
};
