import type { EngineGauges, EngineState } from "../model/engine-state.ts";
import type { Request, RequestHead } from "../model/request.ts";
import { after, micros, NEVER, type SimTime } from "../sim/time.ts";
import { configProblems } from "./config-problems.ts";
import type { EngineConfig, EngineListener, EngineTiming, SubmitOptions } from "./engine.ts";
import { FrontDesk, type Inside } from "./front-desk.ts";
import { KvTransfers } from "./kv-transfers.ts";
import type { MacroScheduler } from "./macro-scheduler.ts";
import { becomeDecodes, type Share, timeOf } from "./macro-step.ts";
import { type Outlook, outlookOf } from "./outlook.ts";
import { Rank } from "./rank.ts";
import type { RankEngine } from "./ranked-engine.ts";
import { chooseRank, type RankLoad, sumOfGauges, sumOfRanks } from "./ranks.ts";
import { MOST_PLANNED, RunPlan } from "./run-plan.ts";
import type { Sequence } from "./sequence.ts";
import { StepResults, type Unserved } from "./step-results.ts";

/**
 * An engine that passes over the steps in which nothing happens: the loop of vLLM V1's engine core
 * (vllm/v1/engine/core.py, May 2026), or of the reference simulator (BLIS @f90a1e3a) in `blis` mode, at the cost of what
 * changes (design notes 6). After each change it plans the run of steps up to the next one: when each ends follows from
 * two numbers, those that decode and their context. What comes between only cuts the plan at the step where it counts.
 *
 * With asynchronous scheduling the next step is fixed while one is under way, so that a request arriving during step N
 * is first looked at when N ends, and starts with N + 2; blocks freed by N serve N + 2 as well. Several ranks take their
 * steps together, each as long as the slowest (vllm/v1/engine/core.py, DPEngineCoreProc).
 *
 * Invariant: the plan begins with the end of the step under way, and is empty if there is none.
 */
export class MacroEngine implements RankEngine {
  readonly #config: EngineConfig;
  readonly #timing: EngineTiming;
  readonly #desk: FrontDesk;
  readonly #transfers: KvTransfers;
  readonly #ranks: readonly Rank[];
  readonly #first: Rank;
  readonly #blis: boolean;
  readonly #async: boolean;
  readonly #slides: boolean;
  /** Whether gauges don't follow from a run's first step and its length: several ranks, or windows that slide. */
  readonly #isIntricate: boolean;
  /** Whether the end of a step with newcomers can be told when the one before begins. */
  readonly #foresees: boolean;
  /** Whether steps of coasters are like any others: one rank, no windows, results at the end of each. */
  readonly #alone: boolean;
  #running = false;
  readonly #plan = new RunPlan();
  readonly #results: StepResults;
  /** The step under way will leave nothing to do; `blis` mode then starts the next one without waiting for its end. */
  #lastOfAll = false;
  // Doubles from the first: see `noInstants`. What is undefined at first V8 keeps as an object, and a new one at each change.
  #now: SimTime = NEVER;
  /** When it next has something to do or to tell; when to tell, or somebody may give up. */
  #due: SimTime = NEVER;
  #telling: SimTime = NEVER;

  /** @throws RangeError if `configProblems` finds any */
  constructor(config: EngineConfig, timing: EngineTiming, listener: EngineListener, start: SimTime) {
    const [problem] = configProblems(config);
    if (problem !== undefined) throw new RangeError(problem.message);
    this.#config = config;
    this.#timing = timing;
    this.#blis = config.mode === "blis";
    this.#async = config.asyncScheduling && !this.#blis && config.speculation === undefined;
    this.#desk = new FrontDesk(config, timing, listener, start);
    this.#transfers = new KvTransfers(config, listener);
    this.#results = new StepResults(config, timing, this.#desk, this.#transfers);
    const together = config.lockstep === true && !this.#blis ? (config.ranks ?? 1) : 1;
    this.#ranks = Array.from({ length: together }, () => new Rank(config, this.#transfers, this.#async, true, start));
    this.#first = this.#ranks[0] as Rank;
    this.#slides = this.#first.scheduler.cache.slides;
    this.#isIntricate = together > 1 || this.#slides;
    this.#alone = together === 1 && !this.#slides && !this.#blis;
    this.#foresees = this.#alone && this.#async && config.lora === undefined;
    this.#now = start;
  }

