import { createEngine } from "../engine/create-engine.ts";
import type { Engine, EngineTiming } from "../engine/engine.ts";
import type { Finished } from "../model/fact.ts";
import type { Request, SharedPrefix } from "../model/request.ts";
import { type Buckets, histogramQuantile } from "../report/histogram-quantile.ts";
import { Agenda } from "../sim/agenda.ts";
import { normal } from "../sim/draw.ts";
import { type Rng, rngOf } from "../sim/rng.ts";
import { after, elapsed, instant, NEVER, type SimTime, START, seconds } from "../sim/time.ts";
import type { ClosedLoad, Figures, MeasuredRun, PoolLoad, StageSaid, TraceLoad } from "./measured-run.ts";
import { mean, percentileOf } from "./score.ts";
import type { Server } from "./server.ts";

/** Between the last end of a stage and the next stage (validation data, README). */
const PAUSE = seconds(2);
/** After which the load generator's client library gives a request up. */
const PATIENCE = seconds(300);
/** Prompts of one pool differ in length by this share of it (standard deviation), once tokenised. */
const SPREAD = 0.009;
const BLOCK = 16;

/** What a client would have measured. */
export interface Replayed {
  readonly overall: Figures;
  /** Per stage of an open loop. */
  readonly stages: readonly Figures[];
  readonly completed: number;
  readonly failed: number;
}

/** Replays a run on a server: the same seed draws the same requests, whatever the timing. */
export const replay = (run: MeasuredRun, server: Server, timing: EngineTiming, seed: number): Replayed => {
  const rng = rngOf(seed).stream(`replay/${run.id}`);
  const { load } = run;
  switch (load.kind) {
    case "pool":
      return replayPool(load, new FrontDoor(server, timing), rng);
    case "closed":
      return replayClosed(load, new FrontDoor(server, timing), rng);
    case "trace":
      return replayTrace(load, new FrontDoor(server, timing));
    default:
      return load satisfies never;
  }
};

/** Longest request of a run in tokens: the least context that its server must have been started with. */
export const longestRequest = ({ load }: MeasuredRun): number => {
  if (load.kind === "trace") return Math.max(...load.rows.map(([, prompt, output]) => prompt + output)) + 1;
  if (load.lengths !== undefined) return load.lengths.reduce((most, [a, b]) => Math.max(most, a + b), 0) + 1;
  return Math.ceil(load.promptTokens * (load.kind === "pool" ? 1 + 6 * SPREAD : 1)) + load.outputTokens + 1;
};

/** One server's engines behind one address; each request goes to the engine that holds the fewest. */
class FrontDoor {
  readonly engines: readonly Engine[];
  readonly told: Finished[] = [];
  onFinished: (facts: Finished) => void = () => {};
  #next = 0;

  constructor({ config, engines }: Server, timing: EngineTiming) {
    const listener = {
      firstToken: () => {},
      finished: (facts: Finished) => {
        this.told.push(facts);
        this.onFinished(facts);
      },
    };
    this.engines = Array.from({ length: engines }, () => createEngine(config, timing, listener, START));
  }

  get due(): SimTime {
    return Math.min(...this.engines.map((engine) => engine.due)) as SimTime;
  }

  advance(now: SimTime): void {
    for (const engine of this.engines) if (engine.due <= now) engine.advance(now);
  }

