/**
 * Stands in front of a control plane's API server and misbehaves on demand: cut and expired watches, scripted answers
 * such as 429 or 410, refused connections, latency.
 *
 * TLS ends here. A client certificate can't be passed on, so the proxy connects as the front proxy and names the user in
 * X-Remote-User and X-Remote-Group, as an aggregating server does: RBAC sees the real user. Bearer tokens pass through.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import type { ControlPlane } from "./control-plane.ts";

export interface ProxiedRequest {
  method: string;
  /** Path and query. */
  url: string;
  /** Whether it asks for a watch. */
  watch: boolean;
  /** CN of the client certificate; undefined for tokens and anonymous. */
  user: string | undefined;
  at: number;
}

/** A text that "METHOD /path?query" contains, a pattern it matches, or any test. */
export type Matcher = string | RegExp | ((request: ProxiedRequest) => boolean);

export interface ScriptedAnswer {
  status: number;
  /** Default: a Kubernetes Status that fits. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Fault {
  /** How many requests it has answered. */
  readonly served: number;
  remove(): void;
}

export interface FaultProxy {
  /** https://127.0.0.1:port */
  readonly url: string;
  /** As the control plane's, but leading here. */
  kubeconfig(user?: string): string;
  kubeconfigPath(user?: string): string;
  /** What came in, oldest first; set its length to 0 to start over. */
  readonly requests: ProxiedRequest[];
  readonly openWatches: number;
  /** Resets the connections of the open watches (or those that match); returns how many. */
  cutWatches(matcher?: Matcher): number;
  /** Ends them in good order, as the API server does after its time limit. */
  endWatches(matcher?: Matcher): number;
  /** Sends the 410 "too old resource version" ERROR event on them and ends them, as after an etcd compaction. */
  expireWatches(matcher?: Matcher): number;
  /** The next `times` matching requests get this answer and don't reach the API server. */
  respondNext(matcher: Matcher, answer: ScriptedAnswer, times?: number): Fault;
  /** While on, open connections are reset and new ones too. */
  refuse(on: boolean): void;
  /** Delay before each request. */
  latencyMs: number;
  stop(): Promise<void>;
}

interface OpenWatch {
  request: ProxiedRequest;
  response: ServerResponse;
  cut(): void;
  /** Stops the flow from the API server at the end of the current event; then `last` (if any) and the end. */
  end(last?: string): void;
}

