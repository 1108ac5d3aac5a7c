import { configProblems } from "../../src/engine/config-problems.ts";
import type { Engine, EngineConfig, EngineListener, EngineTiming, SubmitOptions } from "../../src/engine/engine.ts";
import type { EngineState } from "../../src/model/engine-state.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { Outcome, Request } from "../../src/model/request.ts";
import { after, micros, NEVER, type SimTime } from "../../src/sim/time.ts";
import { ClientView, turnedAway } from "./client-view.ts";
import { itemsOf } from "./encoder-cache.ts";
import { Lane } from "./lane.ts";
import { togetherOf } from "./look.ts";
import { Rank } from "./rank.ts";
import type { Ask } from "./scheduler.ts";
import { Sequence } from "./sequence.ts";

/** A request in the engine, and where. */
interface Held {
  readonly sequence: Sequence;
  readonly lane: Lane;
  readonly rank: Rank;
}

/** Blocks that another engine is to fetch. */
interface Kept extends Held {
  readonly until: SimTime;
}

/** Blocks that another engine writes to; the first `hits` were there before. */
interface Receiver extends Held {
  readonly hits: number;
}

/** An end decided before its instant; `blis` mode only. */
interface Untold {
  readonly facts: Finished;
  readonly at: SimTime;
}

/**
 * The oracle: an engine that takes one step at a time and walks through its whole batch in each, written to be obviously
 * right. It shares nothing with the production engine but the words of its interface and the step's time.
 * Sources: vllm/v1/ (May 2026); `blis` mode: inference-sim @f90a1e3a.
 */
export class StepEngine implements Engine {
  readonly #config: EngineConfig;
  readonly #timing: EngineTiming;
  readonly #listener: EngineListener;
  readonly #view: ClientView;
  readonly #ranks: readonly Rank[];
  readonly #lanes: readonly Lane[];
  /** By request, in order of submission. */
  readonly #held = new Map<number, Held>();
  /** Those that have a deadline. */
  readonly #impatient = new Set<Held>();
  /** The next one to be told first. */
  #untold: Untold[] = [];
  /** The one that began first first. */
  #kept: Kept[] = [];
  #receivers: Receiver[] = [];
  /** Told at the door. */
  readonly #turnedAway = { abort: 0, max_num_queued_reqs: 0, max_num_queued_tokens: 0 };
  #submitted = 0;
  #now: SimTime;