  get held(): number {
    return this.#desk.held;
  }

  get due(): SimTime {
    return this.#due;
  }

  advance(now: SimTime): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    for (let due = this.due; due <= now; due = this.due) this.#happen(due);
    this.#passTo(now);
    this.#now = now;
  }

  work(now: SimTime): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    for (let due = this.due; due < now; due = this.due) this.#happen(due);
    this.#happenBut(now);
    this.#replan();
  }

  submit(request: Request, now: SimTime, options?: SubmitOptions, among?: Inside): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    // A request that comes at the very instant of a step takes part in it, so that step has to wait.
    for (let due = this.due; due < now; due = this.due) this.#happen(due);
    this.#now = now;
    const sequence = this.#desk.admit(request, now, this.#first.metrics, options?.kv, among);
    if (sequence === undefined) return;
    if (this.#ranks.length > 1) sequence.rankIndex = chooseRank(this.#ranks.map((rank) => rank.load));
    const rank = this.#rankOf(sequence);
    rank.arriving += 1;
    // What ended before is passed over with the rest of the run, unless that goes on when the request gets to the queue.
    if (rank.scheduler.admits) this.#plan.cut(sequence.queued);
    else this.#passTo((now - 1) as SimTime);
    this.#due = this.#nextDue();
  }

  abort(requestId: number, now: SimTime): void {
    this.advance(now);
    if (this.#desk.find(requestId) === undefined) return;
    this.giveUp(requestId, now);
    this.#resume(now);
    this.#replan();
  }

  giveUp(requestId: number, now: SimTime): void {
    const sequence = this.#desk.find(requestId);
    if (sequence !== undefined) this.#hangUp(sequence, "aborted", now);
  }

  abortAll(now: SimTime): void {
    this.advance(now);
    for (const sequence of this.#desk.sequences) this.#hangUp(sequence, "aborted", now);
    for (const sequence of this.#transfers.popAll(now)) this.#giveBack(sequence, now);
    this.#resume(now);
    this.#replan();
  }

  kvSent(requestId: number, now: SimTime): void {
    this.advance(now);
    const sequence = this.#transfers.sent(requestId);
    if (sequence !== undefined) this.#endTransfer(sequence, now);
  }

  kvArrived(requestId: number, now: SimTime): void {
    this.advance(now);
    const sequence = this.#transfers.arrived(requestId, now);
    if (sequence !== undefined) this.#endTransfer(sequence, now);
  }

  kvFailed(requestId: number, now: SimTime): void {
    this.advance(now);
    const failure = this.#transfers.failed(requestId, now);
    if (failure === undefined) return;
    if (failure.ends) this.#hangUp(failure.sequence, "failed", now);
    this.#endTransfer(failure.sequence, now);
  }

  /** Nobody reads or writes its blocks any more. */
  #endTransfer(sequence: Sequence, now: SimTime): void {
    if (sequence.state === "gone") this.#giveBack(sequence, now);
    this.#rankOf(sequence).scheduler.barred = false;
    this.#resume(now);
    this.#replan();
  }

  look(now: SimTime): EngineState {
    this.#catchUp(now);
    const underWay = this.#running ? Math.max(0, now - this.#first.current.start) : 0;
    const states = this.#ranks.map((rank) => rank.look(now, underWay));
    return states.length === 1 ? (states[0] as EngineState) : sumOfRanks(states, "together");
  }

  gauges(now: SimTime): EngineGauges {
    if (this.foresees(now)) return this.#first.gaugesAfter(this.#plan.silentUntil(now), now);
    this.#catchUp(now);
    if (this.#ranks.length === 1) return this.#first.gauges(now);
    return sumOfGauges(this.#ranks.map((rank) => rank.gauges(now)));
  }

  generated(now: SimTime): number {
    if (this.foresees(now)) return this.#first.generatedAfter(this.#plan.silentUntil(now));
    this.#catchUp(now);
    let sum = 0;
    for (const { metrics } of this.#ranks) sum += metrics.counters.generationTokens;
    return sum;
  }

  /** Those who look are many. */
  foresees(now: SimTime): boolean {
    return now < this.#due && now < this.#desk.nextArrival && !this.#isIntricate;
  }

  /** For those who look; whatever ends silently is passed over. */
  #catchUp(now: SimTime): void {
    if (now >= this.due) this.advance(now);
    else this.#passTo(now);
  }

  outlook(request: RequestHead, now: SimTime): Outlook {
    this.#catchUp(now);
    const step = this.#running ? this.#first.current : undefined;
    const parts = {
      rank: this.#first,
      sequences: this.#desk.sequences,
      config: this.#config,
      timing: this.#timing,
      step,
    };
    return outlookOf(parts, request, now);
  }

  /** What a front end that chooses among engines goes by: requests that wait or run. */
  get load(): RankLoad {
    return this.#first.load;
  }

  get inside(): Inside {
    return this.#desk;
  }

  #rankOf({ rankIndex }: Sequence): Rank {
    return this.#ranks[rankIndex] as Rank;
  }

  // ---- time

  /** Everything at an instant but for clients that hang up. */
  #happenBut(at: SimTime): void {
    if (this.#endsRun(at)) return this.#finishRun(at);
    this.#passTo(at);
    const told = this.#telling <= at && this.#desk.tellUntil(at);
    if (told || this.#nextWork() <= at) this.#work(at, told);
  }

  #happen(at: SimTime): void {
    this.#happenBut(at);
    if (this.#telling <= at) this.#giveUpUntil(at);
    this.#replan();
  }

  /** Clients that hang up, and blocks that nobody has fetched. */
  #giveUpUntil(at: SimTime): void {
    for (let next = this.#desk.popDeadline(at); next !== undefined; next = this.#desk.popDeadline(at)) {
      this.#passDeadline(next, at);
    }
    for (let next = this.#transfers.popExpired(at); next !== undefined; next = this.#transfers.popExpired(at)) {
      this.#giveBack(next, at);
    }
    this.#resume(at);
  }

  /** A step ends, or one may begin. */
  #work(at: SimTime, told: boolean): void {
    if (this.#running && this.#first.current.end <= at) this.#finish(this.#first.current.end);
    // While a step is under way nobody gets to the queue: vLLM's core takes what has come when the step is done.
    const arrived = (!this.#running || this.#lastOfAll || told) && this.#takeArrivals(at);
    if (this.#running && this.#lastOfAll && arrived) this.#finish(at);
    if (!this.#running && (arrived || !this.#goOn(at))) this.#start(at);
  }

  /** Somebody who stood in the way of others may be gone. */
  #resume(at: SimTime): void {
    if (!this.#running && this.#ranks.some(({ scheduler }) => scheduler.waiting.length > 0)) this.#start(at);
  }

  #takeArrivals(at: SimTime): boolean {
    let any = false;
    for (let next = this.#desk.popArrival(at); next !== undefined; next = this.#desk.popArrival(at)) {
      const rank = this.#rankOf(next);
      next.state = "waiting";
      rank.arriving -= 1;
      rank.scheduler.waiting.push(next);
      any = true;
    }
    return any;
  }

  /** The same as `#start` where nothing is to be decided: nobody has come, and all coast on. @returns whether it is so */
  #goOn(at: SimTime): boolean {
    const { ahead, scheduler } = this.#first;
    if (!this.#foresees || ahead.size === 0 || !scheduler.goesOn) return false;
    const { beyond } = this.#plan;
    const length = beyond > 0 ? beyond : timeOf(this.#timing, ahead.batch);
    this.#first.goOn(at, (at + length) as SimTime);
    this.#running = true;
    return true;
  }

  #start(at: SimTime): void {
    const ranks = this.#ranks;
    const fixed = this.#first.ahead.size > 0 || (ranks.length > 1 && ranks.some(({ ahead }) => ahead.size > 0));
    // What was reckoned of the step scheduled ahead.
    const planned = fixed ? this.#plan.beyond : 0;
    let isStep = false;
    let length = 1;
    // By index, here and below: there is one as a rule, and an iterator costs more than it.
    for (let r = 0; r < ranks.length; r += 1) {
      const rank = ranks[r] as Rank;
      if (fixed) rank.turn();
      else if (this.#blis) rank.scheduler.schedule(rank.current, undefined, at);
      else rank.fill(rank.current, at);
      isStep ||= this.#isStep(rank);
      const work = planned > 0 ? planned : timeOf(this.#timing, rank.current.batch);
      length = Math.max(length, work + rank.loadAdapters());
    }
    if (!isStep) {
      for (const rank of ranks) rank.stall(at);
      return;
    }
    const end = after(at, micros(length));
    this.#running = true;
    for (let r = 0; r < ranks.length; r += 1) {
      const rank = ranks[r] as Rank;
      rank.begin(at, end);
      if (this.#async) rank.scheduler.schedule(rank.ahead, rank.current, at);
    }
    this.#lastOfAll = this.#blis && this.#endsAll(this.#first);
  }

  /** In `blis` mode a step may also be one that computes nothing, as long as somebody is there. */
  #isStep({ current, scheduler }: Rank): boolean {
    return current.size > 0 || (this.#blis && scheduler.running + scheduler.waiting.length > 0);
  }

  /** Whether nobody runs or waits after the step under way. */
  #endsAll({ current, scheduler: { running, apart, coasters, waiting } }: Rank): boolean {
    if (waiting.length > 0 || running !== current.size) return false;
    if (!apart.every((sequence) => sequence.placeholders > 0 && sequence.outputs + 1 >= sequence.limit)) return false;
    if (coasters.count > 0 && coasters.nextEnd > current.number) return false;
    for (const { endsWith } of coasters.members) if (endsWith > current.number) return false;
    return true;
  }

  // ---- runs

  #replan(): void {
    this.#planRun();
    this.#due = this.#nextDue();
  }

  #nextDue(): SimTime {
    const giveUp = Math.min(this.#desk.nextDeadline, this.#transfers.nextExpiry);
    this.#telling = Math.min(this.#desk.nextTelling, giveUp) as SimTime;
    return Math.min(this.#nextWork(), this.#telling) as SimTime;
  }

  /** When a step ends that is to be looked at, or one may begin. */
  #nextWork(): number {
    let due: number = this.#plan.last;
    if (!this.#running || this.#lastOfAll) due = Math.min(due, this.#desk.nextArrival);
    if (!this.#running) for (const { scheduler } of this.#ranks) due = Math.min(due, scheduler.nextLoad);
    return due;
  }

  #planRun(): void {
    const plan = this.#plan;
    plan.clear();
    if (!this.#running) return;
    const { current, ahead, coasting: batch, scheduler } = this.#first;
    const { end } = current;
    plan.push(end);
    if (this.#lastOfAll || this.#results.waits) return;
    if (this.#ranks.length > 1) return this.#planTogether(end);
    if (scheduler.coasters.count === 0 || !this.#isSilent(this.#first)) return;
    let most = this.#mostSilent(this.#first);
    const change = this.#nextChange(scheduler);
    // The step ahead is like those to come where it has the same coasters, and nobody else.
    if (this.#alone && ahead.apart === 0 && ahead.size === batch.decodes) {
      batch.decodeContext = ahead.batch.decodeContext;
    } else if (this.#async) {
      if (most <= 0 || end >= change) return;
      plan.push((end + this.#lengthAhead()) as SimTime);
      most -= 1;
      if (ahead.apart > 0) return;
    }
    plan.extend(this.#timing, batch, scheduler.coasters.growing, most, change);
  }

  #planTogether(from: SimTime): void {
    let most = Number.POSITIVE_INFINITY;
    let change: number = NEVER;
    let coasting = false;
    for (const rank of this.#ranks) {
      if (!this.#isSilent(rank)) return;
      if (rank.scheduler.coasters.count > 0) coasting = true;
      most = least(most, this.#mostSilent(rank));
      change = Math.min(change, this.#nextChange(rank.scheduler));
    }
    if (!coasting) return;
    for (let end = from; most > 0 && end < change && !this.#plan.full; most -= 1) {
      const isAhead = this.#async && end === from;
      end = (end + (isAhead ? this.#lengthAhead() : this.#lengthCoasting())) as SimTime;
      this.#plan.push(end);
    }
  }

  /** Whether nothing is to be decided when the step under way ends, nor when the next one does that isn't scheduled yet. */
  #isSilent(rank: Rank): boolean {
    return isPlain(rank) && (rank.ahead.apart === 0 || this.#foresees);
  }

  /** How many steps end silently from the one under way on, for all that is known; `coasting` becomes the next one to schedule. */
  #mostSilent({ current, coasting, scheduler: { coasters, cache } }: Rank): number {
    // The last step of all in `blis` mode is different (D20), so that its start is to be looked at.
    const lastSilent = coasters.nextEnd - (this.#blis ? 2 : 1);
    let most = least(lastSilent - current.number + 1, coasters.nextHalt - coasters.scheduled - 1);
    if (this.#slides) most = least(most, coasters.nextFilling - coasters.scheduled);
    becomeDecodes(coasting, coasters.count, coasters.context, coasters.inWindow);
    coasting.adapters = coasters.adapters.size;
    return least(most, coasters.stepsWith(cache.free, MOST_PLANNED));
  }

  /** When somebody comes who may enter, by arriving or with his blocks. */
  #nextChange(scheduler: MacroScheduler): number {
    const { nextArrival } = this.#desk;
    // In this order: few are on their way.
    const change: number = nextArrival < NEVER && scheduler.admits ? nextArrival : NEVER;
    return scheduler.deferred > 0 ? Math.min(change, scheduler.nextLoad) : change;
  }

  #lengthAhead(): number {
    let length = 1;
    for (let r = 0; r < this.#ranks.length; r += 1) {
      const rank = this.#ranks[r] as Rank;
      length = Math.max(length, timeOf(this.#timing, rank.ahead.batch));
    }
    return length;
  }

  /** Of a step of coasters only; the next one is asked for next. */
  #lengthCoasting(): number {
    let length = 1;
    for (const rank of this.#ranks) {
      const { coasting } = rank;
      length = Math.max(length, timeOf(this.#timing, coasting));
      coasting.decodeContext += coasting.decodes;
      coasting.decodeWindow += rank.scheduler.coasters.growing;
    }
    return length;
  }

  /** Takes all silent ends up to `time`. */
  #passTo(time: SimTime): void {
    const plan = this.#plan;
    if (!plan.passes(time)) return;
    const begin = this.#first.current.start;
    const beyond = this.#blis ? this.#timing.perToken : 0;
    const ranks = this.#ranks;
    const from = plan.at;
    const to = plan.take(time);
    const [end, next] = [plan.ends[to - 1] as SimTime, plan.ends[to] as SimTime];
    const each = this.#slides || this.#first.ahead.apart > 0 || this.#desk.nextArrival <= end;
    if (each) this.#passEach(from, to, begin, beyond);
    else for (let r = 0; r < ranks.length; r += 1) ranks[r]?.pass(plan, from, to, to, begin, beyond);
    for (let r = 0; r < ranks.length; r += 1) {
      ranks[r]?.endRun(to - from, to - from, begin, end, next, beyond, this.#async);
    }
    if (end > this.#now) this.#now = end;
  }

  /** Whether a run comes to its end whose steps, the last one included, can be passed over at once. */
  #endsRun(at: SimTime): boolean {
    const plan = this.#plan;
    if (!this.#alone || plan.last !== at || !plan.silent) return false;
    const { current, ahead } = this.#first;
    if (current.apart > 0 || ahead.apart > 0) return false;
    return this.#desk.nextArrival > plan.lastSilent;
  }

  /** The same as passing over all but the last of its steps, whose results take effect then. */
  #finishRun(at: SimTime): void {
    const { at: from, size } = this.#plan;
    const begin = this.#first.current.start;
    this.#first.pass(this.#plan, from, size - 1, size, begin, 0);
    this.#first.endRun(size - 1 - from, size - from, begin, at, at, 0, this.#async);
    this.#running = false;
    this.#results.endCoasters(this.#first, at);
    if (this.#takeArrivals(at) || !this.#goOn(at)) this.#start(at);
  }

  /** One after the other, where some come to the queue meanwhile, are in the step ahead, or blocks are given up. */
  #passEach(from: number, to: number, begin: SimTime, beyond: number): void {
    let start = begin;
    for (let i = from; i < to; i += 1) {
      const end = this.#plan.ends[i] as SimTime;
      for (const rank of this.#ranks) rank.passEnd(end, end - start + beyond);
      start = end;
      this.#takeArrivals(end);
      for (const rank of this.#ranks) rank.scheduler.pass();
    }
  }

  // ---- results

  /**
   * The step under way takes effect. `at` is its end, or earlier in `blis` mode: the reference simulator applies results
   * when a step starts (D20) and forgets the step if nothing is left, so that a newcomer starts before its end.
   */
  #finish(at: SimTime): void {
    this.#running = false;
    for (let r = 0; r < this.#ranks.length; r += 1) {
      const rank = this.#ranks[r] as Rank;
      this.#results.apply(rank, rank.current, at, at - rank.current.start);
    }
    this.#results.takeOff(at);
  }

  // ---- clients that hang up

  /** The reference simulator has applied the step under way at its start (D20): what ends with it is in time. */
  #passDeadline(sequence: Sequence, at: SimTime): void {
    if (!sequence.lives) return this.#hangUp(sequence, "timed-out", at);
    const rank = this.#rankOf(sequence);
    if (!this.#blis || !this.#running || !this.#samples(rank, sequence)) return this.#hangUp(sequence, "timed-out", at);
    if (sequence.coasting ? sequence.endsWith <= rank.current.number : sequence.outputs + 1 >= sequence.limit) return;
    rank.setApart(sequence);
    sequence.placeholders -= 1;
    this.#results.countTokens(rank, rank.current, sequence, 1);
    rank.current.early += 1;
    this.#hangUp(sequence, "timed-out", at);
  }

  /** Whether the step under way brings it a token. */
  #samples({ current }: Rank, sequence: Sequence): boolean {
    if (sequence.coasting) return current.carries(sequence);
    const at = current.shares.findIndex((share, i) => i < current.apart && share.sequence === sequence);
    return at >= 0 && (current.shares[at] as Share).samples;
  }

  #hangUp(sequence: Sequence, outcome: Unserved, now: SimTime): void {
    this.#results.hangUp(this.#rankOf(sequence), sequence, outcome, now, this.#running);
  }

  #giveBack(sequence: Sequence, now: SimTime): void {
    this.#results.giveBack(this.#rankOf(sequence), sequence, now, this.#running);
  }
}

/** `Math.min` without its questions after NaN and the sign of zero, for counts; instants go by `Math.min`, which keeps them doubles. */
const least = (a: number, b: number): number => (b < a ? b : a);

/**
 * Whether the step under way and the next one to be scheduled have coasters only, and nobody can enter but by arriving. One
 * scheduled ahead may have newcomers.
 */
const isPlain = ({ current, ahead, scheduler }: Rank): boolean => {
  const { apart, waiting } = scheduler;
  if (apart.length > 0 || current.apart > 0) return false;
  return waiting.length === 0 || (ahead.apart === 0 && (scheduler.barred || scheduler.closed));
};
