import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../../src/promql/answer.ts";
import { ALL_FEATURES, type Features, Labels, PLAIN, prepare, Store } from "../../src/promql/index.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { generateQuery } from "./generate-query.ts";
import { FIRST_MS, type GeneratedSeries, generateSeries, SPAN_MS } from "./generated-series.ts";
import { remoteWrite } from "./remote-write.ts";
import { SYNTAX } from "./syntax-cases.ts";

/**
 * A real Prometheus gets the same samples as the store, and both the same queries. `PROMQL_SEED` and `PROMQL_QUERIES`
 * choose others and more of them.
 */
const SEED = Number(process.env.PROMQL_SEED || 1);
const QUERIES = Number(process.env.PROMQL_QUERIES || 2000);

/** The evaluation interval of the servers of these tests, which is that of subqueries without a step. */
const EVALUATION_MS = 1000;

const SERVERS: readonly { readonly name: string; readonly features: Features; readonly flags: string[] }[] = [
  { name: "a plain server", features: PLAIN, flags: [] },
  {
    name: "a server with all features",
    features: ALL_FEATURES,
    flags: [
      "--enable-feature=promql-experimental-functions,promql-delayed-name-removal,promql-binop-fill-modifiers,promql-extended-range-selectors",
    ],
  },
];

describe.each(SERVERS)("$name", ({ features, flags }) => {
  const series = generateSeries(rngOf(SEED).stream("series"));
  const store = storeOf(series);
  let prometheus: Prometheus;

  beforeAll(async () => {
    prometheus = await startPrometheus({ remoteWriteReceiver: true, flags });
    await remoteWrite(prometheus.url, series);
  });
  afterAll(async () => await prometheus?.stop());

  const compared = async (query: string, times: Times): Promise<string | undefined> => {
    const theirs = await ask(prometheus.url, query, times);
    const prepared = prepare(query, store, { features, defaultStepMs: EVALUATION_MS });
    const ours: Theirs = prepared.ok ? plain(answerTo(prepared.query, times), times) : { error: prepared.message };
    const difference = differenceOf(ours, theirs);
    if (difference === undefined) return undefined;
    return `seed ${SEED}: ${query}\n  at ${JSON.stringify(times)}: ${difference}`;
  };

  it(`answers ${QUERIES} instant queries in the same way`, async () => {
    const rng = rngOf(SEED).stream("instant");
    const differences: string[] = [];
    let answered = 0;
    for (let i = 0; i < QUERIES; i += 1) {
      const query = generateQuery(rng, features.experimentalFunctions);
      const difference = await compared(query, { atMs: instantOf(rng) });
      if (difference === undefined) answered += 1;
      else differences.push(difference);
    }
    expect(differences.slice(0, 20)).toEqual([]);
    expect(answered).toBe(QUERIES);
  });

  it(`answers ${QUERIES / 5} range queries in the same way`, async () => {
    const rng = rngOf(SEED).stream("range");
    const differences: string[] = [];
    for (let i = 0; i < QUERIES / 5; i += 1) {
      const query = generateQuery(rng, features.experimentalFunctions);
      const startMs = instantOf(rng);
      const stepMs = [15_000, 60_000, 47_000][rng.below(3)] as number;
      const difference = await compared(query, { startMs, endMs: startMs + rng.below(12) * stepMs, stepMs });
      if (difference !== undefined) differences.push(difference);
    }
    expect(differences.slice(0, 20)).toEqual([]);
  });

  it("gives the same answer from what it has kept, period after period", async () => {
    const rng = rngOf(SEED).stream("periods");
    const differences: string[] = [];
    for (let i = 0; i < 40; i += 1) {
      const query = generateQuery(rng, features.experimentalFunctions);
      const prepared = prepare(query, store, { features, defaultStepMs: EVALUATION_MS });
      if (!prepared.ok) continue;
      const startMs = instantOf(rng);
      for (let atMs = startMs; atMs < startMs + 120_000; atMs += 15_000) {
        const times = { atMs };
        const difference = differenceOf(
          plain(prepared.query.instant(atMs), times),
          await ask(prometheus.url, query, times),
        );
        if (difference !== undefined) differences.push(`seed ${SEED}: ${query} at ${atMs}: ${difference}`);
      }
    }
    expect(differences.slice(0, 20)).toEqual([]);
  });

  it("reads and refuses the same spellings", async () => {
    const differences: string[] = [];
    for (const query of SYNTAX) {
      const difference = await compared(query, { atMs: FIRST_MS + SPAN_MS / 2 });
      if (difference !== undefined) differences.push(difference);
    }
    expect(differences).toEqual([]);
  });
});

type Times = { readonly atMs: number } | { readonly startMs: number; readonly endMs: number; readonly stepMs: number };

const instantOf = (rng: Rng): number => {
  const atMs = FIRST_MS - 60_000 + rng.below(SPAN_MS + 8 * 60_000);
  return rng.next() < 0.5 ? atMs : Math.round(atMs / 15_000) * 15_000;
};

const storeOf = (all: readonly GeneratedSeries[]): Store => {
  const store = new Store({ retentionMs: 10 * SPAN_MS });
  for (const { labels, samples } of all) {
    const series = store.series(Labels.of(labels));
    for (const { atMs, value } of samples) {
      if (value === "stale") store.end(series, atMs);
      else store.append(series, atMs, value);
    }
  }
  return store;
};