export async function startFaultProxy(controlPlane: ControlPlane): Promise<FaultProxy> {
  const { ca, server: serverKeys, frontProxy } = controlPlane.certificates;
  const upstream = new URL(controlPlane.url);
  const asFrontProxy = new Agent({ keepAlive: true, ca, cert: frontProxy.certificate, key: frontProxy.key });
  const asNobody = new Agent({ keepAlive: true, ca });

  const sockets = new Set<Socket>();
  const watches = new Set<OpenWatch>();
  const faults: {
    matches: (request: ProxiedRequest) => boolean;
    answer: ScriptedAnswer;
    left: number;
    served: number;
  }[] = [];
  const requests: ProxiedRequest[] = [];
  let refusing = false;
  let latencyMs = 0;

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const socket = incoming.socket as TLSSocket;
    const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
    const url = incoming.url ?? "/";
    const request: ProxiedRequest = {
      method: incoming.method ?? "GET",
      url,
      watch: /[?&]watch=(true|1)(&|$)/.test(url),
      user: subject && String(subject.CN),
      at: Date.now(),
    };
    requests.push(request);
    if (latencyMs > 0) await sleep(latencyMs);
    if (response.destroyed) return;

    const fault = faults.find((fault) => fault.left > 0 && fault.matches(request));
    if (fault) {
      fault.left--;
      fault.served++;
      incoming.resume();
      const { status, body = statusObject(status), headers } = fault.answer;
      const isText = typeof body === "string";
      response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json", ...headers });
      response.end(isText ? body : JSON.stringify(body));
      return;
    }
    forward(incoming, response, request, subject && [subject.O ?? []].flat());
  }

  function forward(
    incoming: IncomingMessage,
    response: ServerResponse,
    request: ProxiedRequest,
    groups: string[] | undefined,
  ): void {
    const headers: Record<string, string | string[] | undefined> = {};
    for (const [name, value] of Object.entries(incoming.headers)) {
      // Nobody but this proxy says who the user is.
      if (!name.startsWith("x-remote-")) headers[name] = value;
    }
    headers["host"] = upstream.host;
    if (request.user !== undefined) {
      headers["x-remote-user"] = request.user;
      if (groups?.length) headers["x-remote-group"] = groups;
    }

    const out = httpsRequest({
      host: upstream.hostname,
      port: upstream.port,
      method: request.method,
      path: request.url,
      headers,
      agent: request.user === undefined ? asNobody : asFrontProxy,
    });
    out.on("error", () => response.destroy()); // the API server is gone: so is the client's connection
    response.on("close", () => out.destroy());
    incoming.pipe(out);
    out.on("response", (answer) => {
      answer.on("error", () => response.destroy());
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders(); // a watch may have nothing to say for minutes
      if (request.watch && answer.statusCode === 200) relayWatch(answer, response, request);
      else answer.pipe(response);
    });
  }

  function relayWatch(answer: IncomingMessage, response: ServerResponse, request: ProxiedRequest): void {
    let betweenEvents = true;
    let ending: { last: string } | undefined;
    function finish() {
      response.end(ending?.last);
      answer.destroy();
    }
    const watch: OpenWatch = {
      request,
      response,
      cut() {
        // Only the plain socket under the TLS one can send a reset.
        const port = response.socket?.remotePort;
        for (const socket of sockets) if (socket.remotePort === port) socket.resetAndDestroy();
      },
      end(last = "") {
        ending = { last };
        if (betweenEvents) finish();
      },
    };
    watches.add(watch);
    response.on("close", () => watches.delete(watch));
    answer.on("data", (chunk: Buffer) => {
      response.write(chunk);
      betweenEvents = chunk.at(-1) === 0x0a;
      if (ending && betweenEvents) finish();
    });
    answer.on("end", () => response.end());
    // The API server died in the middle: 'close' without 'end'.
    answer.on("close", () => {
      if (!answer.complete && !ending) response.destroy();
    });
  }

  const server = createServer(
    { ca, cert: serverKeys.certificate, key: serverKeys.key, requestCert: true, rejectUnauthorized: false },
    (incoming, response) => {
      handle(incoming, response).catch(() => response.destroy());
    },
  );
  server.keepAliveTimeout = 60_000; // Node's 5 s would add resets of its own
  server.requestTimeout = 0;
  server.on("connection", (socket: Socket) => {
    if (refusing) {
      socket.resetAndDestroy();
      return;
    }
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {}); // a client that hung up
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the fault proxy has no port");
  const url = `https://127.0.0.1:${address.port}`;

  function eachWatch(matcher: Matcher | undefined, act: (watch: OpenWatch) => void): number {
    const matches = matcher === undefined ? () => true : compile(matcher);
    const chosen = [...watches].filter((watch) => matches(watch.request));
    for (const watch of chosen) {
      watches.delete(watch);
      act(watch);
    }
    return chosen.length;
  }

  return {
    url,
    kubeconfig: (user) => controlPlane.kubeconfig(user, url),
    kubeconfigPath: (user) => controlPlane.kubeconfigPath(user, url),
    requests,
    get openWatches() {
      return watches.size;
    },
    cutWatches: (matcher) => eachWatch(matcher, (watch) => watch.cut()),
    endWatches: (matcher) => eachWatch(matcher, (watch) => watch.end()),
    expireWatches(matcher) {
      const event = { type: "ERROR", object: statusObject(410) };
      return eachWatch(matcher, (watch) => watch.end(`${JSON.stringify(event)}\n`));
    },
    respondNext(matcher, answer, times = 1) {
      const fault = { matches: compile(matcher), answer, left: times, served: 0 };
      faults.push(fault);
      return {
        get served() {
          return fault.served;
        },
        remove() {
          fault.left = 0;
        },
      };
    },
    refuse(on) {
      refusing = on;
      if (on) for (const socket of sockets) socket.resetAndDestroy();
    },
    get latencyMs() {
      return latencyMs;
    },
    set latencyMs(value) {
      latencyMs = value;
    },
    async stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
      asFrontProxy.destroy();
      asNobody.destroy();
      if (server.listening) await once(server, "close");
    },
  };
}

function compile(matcher: Matcher): (request: ProxiedRequest) => boolean {
  if (typeof matcher === "function") return matcher;
  const line = (request: ProxiedRequest) => `${request.method} ${request.url}`;
  if (typeof matcher === "string") return (request) => line(request).includes(matcher);
  return (request) => line(request).search(matcher) >= 0; // unlike test(), it keeps no state in a /g pattern
}

/** What the API server itself would say with this status. */
function statusObject(code: number) {
  const [reason, message] = statusTexts[code] ?? ["InternalError", `scripted answer ${code}`];
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}

const statusTexts: Record<number, [reason: string, message: string]> = {
  401: ["Unauthorized", "Unauthorized"],
  403: ["Forbidden", "forbidden by the fault proxy"],
  404: ["NotFound", "the server could not find the requested resource"],
  409: ["Conflict", "the object has been modified; please apply your changes to the latest version and try again"],
  410: ["Expired", "too old resource version: 1 (2)"],
  429: ["TooManyRequests", "storage is (re)initializing"],
  503: ["ServiceUnavailable", "the server is currently unable to handle the request"],
  504: ["Timeout", "the server was unable to return a response in the time allotted"],
};