  /** @throws RangeError if `configProblems` finds any */
  constructor(config: EngineConfig, timing: EngineTiming, listener: EngineListener, start: SimTime) {
    const [problem] = configProblems(config);
    if (problem !== undefined) throw new RangeError(problem.message);
    this.#config = config;
    this.#timing = timing;
    this.#listener = listener;
    this.#view = new ClientView(timing, config.mode);
    this.#now = start;
    const count = config.mode === "blis" ? 1 : (config.ranks ?? 1);
    const hearer = {
      firstToken: ({ request }: Sequence, at: SimTime) => listener.firstToken(request, at),
      ended: (facts: Finished, end: SimTime, at: SimTime) => this.#ended(facts, end, at),
      waits: (rank: Rank, sequence: Sequence, hits: number) => {
        this.#receivers.push({ sequence, rank, lane: this.#laneOf(rank), hits });
      },
      kvWanted: (rank: Rank, ...[sequence, at, tokens, blocks, hits]: Parameters<Ask>) => {
        this.#receivers.push({ sequence, rank, lane: this.#laneOf(rank), hits });
        listener.kvWanted?.(sequence.request, at, tokens, blocks);
      },
      tier: listener.kvTier,
      kept: (rank: Rank, sequence: Sequence, at: SimTime) => {
        const until = after(at, micros(config.kvSendTimeoutMicros ?? 480e6));
        this.#kept.push({ sequence, rank, lane: this.#laneOf(rank), until });
      },
    };
    this.#ranks = Array.from({ length: count }, () => new Rank(config, this.#view, hearer, start));
    const together = config.lockstep === true ? [this.#ranks] : this.#ranks.map((rank) => [rank]);
    this.#lanes = together.map((ranks) => new Lane(ranks, config, timing));
  }

  get held(): number {
    return this.#held.size;
  }

  get due(): SimTime {
    let due: number = NEVER;
    for (const lane of this.#lanes) due = Math.min(due, lane.due);
    for (const { at } of this.#untold) due = Math.min(due, at);
    for (const { sequence } of this.#impatient) due = Math.min(due, deadlineOf(sequence));
    for (const { until } of this.#kept) due = Math.min(due, until);
    return due as SimTime;
  }

  advance(now: SimTime): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    for (let { due } = this; due <= now; { due } = this) this.#happen(due);
    this.#now = now;
  }

  submit(request: Request, now: SimTime, options: SubmitOptions = {}): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    // A request that comes at the very instant of a step takes part in it, so that step has to wait.
    for (let { due } = this; due < now; { due } = this) this.#happen(due);
    this.#now = now;
    const refusal = this.#refusal(request, now);
    if (refusal === undefined) this.#hold(request, now, options.kv);
    else this.#listener.finished(turnedAway(request, refusal, now));
  }

  abort(requestId: number, now: SimTime): void {
    this.advance(now);
    const held = this.#held.get(requestId);
    if (held === undefined) return;
    this.#hangUp([held], "aborted", now);
    held.lane.resume(now);
  }

  abortAll(now: SimTime): void {
    this.advance(now);
    this.#hangUp(Array.from(this.#held.values()), "aborted", now);
    const left = [...this.#kept, ...this.#receivers];
    this.#kept = [];
    this.#receivers = [];
    for (const one of left) this.#endTransfer(one, undefined, now);
  }

  kvSent(requestId: number, now: SimTime): void {
    this.advance(now);
    const kept = this.#kept.find(({ sequence }) => sequence.request.id === requestId);
    if (kept === undefined) return;
    this.#kept = this.#kept.filter((other) => other !== kept);
    this.#endTransfer(kept, 0, now);
    kept.lane.resume(now);
  }

  kvArrived(requestId: number, now: SimTime): void {
    this.advance(now);
    const receiver = this.#takeReceiver(requestId);
    if (receiver === undefined) return;
    this.#endTransfer(receiver, undefined, now);
    receiver.lane.resume(now);
  }

  kvFailed(requestId: number, now: SimTime): void {
    this.advance(now);
    const receiver = this.#takeReceiver(requestId);
    if (receiver === undefined) return;
    this.#endTransfer(receiver, receiver.hits, now);
    const fails = this.#config.kvLoadFailurePolicy !== "recompute" && receiver.sequence.state === "waiting";
    if (fails) this.#hangUp([receiver], "failed", now);
    receiver.lane.resume(now);
  }

  #takeReceiver(requestId: number): Receiver | undefined {
    const receiver = this.#receivers.find(({ sequence }) => sequence.request.id === requestId);
    this.#receivers = this.#receivers.filter((other) => other !== receiver);
    return receiver;
  }

  /** Nobody reads or writes its blocks any more, of which the first `only`, or all, have what they should. */
  #endTransfer({ sequence, rank, lane }: Held, only: number | undefined, now: SimTime): void {
    const { load } = sequence;
    if (load !== undefined && only !== undefined) {
      sequence.load = { end: now, blocks: only, below: 0, hostEnd: now, over: false };
    } else if (load !== undefined) sequence.load = { ...load, end: load.hostEnd > now ? load.hostEnd : now };
    if (!rank.scheduler.leftBehind.includes(sequence)) return;
    if (lane.busy) rank.hungUp.push(sequence);
    else {
      rank.scheduler.remove(sequence);
      rank.readGauges(now);
    }
  }

  #laneOf(rank: Rank): Lane {
    return this.#lanes.find(({ ranks }) => ranks.includes(rank)) as Lane;
  }

  // ---- time

  #happen(at: SimTime): void {
    const told = this.#untold.filter((one) => one.at <= at);
    this.#untold = this.#untold.filter((one) => one.at > at);
    for (const { facts } of told) this.#tell(facts);
    for (const lane of this.#lanes) if (lane.due <= at || told.length > 0) lane.happen(at);
    const left = [...this.#keepDeadlines(at), ...this.#expire(at)];
    // What they held may do for those who wait.
    for (const lane of new Set(left.map((one) => one.lane))) lane.resume(at);
  }

  /** Gives up what nobody has fetched in time. */
  #expire(at: SimTime): readonly Held[] {
    const expired = this.#kept.filter(({ until }) => until <= at);
    this.#kept = this.#kept.filter(({ until }) => until > at);
    for (const one of expired) this.#endTransfer(one, 0, at);
    return expired;
  }

  /** Whatever else happens at that instant comes first. @returns those who hang up */
  #keepDeadlines(at: SimTime): readonly Held[] {
    const late = Array.from(this.#impatient).filter(({ sequence }) => deadlineOf(sequence) <= at);
    late.sort((a, b) => deadlineOf(a.sequence) - deadlineOf(b.sequence) || a.sequence.order - b.sequence.order);
    for (const held of late) this.#impatient.delete(held);
    this.#hangUp(late, "timed-out", at);
    return late;
  }

  /** Told at once; place and blocks are given up when no step is under way. */
  #hangUp(gone: readonly Held[], outcome: Outcome, now: SimTime): void {
    for (const { sequence, lane, rank } of gone) {
      if (sequence.state === "ended") continue;
      // To the reference simulator the step under way is over; if it brings the last token, the deadline is met.
      const wasServed = this.#config.mode === "blis" && outcome === "timed-out";
      if (wasServed && !lane.giveEarly(rank, sequence, now)) continue;
      const isQueued = sequence.state !== "arriving";
      sequence.state = "hung-up";
      if (!isQueued) rank.arriving = rank.arriving.filter((other) => other !== sequence);
      else if (lane.busy) rank.hungUp.push(sequence);
      else rank.scheduler.remove(sequence);
      if (!lane.busy) rank.readGauges(now);
      rank.tally.counters.success[outcome === "failed" ? "error" : "abort"] += 1;
      this.#tell(this.#view.factsOf(sequence, outcome, now));
    }
  }

