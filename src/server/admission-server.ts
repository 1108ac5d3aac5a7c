import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What of an AdmissionReview's request is looked at (admission.k8s.io/v1). */
export interface AdmissionQuestion {
  readonly uid: string;
  /** Empty where the object has none. */
  readonly namespace: string;
  readonly operation: string;
  /** As it would be; left out where it is deleted. */
  readonly object?: unknown;
}

export interface AdmissionAnswer {
  readonly allowed: boolean;
  /** Why not. */
  readonly message?: string;
  /** kubectl prints each on a line; the API server cuts them where they are more than 4096 characters together. */
  readonly warnings: readonly string[];
}

export interface AdmissionParts {
  /** @param signal aborts when the API server will soon wait no longer */
  review(question: AdmissionQuestion, signal: AbortSignal): Promise<AdmissionAnswer>;
  answered?(path: string, code: number, seconds: number): void;
  /** Something was wrong that the API server isn't told of: it was answered that all is well. */
  failed(what: string, error: unknown): void;
}

export interface AdmissionOptions {
  readonly host: string;
  readonly port: number;
  /** Folder with `tls.crt` and `tls.key`, as a Secret of cert-manager is mounted. */
  readonly certificates: string;
  /** How long an answer may take; the API server's own limit is `timeoutSeconds` of the configuration. */
  readonly deadlineSeconds: number;
  /** How often the certificates are looked at; default 10. */
  readonly lookEverySeconds?: number;
}

export interface AdmissionServer {
  readonly port: number;
  close(): Promise<void>;
}

export const ADMISSION_PATH = "/validate";
/** etcd takes 1.5 MiB; a review holds the object twice. */
const MOST_BYTES = 8 * 2 ** 20;

/**
 * Answers the API server's questions about objects before it takes them. Fails open: whatever goes wrong here, or takes too
 * long, the object is allowed.
 * @throws if the certificates can't be read, or the address can't be had
 */
export const startAdmissionServer = async (
  parts: AdmissionParts,
  options: AdmissionOptions,
): Promise<AdmissionServer> => {
  let pair = await readPair(options.certificates);
  const server = createServer(pair, (request, response) => void answer(request, response, parts, options));
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const stopping = new AbortController();
  const look = async (): Promise<void> => {
    const seconds = options.lookEverySeconds ?? 10;
    for (;;) {
      await sleep(seconds * 1000, undefined, { signal: stopping.signal, ref: false });
      try {
        const next = await readPair(options.certificates);
        if (next.cert === pair.cert && next.key === pair.key) continue;
        // While they are being replaced the two may not fit: then the old ones hold until the next look.
        server.setSecureContext(next);
        pair = next;
      } catch (error) {
        parts.failed("the webhook's certificates can't be read; the old ones hold", error);
      }
    }
  };
  look().catch(() => undefined);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        stopping.abort();
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 2000).unref();
      }),
  };
};

const readPair = async (folder: string): Promise<{ cert: string; key: string }> => {
  const [cert, key] = await Promise.all(["tls.crt", "tls.key"].map((name) => readFile(join(folder, name), "utf8")));
  return { cert: cert ?? "", key: key ?? "" };
};

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  parts: AdmissionParts,
  { deadlineSeconds }: AdmissionOptions,
): Promise<void> => {
  const began = performance.now();
  const { code, body } = await reply(request, parts, deadlineSeconds);
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
  parts.answered?.(ADMISSION_PATH, code, (performance.now() - began) / 1000);
};

const reply = async (
  request: IncomingMessage,
  parts: AdmissionParts,
  deadlineSeconds: number,
): Promise<{ code: number; body: unknown }> => {
  if (request.method !== "POST" || request.url?.split("?")[0] !== ADMISSION_PATH)
    return { code: 404, body: { error: { message: `POST an AdmissionReview to ${ADMISSION_PATH}` } } };
  const question = await questionOf(request).catch(() => undefined);
  if (question === undefined) return { code: 400, body: { error: { message: "this is no AdmissionReview" } } };
  const signal = AbortSignal.timeout(deadlineSeconds * 1000);
  const late = new Promise<AdmissionAnswer>((resolve) => {
    signal.addEventListener("abort", () => resolve(allowed(`no prediction within ${deadlineSeconds} s`)), {
      once: true,
    });
  });
  const reviewed = parts.review(question, signal).catch((error: unknown) => {
    if (!signal.aborted) parts.failed("a review failed", error);
    return allowed("no prediction: something went wrong; see the operator's log");
  });
  // Whoever heeds the signal may still say what it has.
  const said = await Promise.race([reviewed, late.then(async (none) => Promise.race([reviewed, sleep(200, none)]))]);
  return {
    code: 200,
    body: {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: {
        uid: question.uid,
        allowed: said.allowed,
        ...(said.message === undefined ? {} : { status: { code: 422, reason: "Invalid", message: said.message } }),
        ...(said.warnings.length === 0 ? {} : { warnings: said.warnings.map((line) => `servetwin: ${line}`) }),
      },
    },
  };
};

const allowed = (warning: string): AdmissionAnswer => ({ allowed: true, warnings: [warning] });

const questionOf = async (request: IncomingMessage): Promise<AdmissionQuestion | undefined> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  const { kind, request: asked } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
    kind?: unknown;
    request?: { uid?: unknown; namespace?: unknown; operation?: unknown; object?: unknown };
  };
  if (kind !== "AdmissionReview" || typeof asked?.uid !== "string") return undefined;
  return {
    uid: asked.uid,
    namespace: String(asked.namespace ?? ""),
    operation: String(asked.operation ?? ""),
    ...(asked.object == null ? {} : { object: asked.object }),
  };
};
