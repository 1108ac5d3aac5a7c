import type { Ask } from "../../src/dataplane/ask.ts";
import { Holders } from "../../src/dataplane/holders.ts";
import type { Knowledge, PluginContext } from "../../src/dataplane/knowledge.ts";
import { Question } from "../../src/dataplane/profile.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import type { RequestHead } from "../../src/model/request.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { instant, type SimTime } from "../../src/sim/time.ts";

/** A decision over these endpoints, all of them candidates; slots are positions. */
export const askOf = (
  endpoints: readonly Endpoint[],
  request: Partial<RequestHead> = {},
  { now = instant(0), peer = -1, decision = 1 }: { now?: SimTime; peer?: number; decision?: number } = {},
): Question => {
  const question = new Question();
  question.decision = decision;
  question.request = { id: 0, arrival: now, promptTokens: 100, ...request };
  question.now = now;
  question.endpoints = endpoints;
  question.slots = Int32Array.from(endpoints, (_, at) => at);
  question.positions = question.slots;
  question.reset(peer);
  return question;
};

/** Only these are candidates. */
export const among = (question: Question, positions: readonly number[]): Question => {
  question.kept.set(positions);
  question.count = positions.length;
  return question;
};

export interface Known {
  readonly matched?: readonly number[];
  readonly total?: number;
  readonly blockSize?: number;
  readonly uncached?: readonly number[];
  readonly ttftMs?: readonly number[];
  readonly ttftHeadroomMs?: readonly number[];
  readonly tpotHeadroomMs?: readonly number[];
}

/** Producers that all know just this. */
export const knowing = (known: Known, rng: Rng = rngOf(1).stream("plugin")): PluginContext => {
  const holders = new Holders();
  holders.clear(64);
  for (const [at, blocks] of (known.matched ?? []).entries()) if (blocks > 0) holders.add(at, blocks);
  const prefix = {
    matched: holders.matched,
    holders,
    total: known.total ?? 0,
    blockSize: known.blockSize ?? 64,
  };
  const load = { uncachedAt: (at: number) => known.uncached?.[at] ?? 0, untilEnd: false };
  const latency = {
    known: known.ttftHeadroomMs !== undefined,
    ttftMs: Float64Array.from(known.ttftMs ?? new Array(64).fill(0)),
    ttftHeadroomMs: Float64Array.from(known.ttftHeadroomMs ?? new Array(64).fill(0)),
    tpotHeadroomMs: Float64Array.from(known.tpotHeadroomMs ?? new Array(64).fill(0)),
  };
  const knowledge: Knowledge = {
    prefix: () => prefix,
    prefixIfAny: () => prefix,
    load: () => load,
    latency: () => latency,
  };
  return { rng, knowledge };
};

/** Scores of the candidates, in order, rounded to nine digits. */
export const scoresOf = (score: (ask: Ask, into: Float64Array) => void, ask: Ask): number[] => {
  const into = new Float64Array(ask.endpoints.length).fill(Number.NaN);
  score(ask, into);
  return Array.from(ask.kept.subarray(0, ask.count), (at) => Math.round((into[at] as number) * 1e9) / 1e9);
};

/** Positions that stay. */
export const keptBy = (keep: (ask: Ask, into: Int32Array) => number, ask: Ask): number[] => {
  const into = new Int32Array(ask.endpoints.length + 1).fill(-7);
  return Array.from(into.subarray(0, keep(ask, into)));
};
