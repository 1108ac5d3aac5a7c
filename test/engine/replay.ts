import type { EngineConfig, EngineListener, EngineTiming } from "../../src/engine/engine.ts";
import { lineMicros } from "../../src/model/decode-line.ts";
import type { EngineHistograms, EngineState } from "../../src/model/engine-state.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { HistogramValue } from "../../src/model/metric-family.ts";
import type { Request } from "../../src/model/request.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant, micros, NEVER, type SimTime, START } from "../../src/sim/time.ts";
import { anyAborts, oneOf } from "./any.ts";
import type { CreateEngine } from "./drive.ts";
import type { Workload } from "./families.ts";
import { FickleTier } from "./fickle-tier.ts";
import { KvPeer } from "./kv-peer.ts";

/** Every figure matters but where decodes are on a line, and overheads may be absent, so that arrivals meet the ends of steps. */
export const anyTiming = (rng: Rng): EngineTiming => {
  const grain = oneOf(rng, [1, 100]);
  const overhead = rng.next() < 0.5 ? 1 : 0;
  const line = grain === 1 && overhead === 0;
  const decodeLine = (decodes: number) => ({
    before: 500.25 + 3 * decodes,
    perContext: 0.3,
    after: 0.1,
    pace: 0.9,
    round: decodes % 2 === 0 ? ("up" as const) : ("down" as const),
  });
  return {
    ...(line && { decodeLine }),
    step: (batch) => {
      if (batch.requests === 0) return micros(1);
      const { requests, decodes: count, decodeTokens, decodeContext } = batch;
      const plain = requests === count && decodeTokens === count && batch.encoderTokens === 0;
      if (line && plain) return micros(lineMicros(decodeLine(count), decodeContext));
      const prefills = 7 * batch.prefillTokens + (batch.prefillReach >> 5) + (batch.prefillWindowPairs >> 6);
      const decodes = 3 * batch.decodes + 5 * (batch.decodeTokens - batch.decodes);
      const contexts = (batch.decodeContext >> 3) + (batch.decodeWindow >> 2);
      const time = 500 + prefills + decodes + contexts + 11 * batch.adapters + 2 * batch.encoderTokens;
      return micros(Math.ceil(time / grain) * grain);
    },
    toQueue: (prompt) => micros(overhead * (100 + prompt)),
    perToken: micros(overhead * 13),
    atFinish: micros(overhead * 29),
  };
};

export interface Doing {
  readonly at: SimTime;
  readonly kind: "submit" | "abort" | "look" | "advance" | "abort-all";
  readonly request?: Request;
}

/** What is done to an engine, in order; looks and advances must change nothing. */
export const anyDoings = (rng: Rng, { requests, hangsUp }: Workload): readonly Doing[] => {
  const horizon = Number(requests.at(-1)?.arrival ?? 0) + 60_000;
  const some = (kind: Doing["kind"], most: number): Doing[] =>
    Array.from({ length: rng.below(most + 1) }, () => ({ at: instant(rng.below(horizon)), kind }));
  const aborts = hangsUp ? anyAborts(rng, requests) : [];
  return [
    ...requests.map((request): Doing => ({ at: request.arrival, kind: "submit", request })),
    ...aborts.map(
      ({ id, at }): Doing => ({ at, kind: "abort", request: requests.find((r) => r.id === id) as Request }),
    ),
    ...some("look", oneOf(rng, [0, 3, 60])),
    ...some("advance", oneOf(rng, [0, 3, 30])),
    ...(hangsUp && rng.next() < 0.05 ? some("abort-all", 1) : []),
  ].sort((a, b) => a.at - b.at);
};

/** Sums over ranks are rounded: they may be added up in any order. */
const shown = (whole: EngineState): unknown => {
  // Who uses adapters is asked of the present, not of the last step: tests of their own look at it.
  const { lora: _, ...state } = whole;
  const { ranks, histograms, kvUsage, counters, ...rest } = state;
  if (ranks === undefined) return { ...state, histograms: shownHistograms(histograms, false) };
  return {
    ...rest,
    kvUsage: kvUsage.toPrecision(12),
    counters: { ...counters, busyMicros: Math.round(1000 * counters.busyMicros) / 1000 },
    histograms: shownHistograms(histograms, true),
    ranks: ranks.map(shownRank),
  };
};

