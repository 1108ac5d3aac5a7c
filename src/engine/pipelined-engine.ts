import type { EngineGauges, EngineState } from "../model/engine-state.ts";
import type { Request, RequestHead } from "../model/request.ts";
import { micros, type SimTime } from "../sim/time.ts";
import { configProblems } from "./config-problems.ts";
import type { EngineConfig, EngineListener, EngineTiming, SubmitOptions } from "./engine.ts";
import { FrontDesk, type Inside } from "./front-desk.ts";
import { KvTransfers } from "./kv-transfers.ts";
import { MacroStep, type Share, timeOf } from "./macro-step.ts";
import { type Outlook, outlookOf } from "./outlook.ts";
import { Rank } from "./rank.ts";
import type { RankEngine } from "./ranked-engine.ts";
import type { RankLoad } from "./ranks.ts";
import type { Sequence } from "./sequence.ts";
import { StepResults, type Unserved } from "./step-results.ts";

/**
 * An engine over several pipeline stages: as many batches are in flight as there are stages, each with requests of its
 * own, since a request's next token is scheduled when its last one is out. Chunks of one prompt follow one another.
 * Every stage takes an equal share of a step. Source: EngineCore.step_with_batch_queue (vllm/v1/engine/core.py, May 2026).
 *
 * It takes every step by itself: the runs of equal steps that `MacroEngine` passes over are cut by the other batches.
 */
export class PipelinedEngine implements RankEngine {
  readonly #config: EngineConfig;
  readonly #timing: EngineTiming;
  readonly #desk: FrontDesk;
  readonly #transfers: KvTransfers;
  readonly #rank: Rank;
  readonly #results: StepResults;
  readonly #window: number;
  /** When each stage is free. */
  readonly #free: number[];
  /** Oldest first. */
  readonly #inFlight: MacroStep[] = [];
  /** Since when some batch has been in flight, counted as busy up to here. */
  #busySince = 0;
  #now: SimTime;

  /** @throws RangeError if `configProblems` finds any */
  constructor(config: EngineConfig, timing: EngineTiming, listener: EngineListener, start: SimTime) {
    const [problem] = configProblems(config);
    if (problem !== undefined) throw new RangeError(problem.message);
    this.#config = config;
    this.#timing = timing;
    this.#desk = new FrontDesk(config, timing, listener, start);
    this.#transfers = new KvTransfers(config, listener);
    this.#rank = new Rank(config, this.#transfers, false, false, start);
    this.#results = new StepResults(config, timing, this.#desk, this.#transfers);
    this.#window = this.#rank.coasting.window;
    this.#free = Array.from({ length: config.pipelineStages ?? 1 }, () => 0);
    this.#now = start;
  }

  get held(): number {
    return this.#desk.held;
  }

  get load(): RankLoad {
    return this.#rank.load;
  }

  get inside(): Inside {
    return this.#desk;
  }

  get due(): SimTime {
    return Math.min(this.#nextWork(), this.#desk.nextDeadline, this.#transfers.nextExpiry) as SimTime;
  }

  #nextWork(): number {
    const [oldest] = this.#inFlight;
    return oldest?.end ?? Math.min(this.#desk.nextArrival, this.#rank.scheduler.nextLoad);
  }

  advance(now: SimTime): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    for (let due = this.due; due <= now; due = this.due) this.#happen(due);
    this.#now = now;
  }

  work(now: SimTime): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    for (let due = this.due; due < now; due = this.due) this.#happen(due);
    if (this.#nextWork() <= now) this.#work(now);
  }