interface Theirs {
  readonly error?: string;
  readonly type?: string;
  /** Labels as text, and the points. */
  readonly series?: readonly { readonly key: string; readonly points: readonly (readonly [number, number])[] }[];
  readonly text?: string;
  readonly notes?: readonly string[];
}

type Point = readonly [time: number, value: string];

interface Reply {
  readonly status: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

const ask = async (url: string, query: string, times: Times): Promise<Theirs> => {
  const seconds = (ms: number): string => (ms / 1000).toFixed(3);
  const parameters: Record<string, string> =
    "atMs" in times
      ? { query, time: seconds(times.atMs) }
      : { query, start: seconds(times.startMs), end: seconds(times.endMs), step: seconds(times.stepMs) };
  const { body } = await request(`${url}/api/v1/${"atMs" in times ? "query" : "query_range"}`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(parameters).toString(),
  });
  const reply = (await body.json()) as Reply;
  if (reply.status !== "success" || reply.data === undefined) return { error: reply.error ?? "no data" };
  return { ...valueOf(reply.data), notes: [...(reply.warnings ?? []), ...(reply.infos ?? [])] };
};

const valueOf = ({ resultType, result }: NonNullable<Reply["data"]>): Theirs => {
  const point = ([time, value]: Point): readonly [number, number] => [Math.round(time * 1000), numberOf(value)];
  if (resultType === "string") return { type: resultType, text: (result as Point)[1] };
  if (resultType === "scalar") return { type: resultType, series: [{ key: "", points: [point(result as Point)] }] };
  const rows = result as { metric: Record<string, string>; value?: Point; values?: Point[] }[];
  const series = rows.map(({ metric, value, values }) => ({
    key: Labels.of(metric).toString(),
    points: (values ?? [value as Point]).map(point),
  }));
  return { type: resultType, series };
};

const numberOf = (text: string): number =>
  text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);

const answerTo = (query: Extract<ReturnType<typeof prepare>, { ok: true }>["query"], times: Times): Answer =>
  "atMs" in times ? query.instant(times.atMs) : query.range(times.startMs, times.endMs, times.stepMs);

const plain = (answer: Answer, times: Times): Theirs => {
  if (!answer.ok) return { error: answer.message };
  const atMs = "atMs" in times ? times.atMs : 0;
  const notes = answer.annotations.map(({ text }) => text);
  const { value } = answer;
  switch (value.kind) {
    case "string":
      return { type: "string", text: value.text, notes };
    case "scalar":
      return { type: "scalar", series: [{ key: "", points: [[atMs, value.value]] }], notes };
    case "vector":
      return {
        type: "vector",
        series: value.samples.map(({ labels, value: one }) => ({
          key: labels.toString(),
          points: [[atMs, one] as const],
        })),
        notes,
      };
    case "matrix":
      return {
        type: "matrix",
        series: value.series.map(({ labels, points }) => ({
          key: labels.toString(),
          points: points.map((point) => [point.atMs, point.value] as const),
        })),
        notes,
      };
  }
};

const differenceOf = (ours: Theirs, theirs: Theirs): string | undefined => {
  if (ours.error !== undefined || theirs.error !== undefined) {
    if (ours.error !== undefined && theirs.error !== undefined) return undefined;
    return `ours: ${ours.error ?? "an answer"}; theirs: ${theirs.error ?? "an answer"}`;
  }
  if (ours.type !== theirs.type || ours.text !== theirs.text)
    return `ours: ${JSON.stringify(ours)}; theirs: ${JSON.stringify(theirs)}`;
  const byKey = new Map((ours.series ?? []).map((one) => [one.key, one.points] as const));
  if (byKey.size !== theirs.series?.length && theirs.series !== undefined) {
    return `series ours: ${[...byKey.keys()].join(" ")}; theirs: ${theirs.series.map(({ key }) => key).join(" ")}`;
  }
  for (const { key, points } of theirs.series ?? []) {
    const own = byKey.get(key);
    if (own === undefined) return `${key} is missing; ours: ${[...byKey.keys()].join(" ")}`;
    const same =
      own.length === points.length &&
      points.every(([time, value], i) => own[i]?.[0] === time && close(own[i]?.[1] as number, value));
    if (!same) return `${key}: ours ${JSON.stringify(own.map(shown))}; theirs ${JSON.stringify(points.map(shown))}`;
  }
  return notesDiffer(ours.notes ?? [], theirs.notes ?? []);
};

const shown = ([time, value]: readonly [number, number]): string => `${value}@${time}`;

/** Details of a repair are the server's own. */
const notesDiffer = (ours: readonly string[], theirs: readonly string[]): string | undefined => {
  const set = (notes: readonly string[]) =>
    [...new Set(notes.map((note) => note.replace(/, from buckets .* to [^ ]*Z/, "")))].sort();
  // A server leaves out what is beyond ten.
  if (theirs.length > 10) return undefined;
  const [a, b] = [set(ours), set(theirs)];
  return JSON.stringify(a) === JSON.stringify(b) ? undefined : `notes ours: ${a.join("; ")}; theirs: ${b.join("; ")}`;
};

const TOLERANCE = 1e-9;

const close = (a: number, b: number): boolean => {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
};
