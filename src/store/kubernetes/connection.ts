import { createHash } from "node:crypto";
import type { RequestOptions } from "node:https";
import { HttpMethod, KubeConfig, RequestContext } from "@kubernetes/client-node";
import { Agent, type Dispatcher, request } from "undici";
import { retryAfterOf } from "../../model/retry-after.ts";
import { VERSION } from "../../model/version.ts";
import { nearest } from "../../schema/nearest.ts";
import { StoreError } from "../store.ts";
import { ApiFailure, messageOf } from "./failure.ts";

export interface ConnectionOptions {
  /** Path of a kubeconfig; left out: the pod's service account, or the user's own kubeconfig. */
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Told of every request, for `rest_client_requests_total`; no answer counts as the code `<error>`, as in client-go. */
  readonly requested?: (said: { readonly method: string; readonly code: string; readonly host: string }) => void;
}

export interface Ask {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From the server's root on. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Default: `application/json`. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Default 30. */
  readonly timeoutSeconds?: number;
}

/** Whatever an API server asks for. */
const LONGEST_WAIT_SECONDS = 300;

/** Requests to one API server, as raw JSON, over connections that are kept. */
export interface Connection {
  /** `host:port`. */
  readonly host: string;
  /** @returns the parsed body. @throws ApiFailure unless the answer is 2xx, and as undici if there is none */
  ask(ask: Ask): Promise<unknown>;
  /**
   * The lines of an answer as they come, after an empty one that tells that it has begun; one that is cut off in the middle
   * is not given. Ends in an error after `silentSeconds` without a byte. @throws as `ask`
   */
  lines(ask: Ask & { readonly signal: AbortSignal }, silentSeconds: number): AsyncGenerator<string, void>;
  close(): Promise<void>;
}

/** @throws StoreError if there is no kubeconfig, or none that can be used */
export const connect = (options: ConnectionOptions): Connection =>
  new KubeConnection(configOf(options), options.requested);

const configOf = ({ kubeconfig, context }: ConnectionOptions): KubeConfig => {
  const config = new KubeConfig();
  try {
    if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
    else if (process.env.KUBERNETES_SERVICE_HOST !== undefined) config.loadFromCluster();
    else config.loadFromDefault();
  } catch (error) {
    throw new StoreError("refused", `the kubeconfig ${kubeconfig ?? ""} can't be read: ${(error as Error).message}`);
  }
  if (context !== undefined) config.setCurrentContext(context);
  const current = config.getCurrentContext();
  if (config.getContextObject(current) === null) {
    const names = config.getContexts().map(({ name }) => name);
    const near = nearest(current ?? "", names);
    const hint = near === undefined ? `there is: ${names.join(", ") || "none"}` : `did you mean ${near}?`;
    throw new StoreError("refused", `the kubeconfig has no context ${current}; ${hint}`);
  }
  if (!URL.canParse(config.getCurrentCluster()?.server ?? "")) {
    throw new StoreError("refused", `the context ${current} of the kubeconfig names no server; give its cluster one`);
  }
  return config;
};

/**
 * client-node reads the configuration and knows the ways to log in; the requests are ours. It would open a new TLS
 * connection for each (2.0.1), so its dispatcher is asked for once, and again only when certificates change.
 */
class KubeConnection implements Connection {
  readonly host: string;
  readonly #config: KubeConfig;
  readonly #server: string;
  readonly #requested: ConnectionOptions["requested"];
  #dispatcher: { readonly of: string; readonly agent: Promise<Dispatcher> } | undefined;

  constructor(config: KubeConfig, requested: ConnectionOptions["requested"]) {
    this.#config = config;
    this.#server = (config.getCurrentCluster()?.server ?? "").replace(/\/+$/, "");
    this.host = new URL(this.#server).host;
    this.#requested = requested;
  }

  async ask(ask: Ask): Promise<unknown> {
    const seconds = ask.timeoutSeconds ?? 30;
    const timeout = AbortSignal.timeout(seconds * 1000);
    const signal = ask.signal === undefined ? timeout : AbortSignal.any([ask.signal, timeout]);
    try {
      const answer = await this.#send(ask, signal, { headersTimeout: 0, bodyTimeout: 0 });
      return parse(await answer.body.text());
    } catch (error) {
      if (timeout.aborted && ask.signal?.aborted !== true) throw new Error(`no answer within ${seconds} s`);
      throw error;
    }
  }

  async *lines(ask: Ask & { readonly signal: AbortSignal }, silentSeconds: number): AsyncGenerator<string, void> {
    const { body } = await this.#send(ask, ask.signal, { headersTimeout: 30_000, bodyTimeout: silentSeconds * 1000 });
    yield "";
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of body) {
      const parts = decoder.decode(chunk as Uint8Array, { stream: true }).split("\n");
      for (const part of parts.slice(0, -1)) {
        yield rest + part;
        rest = "";
      }
      rest += parts.at(-1) ?? "";
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher?.agent.then((agent) => agent.destroy()).catch(() => undefined);
  }

  async #send(
    ask: Ask,
    signal: AbortSignal,
    limits: { headersTimeout: number; bodyTimeout: number },
  ): Promise<Dispatcher.ResponseData> {
    const { method, path, query, body, contentType = "application/json" } = ask;
    const asked = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(
      asked.map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    let code = "<error>";
    try {
      const { headers, dispatcher } = await this.#credentials();
      const answer = await request(`${this.#server}${path}${search === "" ? "" : `?${search}`}`, {
        method,
        dispatcher,
        signal,
        ...limits,
        headers: {
          ...headers,
          accept: "application/json",
          "user-agent": `servetwin/${VERSION}`,
          ...(body === undefined ? {} : { "content-type": contentType }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      code = String(answer.statusCode);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
      const said = parse(await answer.body.text());
      const [retryAfter] = [answer.headers["retry-after"]].flat();
      throw new ApiFailure(answer.statusCode, messageOf(said), retryAfterOf(retryAfter, LONGEST_WAIT_SECONDS, Date));
    } finally {
      this.#requested?.({ method, code, host: this.host });
    }
  }

  /** Read anew each time: tokens and certificates of files are replaced while we run. */
  async #credentials(): Promise<{ headers: Record<string, string>; dispatcher: Dispatcher }> {
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
    const of = createHash("sha256")
      .update(
        JSON.stringify([ca, cert, key, pfx, passphrase, rejectUnauthorized, servername].map((part) => String(part))),
      )
      .digest("base64");
    if (this.#dispatcher?.of !== of) {
      // Requests under way on the old one end in peace.
      void this.#dispatcher?.agent.then((old) => old.close()).catch(() => undefined);
      // Kept before it is there: of requests that come together the first makes it, and all use it.
      const next = { of, agent: this.#connect() };
      this.#dispatcher = next;
      next.agent.catch(() => {
        if (this.#dispatcher === next) this.#dispatcher = undefined;
      });
    }
    const basic =
      options.auth == null ? {} : { authorization: `Basic ${Buffer.from(options.auth).toString("base64")}` };
    return {
      headers: { ...basic, ...(options.headers as Record<string, string>) },
      dispatcher: await this.#dispatcher.agent,
    };
  }

  async #connect(): Promise<Dispatcher> {
    const context = new RequestContext(this.#server, HttpMethod.GET);
    await this.#config.applySecurityAuthentication(context);
    return context.getDispatcher() ?? new Agent();
  }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
