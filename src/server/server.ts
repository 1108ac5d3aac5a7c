import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip, gzip, type ZlibOptions } from "node:zlib";
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import { detailPage, listPage, missingPage, type PageContext } from "./page.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import type { SimulationDetail, SimulationSummary } from "./view.ts";

/** What the server answers from; each is asked at every request. */
export interface ServerParts {
  readonly version: string;
  /** `cluster`, or the folder. */
  readonly place: string;
  /** What the store could not read, one line each. */
  problems(): readonly string[];
  /** @returns why the operator is not ready; undefined: it is */
  notReady(): string | undefined;
  /** @param accept the request's Accept header */
  metrics(
    accept: string | undefined,
  ): Promise<{ readonly contentType: string; readonly chunks: AsyncIterable<string> }>;
  /** In order of namespace and name. */
  simulations(): readonly SimulationDetail[];
  simulation(namespace: string, name: string): SimulationDetail | undefined;
  /** A request failed by a fault of ours; it was answered with 500. */
  failed(error: unknown): void;
}

export interface RunningServer {
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no more requests, lets those under way end for up to two seconds. */
  close(): Promise<void>;
}

/** @param listen port 0: any free one @throws if the address can't be had */
export const startServer = async (
  parts: ServerParts,
  listen: { readonly host: string; readonly port: number },
): Promise<RunningServer> => {
  const server = createServer(appOf(parts));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), 2000);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
};

const appOf = (parts: ServerParts): Express => {
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false);
  app.use(secure);
  const context = (): PageContext => ({ version: parts.version, place: parts.place, problems: parts.problems() });

  answer(app, "/healthz", (_request, response) => void response.type("text/plain").send("ok\n"));
  answer(app, "/readyz", (_request, response) => {
    const why = parts.notReady();
    response
      .status(why === undefined ? 200 : 503)
      .type("text/plain")
      .send(`${why ?? "ok"}\n`);
  });
  answer(app, "/metrics", async (request, response) => {
    const { contentType, chunks } = await parts.metrics(request.get("accept"));
    await send(request, response.vary("accept"), contentType, chunks);
  });
  answer(app, "/", (request, response) => send(request, response, HTML, listPage(context(), parts.simulations())));
  answer(app, "/simulations/:namespace/:name", (request, response) => {
    const { namespace, name, found } = wanted(parts, request);
    const text = found === undefined ? missingPage(context(), missing(namespace, name)) : detailPage(context(), found);
    return send(request, response.status(found === undefined ? 404 : 200), HTML, text);
  });
  answer(app, "/api/v1/simulations", (request, response) =>
    sendJson(request, response, { simulations: parts.simulations().map(summaryOf) }),
  );
  answer(app, "/api/v1/simulations/:namespace/:name", (request, response) => {
    const { namespace, name, found } = wanted(parts, request);
    return sendJson(
      request,
      response.status(found === undefined ? 404 : 200),
      found ?? problem(missing(namespace, name)),
    );
  });

  app.use((request, response) =>
    sendJson(request, response.status(404), problem(`there is nothing at ${request.path}`)),
  );
  app.use(failure(parts));
  return app;
};

/** Answers GET and HEAD; whoever comes with another method is told so. */
const answer = (app: Express, path: string, handler: RequestHandler): void => {
  app.get(path, handler);
  app.all(path, (request, response) =>
    sendJson(
      request,
      response.status(405).set("allow", "GET, HEAD"),
      problem(`${request.method} is not possible here`),
    ),
  );
};

const HTML = "text/html; charset=utf-8";

/** Pages may run the one script and style that they hold, and talk to nobody but this server. */
const POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

const secure: RequestHandler = (_request, response, next) => {
  response.set({
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
  });
  next();
};

const summaryOf = ({
  spec: _spec,
  status: _status,
  mirrored: _mirrored,
  runs: _runs,
  ...summary
}: SimulationDetail): SimulationSummary => summary;

const wanted = (parts: ServerParts, { params }: Request) => {
  const [namespace, name] = [String(params.namespace), String(params.name)];
  return { namespace, name, found: parts.simulation(namespace, name) };
};

const missing = (namespace: string, name: string): string => `there is no InferenceSimulation ${namespace}/${name}`;
const problem = (message: string) => ({ error: { message } });

/** Below this many characters compressing costs more than it saves. */
const WORTH_COMPRESSING = 2048;

const sendJson = (request: Request, response: Response, body: unknown): Promise<void> =>
  send(request, response, "application/json; charset=utf-8", `${JSON.stringify(body)}\n`);

/** Compressed where the client takes it; a stream is sent as it comes, so that nobody waits for all of it. */
const send = async (
  request: Request,
  response: Response,
  contentType: string,
  body: string | AsyncIterable<string>,
): Promise<void> => {
  response.vary("accept-encoding").set("content-type", contentType);
  if (request.method === "HEAD") return void response.end();
  const small = typeof body === "string" && body.length < WORTH_COMPRESSING;
  const compressed = !small && request.acceptsEncodings("gzip") === "gzip";
  if (compressed) response.set("content-encoding", "gzip");
  if (typeof body === "string") return void response.end(compressed ? await zip(body, LEVEL) : body);
  try {
    if (compressed) await pipeline(body, createGzip(LEVEL), response);
    else await pipeline(body, response);
  } catch (error) {
    // Whoever asked has hung up.
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
};

const LEVEL = { level: 4 };
const zip = promisify<string, ZlibOptions, Buffer>(gzip);

const failure =
  (parts: ServerParts): ErrorRequestHandler =>
  (error, request, response, _next) => {
    const status = (error as { status?: unknown }).status;
    const theirs = typeof status === "number" && status >= 400 && status < 500;
    if (!theirs) parts.failed(error);
    if (response.headersSent) return void response.destroy();
    void sendJson(
      request,
      response.status(theirs ? status : 500),
      problem(theirs ? "the request can't be read" : "internal error"),
    );
  };