/** Whether a rank counts those that were refused at the door is left open. */
const shownRank = ({
  lora: _l,
  counters: { overloaded: _o, success, ...counters },
  histograms,
  ...state
}: EngineState): unknown => ({
  ...state,
  counters: { ...counters, stop: success.stop, length: success.length },
  histograms: shownHistograms(histograms, false),
});

const shownHistograms = (histograms: EngineHistograms, rounded: boolean): readonly unknown[] =>
  Object.values<EngineHistograms["e2eLatency"]>(histograms as never).map(({ counts, sum }) => [
    filled(counts),
    rounded ? sum.toPrecision(9) : sum,
  ]);

/** Buckets with something in them: most have nothing. */
const filled = (counts: HistogramValue["counts"] | Float64Array): string => {
  let text = "";
  for (let i = 0; i < counts.length; i += 1) if (counts[i] !== 0) text += `${i}: ${counts[i]}, `;
  return text;
};

/** Does all that is asked for and wakes the engine when it is due. @returns all that can be seen of it, and how often it woke */
export const replay = (
  create: CreateEngine,
  config: EngineConfig,
  timing: EngineTiming,
  doings: readonly Doing[],
  { kv, tier: plan }: Pick<Workload, "kv" | "tier"> = {},
): { readonly seen: readonly string[]; readonly wakes: number } => {
  const seen: string[] = [];
  let wakes = 0;
  const peer = new KvPeer(kv);
  const tier = plan === undefined ? undefined : new FickleTier(plan, (text) => void seen.push(text));
  const listener: EngineListener = {
    firstToken: (request, at) => void seen.push(`first ${request.id} ${at}`),
    finished: (facts: Finished) => {
      seen.push(JSON.stringify({ ...facts, request: facts.request.id }));
      peer.finished(facts);
    },
    kvWanted: (request, at, tokens, blocks) => {
      seen.push(`wants ${request.id} ${at} ${tokens} ${blocks}`);
      peer.wanted(request, at);
    },
    ...(tier === undefined ? {} : { kvTier: tier }),
  };
  const engine = create(config, timing, listener, START);
  const show = (at: SimTime): void => void seen.push(`${at} ${JSON.stringify(shown(engine.look(at)))}`);
  const wake = (until: number): void => {
    for (let due = engine.due; ; { due } = engine) {
      const speaker = tier !== undefined && tier.due < peer.due ? tier : peer;
      if (speaker.due < NEVER && speaker.due <= Math.min(due, until)) speaker.speak(engine, speaker.due);
      else if (due < NEVER && due <= until) {
        engine.advance(due);
        wakes += 1;
      } else return;
    }
  };
  for (const { at, kind, request } of doings) {
    wake(at - 1);
    if (kind === "submit") engine.submit(request as Request, at, peer.optionsOf(request as Request));
    if (kind === "abort") engine.abort((request as Request).id, at);
    if (kind === "abort-all") engine.abortAll(at);
    if (kind === "advance") engine.advance(at);
    if (kind === "look") show(at);
    seen.push(`${at} ${kind} ${engine.held}`);
  }
  wake(Number.MAX_VALUE);
  show(instant(Number(doings.at(-1)?.at ?? 0) + 1e13));
  return { seen, wakes };
};

/** @throws where one sees something else than the other, with what led to it @returns how often each woke */
export const compare = (
  [one, other]: readonly [CreateEngine, CreateEngine],
  workload: Workload,
  rng: Rng,
): readonly [number, number] => {
  const [timing, doings] = [anyTiming(rng), anyDoings(rng, workload)];
  const expected = replay(other, workload.config, timing, doings, workload);
  const actual = replay(one, workload.config, timing, doings, workload);
  const length = Math.max(expected.seen.length, actual.seen.length);
  for (let i = 0; i < length; i += 1) {
    if (actual.seen[i] === expected.seen[i]) continue;
    const lines = [
      JSON.stringify(workload.config),
      ...expected.seen.slice(Math.max(0, i - 3), i).map((line) => `  ${line}`),
      `+ ${actual.seen[i] ?? "nothing"}`,
      `- ${expected.seen[i] ?? "nothing"}`,
    ];
    throw new Error(`they part at line ${i} of what is seen:\n${lines.join("\n")}`);
  }
  return [actual.wakes, expected.wakes];
};
