import { readFile } from "node:fs/promises";
import * as z from "zod";
import type { RawSeries } from "../workload/observed/index.ts";
import { FetchError, postForm } from "./bounded-fetch.ts";

/** A Prometheus, and how one is known to it. */
export interface PrometheusAccess {
  /** Without /api/v1. */
  readonly url: string;
  /** File with a bearer token, read anew for each query: mounted tokens change. Left out: none is sent. */
  readonly tokenFile?: string;
}

/** A Prometheus that doesn't answer, or not with what was asked for: for the user, to be tried again. */
export class PrometheusError extends Error {
  override readonly name = "PrometheusError";
  /** Stable CamelCase word. */
  readonly reason: string;
  readonly fix: string;
  constructor(reason: string, message: string, fix: string) {
    super(message);
    this.reason = reason;
    this.fix = fix;
  }
}

/** Largest answer to one query, and how long it may take. */
const BOUNDS = { maxBytes: 64 << 20, timeoutMs: 30_000 };

const labels = z.record(z.string(), z.string());
const sample = z.tuple([z.number(), z.string()]);
const answer = z.object({
  data: z.object({
    resultType: z.enum(["vector", "matrix"]),
    result: z.array(z.object({ metric: labels, value: sample.optional(), values: z.array(sample).optional() })),
  }),
});

/**
 * An instant query. A selector with a range answers with raw samples.
 * @param atSeconds Unix time
 * @throws PrometheusError
 */
export const query = async (
  access: PrometheusAccess,
  promql: string,
  atSeconds: number,
): Promise<readonly RawSeries[]> => {
  const url = `${access.url.replace(/\/$/, "")}/api/v1/query`;
  const { status, text } = await postForm(
    url,
    { query: promql, time: atSeconds.toFixed(3), timeout: "30s" },
    await headersOf(access),
    BOUNDS,
  ).catch((error: unknown) => {
    if (!(error instanceof FetchError)) throw error;
    throw new PrometheusError("PrometheusUnreachable", error.message, "see that it runs and can be reached");
  });
  if (status === 401 || status === 403) {
    const message = `${access.url} answers ${status}: it does not accept who asks`;
    throw new PrometheusError("PrometheusRefused", message, "have the installer set --prometheus-token-file URL=FILE");
  }
  if (status !== 200) {
    const message = `${access.url} answers ${status}: ${errorOf(text)}`;
    throw new PrometheusError("PrometheusFailed", message, "shorten the window, or narrow the selector");
  }
  const parsed = answer.safeParse(jsonOf(text));
  if (!parsed.success) {
    const message = `${access.url} does not answer as Prometheus does`;
    throw new PrometheusError("PrometheusFailed", message, "name a Prometheus, without /api/v1");
  }
  return parsed.data.data.result.map(({ metric, value, values }) => ({
    labels: metric,
    points: (values ?? (value === undefined ? [] : [value])).map(([at, number]) => [at, valueOf(number)] as const),
  }));
};

/** @throws PrometheusError where the token can't be read */
export const headersOf = async ({ tokenFile }: PrometheusAccess): Promise<Record<string, string>> => {
  if (tokenFile === undefined) return {};
  try {
    return { authorization: `Bearer ${(await readFile(tokenFile, "utf8")).trim()}` };
  } catch (error) {
    const message = `the token can't be read: ${(error as Error).message}`;
    throw new PrometheusError("PrometheusRefused", message, "have the installer see to --prometheus-token-file");
  }
};

const MOST_TEXT = 300;

const errorOf = (text: string): string => {
  const said = z.object({ error: z.string() }).safeParse(jsonOf(text));
  return (said.success ? said.data.error : text).slice(0, MOST_TEXT);
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const valueOf = (text: string): number => {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
};
