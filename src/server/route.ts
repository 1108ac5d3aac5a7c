import type { Request, Response } from "express";
import type * as z from "zod";
import type { Assets } from "./assets.ts";
import type { SimulationDetail, SweepDocument } from "./view.ts";

/** What the server answers from; each is asked at every request. */
export interface ServerParts {
  readonly assets: Assets;
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
  /** What its sweep found; undefined: none has ended, or been found again, in this process. */
  sweep(namespace: string, name: string): SweepDocument | undefined;
  /** A request failed by a fault of ours; it was answered with 500. */
  failed(error: unknown): void;
}

/** One thing that the server answers: served, and described in the OpenAPI document, from here. */
export interface Route {
  /** As OpenAPI writes it: `/simulations/{namespace}/{name}`. */
  readonly path: string;
  /** Unique. */
  readonly id: string;
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly answers: readonly Answer[];
  /** A fault that it throws is answered with 500. */
  handle(parts: ServerParts, request: Request, response: Response, given: Given): unknown;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly description: string;
  /** Of the text as it stands in the address. */
  readonly schema: z.ZodType<unknown, string>;
  /** What would be right, after "write". */
  readonly right: string;
}

/** Of each parameter that was given. */
export type Given = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly description: string;
  readonly contentType: string;
  /** Left out: text. */
  readonly schema?: z.ZodType;
}

/** Reads path and query. @returns each parameter's value; or what is wrong, and what would be right */
export const givenTo = (route: Route, request: Request): { readonly given: Given } | { readonly wrong: string } => {
  const { parameters = [] } = route;
  const query = new URL(request.originalUrl, "http://localhost").searchParams;
  const known = parameters.filter((one) => one.in === "query").map(({ name }) => name);
  const given: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    if (!known.includes(name)) return { wrong: `${name} is no parameter here; ${choices(known)}` };
    if (query.getAll(name).length > 1) return { wrong: `${name} is given more than once; write it once` };
  }
  for (const { name, in: place, schema, right } of parameters) {
    const text = place === "path" ? String(request.params[name]) : query.get(name);
    if (text === null) continue;
    const read = schema.safeParse(text);
    if (!read.success) return { wrong: `${name} is ${JSON.stringify(text.slice(0, 80))}; write ${right}` };
    given[name] = read.data;
  }
  return { given };
};

const choices = (known: readonly string[]): string =>
  known.length === 0 ? "there are none" : `write ${known.join(" or ")}`;