  submit(request: Request, now: SimTime, options?: SubmitOptions, among?: Inside): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    for (let due = this.due; due < now; due = this.due) this.#happen(due);
    this.#now = now;
    const sequence = this.#desk.admit(request, now, this.#rank.metrics, options?.kv, among);
    if (sequence !== undefined) this.#rank.arriving += 1;
  }

  abort(requestId: number, now: SimTime): void {
    this.advance(now);
    if (this.#desk.find(requestId) === undefined) return;
    this.giveUp(requestId, now);
    this.#resume(now);
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
    this.#resume(now);
  }

  outlook(request: RequestHead, now: SimTime): Outlook {
    this.gauges(now);
    const [step] = this.#inFlight;
    const parts = {
      rank: this.#rank,
      sequences: this.#desk.sequences,
      config: this.#config,
      timing: this.#timing,
      step,
    };
    return outlookOf(parts, request, now);
  }

  look(now: SimTime): EngineState {
    if (now >= this.due) this.advance(now);
    return this.#rank.look(now, this.#inFlight.length > 0 ? Math.max(0, now - this.#busySince) : 0);
  }

  gauges(now: SimTime): EngineGauges {
    if (now >= this.due) this.advance(now);
    return this.#rank.gauges(now);
  }

  generated(now: SimTime): number {
    if (now >= this.due) this.advance(now);
    return this.#rank.metrics.counters.generationTokens;
  }

  foresees(now: SimTime): boolean {
    return now < this.due;
  }

  #happen(at: SimTime): void {
    if (this.#nextWork() <= at) this.#work(at);
    let left = false;
    for (let next = this.#desk.popDeadline(at); next !== undefined; next = this.#desk.popDeadline(at)) {
      this.#hangUp(next, "timed-out", at);
      left = true;
    }
    for (let next = this.#transfers.popExpired(at); next !== undefined; next = this.#transfers.popExpired(at)) {
      this.#giveBack(next, at);
      left = true;
    }
    if (left) this.#resume(at);
  }

  /** A batch is done, or one may be sent. */
  #work(at: SimTime): void {
    const [oldest] = this.#inFlight;
    if (oldest !== undefined) {
      this.#inFlight.shift();
      this.#results.apply(this.#rank, oldest, at, at - this.#busySince);
      this.#busySince = at;
      this.#results.takeOff(at);
    }
    this.#takeArrivals(at);
    this.#fill(at);
  }

  #hangUp(sequence: Sequence, outcome: Unserved, now: SimTime): void {
    this.#results.hangUp(this.#rank, sequence, outcome, now, this.#inFlight.length > 0);
  }

  #giveBack(sequence: Sequence, now: SimTime): void {
    this.#results.giveBack(this.#rank, sequence, now, this.#inFlight.length > 0);
  }

  /** Somebody who stood in the way of others may be gone. */
  #resume(at: SimTime): void {
    if (this.#inFlight.length === 0 && this.#rank.scheduler.waiting.length > 0) this.#fill(at);
  }

  #takeArrivals(at: SimTime): void {
    for (let next = this.#desk.popArrival(at); next !== undefined; next = this.#desk.popArrival(at)) {
      next.state = "waiting";
      this.#rank.arriving -= 1;
      this.#rank.scheduler.waiting.push(next);
    }
  }

  /** Schedules batches while one more may be in flight and there is something to compute. */
  #fill(at: SimTime): void {
    while (this.#inFlight.length < this.#free.length) {
      const step = new MacroStep(this.#window);
      if (this.#inFlight.length === 0) this.#rank.fill(step, at);
      else this.#rank.scheduler.schedule(step, undefined, at);
      if (step.size === 0) {
        if (this.#inFlight.length === 0) this.#rank.stall(at);
        return;
      }
      this.#send(step, at);
    }
  }

  #send(step: MacroStep, at: SimTime): void {
    const { length } = this.#free;
    const whole = Math.max(1, timeOf(this.#timing, step.batch)) + this.#rank.loadAdapters(step.adapters);
    const share = micros(Math.ceil(whole / length));
    let end: number = at;
    this.#free.forEach((free, stage) => {
      end = Math.max(end, free) + share;
      this.#free[stage] = end;
    });
    if (this.#inFlight.length === 0) this.#busySince = at;
    step.start = at;
    step.end = end as SimTime;
    for (let i = 0; i < step.apart; i += 1) (step.shares[i] as Share).sequence.scheduled ??= at;
    this.#inFlight.push(step);
  }
}
