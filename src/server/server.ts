import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import { givenTo, type Route, type ServerParts } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { sendProblem } from "./send.ts";
import { STYLE } from "./style.ts";
import { THEME } from "./theme.ts";

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

/** Every route of ROUTES, and answers for everything else. */
export const appOf = (parts: ServerParts): Express => {
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false);
  app.use(secure);
  for (const route of ROUTES) serve(app, route, parts);
  app.use((request, response) => sendProblem(request, response, 404, `there is nothing at ${request.path}`));
  app.use(failure(parts));
  return app;
};

/** Answers GET and HEAD; whoever comes with another method is told so. */
const serve = (app: Express, route: Route, parts: ServerParts): void => {
  const path = route.path.replace(/\{(\w+)\}/g, ":$1");
  app.get(path, (request, response) => {
    const read = givenTo(route, request);
    return "wrong" in read
      ? sendProblem(request, response, 400, read.wrong)
      : route.handle(parts, request, response, read.given);
  });
  app.all(path, (request, response) =>
    sendProblem(request, response.set("allow", "GET, HEAD"), 405, `${request.method} is not possible here; use GET`),
  );
};

/** Pages may run this server's script and the line that they hold, and talk to nobody but this server. */
const POLICY = [
  "default-src 'none'",
  `style-src 'self' '${hashOf(STYLE)}'`,
  `script-src 'self' '${hashOf(THEME)}'`,
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

const failure =
  (parts: ServerParts): ErrorRequestHandler =>
  (error, request, response, _next) => {
    const status = (error as { status?: unknown }).status;
    const theirs = typeof status === "number" && status >= 400 && status < 500;
    if (!theirs) parts.failed(error);
    if (response.headersSent) return void response.destroy();
    void sendProblem(
      request,
      response,
      theirs ? status : 500,
      theirs ? "the request can't be read" : "internal error; the operator's log says more",
    );
  };