  submit(request: Request): void {
    const count = this.engines.length;
    let best = this.#next % count;
    for (let i = 1; i < count; i += 1) {
      const other = (this.#next + i) % count;
      if ((this.engines[other] as Engine).held < (this.engines[best] as Engine).held) best = other;
    }
    this.#next = best + 1;
    (this.engines[best] as Engine).submit(request, request.arrival);
  }

  abort(id: number, now: SimTime): void {
    for (const engine of this.engines) engine.abort(id, now);
  }

  /** Runs on until nothing is left to do. @returns when that was */
  drain(): SimTime {
    let last = START;
    for (let due = this.due; due !== NEVER; due = this.due) this.advance((last = due));
    return last;
  }
}

/** Stages of requests that arrive at random, each drained before the next; the cache stays warm between them. */
const replayPool = (load: PoolLoad, door: FrontDoor, rng: Rng): Replayed => {
  const pool = promptsOf(load, rng);
  const stages: Finished[][] = [];
  let begin = START;
  let id = 0;
  for (const stage of load.stages) {
    const arrivals = arrivalsOf(stage, rng);
    const first = door.told.length;
    const patience: { readonly id: number; readonly until: SimTime }[] = [];
    let given = 0;
    const giveUp = (now: SimTime): void => {
      for (let next = patience[given]; next !== undefined && next.until <= now; next = patience[given]) {
        door.abort(next.id, next.until);
        given += 1;
      }
    };
    arrivals.forEach((at, k) => {
      const prompt = pool[k % pool.length] as Prompt;
      const arrival = after(begin, seconds(at));
      giveUp(arrival);
      for (let due = door.due; due < arrival; due = door.due) door.advance(due);
      door.submit({
        id,
        arrival,
        promptTokens: prompt.tokens,
        outputTokens: load.lengths?.[k % load.lengths.length]?.[1] ?? load.outputTokens,
        prefix: prompt.prefix,
      });
      patience.push({ id, until: after(arrival, PATIENCE) });
      id += 1;
    });
    const end = drainPatiently(door, giveUp);
    stages.push(door.told.slice(first));
    begin = after(end, PAUSE);
  }
  const all = stages.flat();
  return {
    overall: latencies(all),
    stages: stages.map((stage) => latencies(stage)),
    completed: all.filter(isServed).length,
    failed: all.filter((facts) => !isServed(facts)).length,
  };
};

/** Seconds after the stage's begin. */
const arrivalsOf = ({ requests, durationSeconds, evenly = false }: StageSaid, rng: Rng): readonly number[] =>
  evenly
    ? Array.from({ length: requests }, (_, i) => (i * durationSeconds) / requests)
    : Array.from({ length: requests }, () => rng.next() * durationSeconds).sort((a, b) => a - b);

/** Runs on until all have ended or given up. @returns when the last one had */
const drainPatiently = (door: FrontDoor, giveUp: (now: SimTime) => void): SimTime => {
  let end = START;
  for (let due = door.due; due !== NEVER; due = door.due) {
    giveUp(due);
    if (door.due === due) door.advance((end = due));
  }
  return door.told.reduce<number>((latest, facts) => Math.max(latest, facts.end), end) as SimTime;
};

interface Prompt {
  readonly tokens: number;
  readonly prefix: SharedPrefix;
}

/** A pool of prompts, shuffled: groups share a system prompt, each has a question of its own. */
const promptsOf = (load: PoolLoad, rng: Rng): readonly Prompt[] => {
  if (load.lengths !== undefined) return load.lengths.map(([tokens], i) => ({ tokens, prefix: ownPrefix(i, tokens) }));
  const { systemPrompts, promptsPerSystemPrompt, promptTokens, systemTokens } = load;
  const prompts = Array.from({ length: systemPrompts * promptsPerSystemPrompt }, (_, i): Prompt => {
    const tokens = Math.max(1, Math.round(normal(rng, promptTokens, SPREAD * promptTokens)));
    const shared = Math.floor(systemTokens / BLOCK);
    const group = Math.floor(i / promptsPerSystemPrompt);
    const ids = Array.from({ length: Math.floor(tokens / BLOCK) }, (__, block) =>
      block < shared ? group * 1e5 + block : 1e8 + i * 1e5 + block,
    );
    return { tokens, prefix: { kind: "blocks", ids, blockTokens: BLOCK } };
  });
  for (let i = prompts.length - 1; i > 0; i -= 1) {
    const j = rng.below(i + 1);
    [prompts[i], prompts[j]] = [prompts[j] as Prompt, prompts[i] as Prompt];
  }
  return prompts;
};

/** Blocks that no other prompt has. */
const ownPrefix = (prompt: number, tokens: number): SharedPrefix => ({
  kind: "blocks",
  ids: Array.from({ length: Math.floor(tokens / BLOCK) }, (_, block) => 1e8 + prompt * 1e5 + block),
  blockTokens: BLOCK,
});

/** All slots start together; whoever gets an answer asks again at once. */
const replayClosed = (load: ClosedLoad, door: FrontDoor, rng: Rng): Replayed => {
  const asking = new Agenda<number>(START);
  const draw = (most: number): number => Math.round(most * (load.shortest + (1 - load.shortest) * rng.next()));
  const said = load.lengths;
  const lengths = Array.from({ length: load.requests }, (_, i) =>
    said === undefined ? [draw(load.promptTokens), draw(load.outputTokens)] : said[i % said.length],
  );
  let next = 0;
  const ask = (at: SimTime): void => {
    if (next < load.requests) asking.at(at, 0, next);
    next += 1;
  };
  door.onFinished = ({ end }) => ask(end);
  for (let i = 0; i < load.concurrency; i += 1) ask(START);
  let now = START;
  for (;;) {
    const [asks, due] = [asking.next, door.due];
    if (asks === NEVER && due === NEVER) break;
    if (asks <= due) {
      const id = asking.pop() as number;
      const [promptTokens, outputTokens] = lengths[id] as [number, number];
      now = asks;
      door.submit({
        id,
        arrival: asks,
        promptTokens: Math.max(1, promptTokens),
        outputTokens: Math.max(1, outputTokens),
      });
    } else door.advance((now = due));
  }
  const figures = latencies(door.told);
  const tokens = door.told.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  const gaps = door.engines[0]?.look(now).histograms.interTokenFine as Buckets | undefined;
  return {
    overall: {
      ...figures,
      output_tokens_per_s: tokens / (Math.max(...door.told.map(({ end }) => end)) / 1e6),
      ...(gaps === undefined ? {} : { itl_median: 1e3 * histogramQuantile(0.5, gaps) }),
    },
    stages: [],
    completed: door.told.filter(isServed).length,
    failed: door.told.filter((facts) => !isServed(facts)).length,
  };
};

const replayTrace = (load: TraceLoad, door: FrontDoor): Replayed => {
  load.rows.forEach(([at, promptTokens, outputTokens, seen], id) => {
    const arrival = instant(Math.round(at * 1e6));
    for (let due = door.due; due < arrival; due = door.due) door.advance(due);
    const prefix: SharedPrefix = { kind: "group", key: "seen", tokens: Math.min(seen, promptTokens) };
    door.submit({ id, arrival, promptTokens, outputTokens, ...(seen > 0 ? { prefix } : {}) });
  });
  door.drain();
  return {
    overall: latencies(door.told),
    stages: [],
    completed: door.told.filter(isServed).length,
    failed: door.told.filter((facts) => !isServed(facts)).length,
  };
};

const isServed = ({ outcome, firstToken }: Finished): boolean =>
  (outcome === "length" || outcome === "stop") && firstToken !== undefined;

const latencies = (told: readonly Finished[]): Figures => {
  const served = told.filter(isServed);
  if (served.length === 0) return {};
  const ms = (micros: number): number => micros / 1e3;
  const ttft = served.map((facts) => ms(elapsed(facts.request.arrival, facts.firstToken as SimTime)));
  const e2e = served.map((facts) => ms(elapsed(facts.request.arrival, facts.end)));
  const gaps = served.flatMap(({ outputTokens }, i) =>
    outputTokens > 1 ? [((e2e[i] as number) - (ttft[i] as number)) / (outputTokens - 1)] : [],
  );
  const itl = gaps.length === 0 ? {} : { itl_mean: mean(gaps), itl_mean_published: mean(gaps), tpot_mean: mean(gaps) };
  ttft.sort((a, b) => a - b);
  e2e.sort((a, b) => a - b);
  return {
    e2e_mean: mean(e2e),
    e2e_p90: percentileOf(e2e, 0.9),
    e2e_p99: percentileOf(e2e, 0.99),
    ttft_mean: mean(ttft),
    ttft_p90: percentileOf(ttft, 0.9),
    ttft_p95: percentileOf(ttft, 0.95),
    ttft_p99: percentileOf(ttft, 0.99),
    ...itl,
  };
};
