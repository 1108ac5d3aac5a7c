import { createHash } from "node:crypto";
import { STATUS_CODES } from "node:http";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip, gzip, type ZlibOptions } from "node:zlib";
import type { Request, Response } from "express";
import type { ProblemDetails } from "./view.ts";

/** Below this many characters compressing costs more than it saves. */
const WORTH_COMPRESSING = 2048;

export const JSON_TYPE = "application/json; charset=utf-8";
export const HTML = "text/html; charset=utf-8";

/** Answers that whoever holds the same already needn't be sent again. */
export const sendJson = (request: Request, response: Response, body: unknown): Promise<void> =>
  sendTagged(request, response, JSON_TYPE, `${JSON.stringify(body)}\n`);

/** RFC 9457. @param detail what is wrong, and what would be right */
export const sendProblem = (request: Request, response: Response, status: number, detail: string): Promise<void> => {
  const problem: ProblemDetails = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail };
  return send(request, response.status(status), "application/problem+json", `${JSON.stringify(problem)}\n`);
};

/** With an entity tag, so that who asks again every few seconds gets 304 while nothing changed. A weak one: it holds for the compressed bytes too. */
export const sendTagged = async (
  request: Request,
  response: Response,
  contentType: string,
  body: string,
): Promise<void> => {
  const tag = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  response.set({ etag: `W/"${tag}"`, "cache-control": "no-cache" });
  if (request.fresh) return void response.status(304).end();
  await send(request, response, contentType, body);
};

/** Compressed where the client takes it; a stream is sent as it comes, so that nobody waits for all of it. */
export const send = async (
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