  #ended(facts: Finished, end: SimTime, at: SimTime): void {
    if (end <= at) this.#tell(facts);
    else {
      this.#untold.push({ facts, at: end });
      this.#untold.sort((a, b) => a.at - b.at);
    }
  }

  #tell(facts: Finished): void {
    const held = this.#held.get(facts.request.id) as Held;
    this.#held.delete(facts.request.id);
    this.#impatient.delete(held);
    this.#listener.finished(facts);
  }

  // ---- the door

  /** vLLM's front end answers HTTP 400 to what it can't serve and HTTP 503 where too much is queued. */
  #refusal(request: Request, now: SimTime): Outcome | undefined {
    if (!isServable(request, this.#config)) return "rejected";
    const full = this.#isFull();
    if (full !== undefined) {
      this.#turnedAway[full] += 1;
      return "overloaded";
    }
    if (request.deadline === undefined || request.deadline > now) return undefined;
    this.#turnedAway.abort += 1;
    return "timed-out";
  }

  #isFull(): "max_num_queued_reqs" | "max_num_queued_tokens" | undefined {
    const { mode, maxQueuedRequests, maxQueuedTokens } = this.#config;
    if (mode === "blis") return undefined;
    if (maxQueuedRequests !== undefined && this.#held.size >= maxQueuedRequests) return "max_num_queued_reqs";
    let tokens = 0;
    for (const { sequence } of this.#held.values()) {
      if (sequence.firstToken === undefined) tokens += sequence.request.promptTokens;
    }
    return maxQueuedTokens !== undefined && tokens >= maxQueuedTokens ? "max_num_queued_tokens" : undefined;
  }

  #hold(request: Request, now: SimTime, kv: SubmitOptions["kv"]): void {
    this.#submitted += 1;
    const queued = after(now, this.#timing.toQueue(request.promptTokens));
    const sequence = new Sequence(request, this.#submitted, this.#config, now, queued, kv);
    const least = Math.min(...this.#ranks.map(({ score }) => score));
    const rank = this.#ranks.find(({ score }) => score === least) as Rank;
    const lane = this.#laneOf(rank);
    const held = { sequence, lane, rank };
    this.#held.set(request.id, held);
    if (request.deadline !== undefined) this.#impatient.add(held);
    rank.arriving.push(sequence);
    rank.arriving.sort((a, b) => a.queued - b.queued || a.order - b.order);
  }

  // ---- what an onlooker sees

  look(now: SimTime): EngineState {
    if (now >= this.due) this.advance(now);
    const states = this.#lanes.flatMap((lane) => lane.ranks.map((rank) => rank.look(now, lane.underWay(now))));
    return togetherOf(states, this.#turnedAway, this.#config);
  }

  gauges(now: SimTime): EngineState {
    return this.look(now);
  }

  generated(now: SimTime): number {
    return this.look(now).counters.generationTokens;
  }

  foresees(): boolean {
    return false;
  }

  /** @throws if blocks or encodings are lost, a bound is exceeded, or a queue is out of order */
  audit(): void {
    for (const { scheduler } of this.#ranks) scheduler.audit();
  }
}

/** Those that have ended, though nobody knows yet, have met it. */
const deadlineOf = ({ request: { deadline }, state }: Sequence): number =>
  state === "ended" ? NEVER : (deadline ?? NEVER);

/** Whether prompt and outputs fit the context, images the encoder, and in `blis` mode the prompt the cache. */
const isServable = (request: Request, config: EngineConfig): boolean => {
  const { promptTokens, maxTokens = 0 } = request;
  const { mode, maxModelLen, blockSize, numGpuBlocks, maxNumBatchedTokens } = config;
  if (promptTokens >= maxModelLen || promptTokens + maxTokens > maxModelLen) return false;
  if (mode === "blis") return Math.ceil(promptTokens / blockSize) <= numGpuBlocks;
  const { encoderBudget = maxNumBatchedTokens, encoderCacheTokens = maxNumBatchedTokens } = config;
  return itemsOf(request).every(({ tokens }) => tokens <= Math.min(encoderBudget, encoderCacheTokens));
};
