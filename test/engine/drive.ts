import { createEngine } from "../../src/engine/create-engine.ts";
import type { Engine, EngineConfig, EngineListener, EngineTiming } from "../../src/engine/engine.ts";
import type { EngineGauges, EngineState } from "../../src/model/engine-state.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { Request } from "../../src/model/request.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant, micros, NEVER, type SimTime, START } from "../../src/sim/time.ts";
import { KvPeer, type KvPlans } from "./kv-peer.ts";

/** Round figures, so that tables can be worked out by hand: a step takes 1000 us, and 10 us per prompt token. */
export const plainTiming: EngineTiming = {
  step: (batch) => micros(batch.requests === 0 ? 1 : 1000 + 10 * batch.prefillTokens),
  toQueue: () => micros(0),
  perToken: micros(0),
  atFinish: micros(0),
};

export const plainConfig: EngineConfig = {
  mode: "vllm",
  maxNumSeqs: 4,
  maxNumBatchedTokens: 64,
  maxModelLen: 256,
  blockSize: 4,
  numGpuBlocks: 65,
  prefixCaching: false,
  chunkedPrefill: true,
  longPrefillTokenThreshold: 0,
  asyncScheduling: false,
};

export type CreateEngine = (
  config: EngineConfig,
  timing: EngineTiming,
  listener: EngineListener,
  start: SimTime,
) => Engine;

/** One step as the timing saw it; an engine may also ask for steps that it then doesn't take. */
export interface StepSeen {
  readonly requests: number;
  readonly prefillTokens: number;
  readonly decodes: number;
}

export interface Drive {
  readonly facts: readonly (Finished & { readonly toldAt: SimTime })[];
  readonly firstTokens: ReadonlyMap<number, SimTime>;
  readonly steps: readonly StepSeen[];
  readonly end: SimTime;
  readonly state: EngineState;
  readonly held: number;
}

export interface DriveOptions {
  readonly create?: CreateEngine;
  readonly timing?: EngineTiming;
  /** Looks and advances at instants of its own in between, which must change nothing. */
  readonly cuts?: Rng;
  readonly aborts?: readonly { readonly id: number; readonly at: SimTime }[];
  /** Whose prompt is computed elsewhere, or goes on from there. */
  readonly kv?: KvPlans | undefined;
  /** Sees the state after each thing that happened. */
  readonly watch?: (
    state: EngineState,
    now: SimTime,
    so: { readonly held: number; readonly ended: ReadonlySet<number> },
  ) => void;
}

/** Runs requests (in order of arrival) through an engine until it is idle. */
export const drive = (config: EngineConfig, requests: readonly Request[], options: DriveOptions = {}): Drive => {
  const { create = createEngine, timing = plainTiming, cuts, aborts = [], kv, watch } = options;
  const peer = new KvPeer(kv);
  const facts: (Finished & { readonly toldAt: SimTime })[] = [];
  const firstTokens = new Map<number, SimTime>();
  const ended = new Set<number>();
  const steps: StepSeen[] = [];
  let now = START;
  const engine = create(
    config,
    {
      ...timing,
      step: (batch) => {
        steps.push({ requests: batch.requests, prefillTokens: batch.prefillTokens, decodes: batch.decodes });
        return timing.step(batch);
      },
    },
    {
      firstToken: (request, at) => {
        if (firstTokens.has(request.id)) throw new Error(`first token of ${request.id} told twice`);
        firstTokens.set(request.id, at);
      },
      finished: (told) => {
        facts.push({ ...told, toldAt: now });
        ended.add(told.request.id);
        peer.finished(told);
      },
      kvWanted: (wanted, at) => peer.wanted(wanted, at),
    },
    START,
  );
  const doings = [
    ...requests.map((request) => ({
      at: request.arrival,
      run: () => engine.submit(request, request.arrival, peer.optionsOf(request)),
    })),
    ...aborts.map(({ id, at }) => ({ at, run: () => engine.abort(id, at) })),
  ].sort((a, b) => a.at - b.at);
  for (let next = 0; ; ) {
    const doing = doings[next];
    const upcoming = Math.min(doing?.at ?? NEVER, engine.due, peer.due) as SimTime;
    if (upcoming === NEVER) break;
    if (upcoming < now) throw new Error(`time runs back from ${now} to ${upcoming}`);
    if (cuts !== undefined && upcoming > now + 1 && cuts.next() < 0.5) {
      const between = instant(now + 1 + cuts.below(upcoming - now - 1));
      if (cuts.next() < 0.5) engine.advance(between);
      else {
        if (engine.foresees(between)) seeBefore(engine, now, between);
        const generated = cuts.next() < 0.5 ? engine.generated(between) : undefined;
        seeAlike(engine.gauges(between), engine.look(between));
        const { generationTokens } = engine.look(between).counters;
        if (generated !== undefined && generated !== generationTokens)
          throw new Error(`${generated} tokens generated are ${generationTokens}`);
      }
    }
    now = upcoming;
    if (doing !== undefined && doing.at <= now) {
      doing.run();
      next += 1;
    } else if (peer.due <= now) peer.speak(engine, now);
    else engine.advance(now);
    watch?.(engine.look(now), now, { held: engine.held, ended });
  }
  return { facts, firstTokens, steps, end: now, state: engine.look(now), held: engine.held };
};

/** What is seen at `now` is the same before and after a look at `between`, which is foreseen. @throws where it isn't */
const seeBefore = (engine: Engine, now: SimTime, between: SimTime): void => {
  if (!engine.foresees(now)) return;
  const seen = (): string => JSON.stringify([engine.generated(now), engine.gauges(now)]);
  const before = seen();
  engine.generated(between);
  engine.gauges(between);
  if (seen() !== before) throw new Error(`a look at ${between} changed what is seen at ${now}: ${before} is ${seen()}`);
};

/** @throws where the gauges alone are others than those among all that is seen */
const seeAlike = (gauges: EngineGauges, state: EngineState): void => {
  const seen = JSON.stringify(Object.keys(gauges).map((name) => state[name as keyof EngineGauges]));
  if (JSON.stringify(Object.values(gauges)) !== seen) throw new Error(`gauges ${JSON.stringify(gauges)} are ${seen}`);
};

/** A request of `promptTokens` and `outputTokens`, arriving at `arrival` us. */
export const request = (
  id: number,
  arrival: number,
  promptTokens: number,
  outputTokens: number,
  prefix?: Request["prefix"],
): Request => ({
  id,
  arrival: instant(arrival),
  promptTokens,
  outputTokens,
  ...(prefix === undefined ? {} : { prefix }),
});
