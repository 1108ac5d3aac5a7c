import snappy from "snappyjs";
import { writeRequest1, writeRequest2 } from "../../exporter/remote-write/messages.ts";
import { samplesOf, type WriteBatch } from "../../exporter/remote-write/write-batch.ts";
import { retryAfterOf } from "../../model/retry-after.ts";
import { VERSION } from "../../model/version.ts";
import { headersOf, type PrometheusAccess, PrometheusError } from "../prometheus-api.ts";

/** What came of one request. */
export type Written =
  | { readonly kind: "written" }
  /** For good; `written` of its samples were taken all the same. */
  | { readonly kind: "refused"; readonly message: string; readonly written: number }
  /** To be tried again. `afterSeconds`: when the receiver said so. */
  | { readonly kind: "later"; readonly message: string; readonly afterSeconds?: number };

const TIMEOUT_MS = 30_000;
const MOST_TEXT = 300;
/** No receiver may put a push off for longer. */
const LONGEST_WAIT_SECONDS = 3600;

const HEADERS = {
  2: {
    "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "x-prometheus-remote-write-version": "2.0.0",
  },
  1: { "content-type": "application/x-protobuf", "x-prometheus-remote-write-version": "0.1.0" },
} as const;

/**
 * Who takes series by remote write: 2.0, or 1.0 once it has shown that it does not know that. Redirects are not followed.
 * Source: specification of remote write 2.0-rc.4, "Required `Written` Response Headers", "Unsupported Request Content", "Retries & Backoff".
 */
export class Receiver {
  readonly #access: PrometheusAccess;
  #speaks: 2 | 1 = 2;
  /** It has taken a request, so that it is known what it speaks. */
  #sure = false;

  constructor(access: PrometheusAccess) {
    this.#access = access;
  }

  /** @throws only what `signal` throws */
  async write(batch: WriteBatch, signal: AbortSignal): Promise<Written> {
    const answer = await this.#ask(batch, signal);
    if (answer.kind !== "answered") return answer;
    const { status, text, written } = answer;
    const ok = status >= 200 && status < 300;
    if (this.#speaks === 2 && (status === 415 || (!this.#sure && (ok || status === 400) && written === undefined))) {
      // Of 1.0 alone: it says so, or takes no notice of what the request says it is.
      this.#speaks = 1;
      return this.write(batch, signal);
    }
    if (ok) {
      this.#sure = true;
      return { kind: "written" };
    }
    const message = `${this.#access.url} answers ${status}: ${text.slice(0, MOST_TEXT).trim()}`;
    if (status !== 429 && status < 500)
      return { kind: "refused", message, written: Math.min(written ?? 0, samplesOf(batch)) };
    const { afterSeconds } = answer;
    return { kind: "later", message, ...(afterSeconds === undefined ? {} : { afterSeconds }) };
  }

  async #ask(batch: WriteBatch, signal: AbortSignal): Promise<Answer | Written> {
    const bytes = snappy.compress(this.#speaks === 2 ? writeRequest2(batch) : writeRequest1(batch));
    try {
      const answer = await fetch(this.#access.url, {
        method: "POST",
        redirect: "error",
        headers: {
          ...(await headersOf(this.#access)),
          ...HEADERS[this.#speaks],
          "content-encoding": "snappy",
          "user-agent": `servetwin/${VERSION}`,
        },
        body: bytes as Uint8Array<ArrayBuffer>,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      const text = await shortText(answer);
      const written = answer.headers.get("x-prometheus-remote-write-samples-written");
      const afterSeconds = retryAfterOf(answer.headers.get("retry-after"), LONGEST_WAIT_SECONDS, Date);
      return {
        kind: "answered",
        status: answer.status,
        text,
        written: written === null ? undefined : Number(written) || 0,
        afterSeconds,
      };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PrometheusError) return { kind: "later", message: error.message };
      const { message, cause } = error as Error;
      return {
        kind: "later",
        message: `${this.#access.url} can't be reached: ${cause instanceof Error ? cause.message : message}`,
      };
    }
  }
}

interface Answer {
  readonly kind: "answered";
  readonly status: number;
  readonly text: string;
  readonly written: number | undefined;
  readonly afterSeconds: number | undefined;
}

/** As much as is told; whatever else comes is not read. */
const shortText = async ({ body }: Response): Promise<string> => {
  const decoder = new TextDecoder("utf-8");
  let text = "";
  for await (const chunk of (body ?? []) as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MOST_TEXT) break;
  }
  return text;
};
