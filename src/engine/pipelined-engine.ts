import type { EngineState } from "../model/engine-state.ts";
import type { Request } from "../model/request.ts";
import { micros, NEVER, type SimTime } from "../sim/time.ts";
import { configProblems } from "./config-problems.ts";
import type { EngineConfig, EngineListener, EngineTiming } from "./engine.ts";
import { FrontDesk, type Inside } from "./front-desk.ts";
import { MacroStep } from "./macro-step.ts";
import { Rank } from "./rank.ts";
import type { RankEngine } from "./ranked-engine.ts";
import type { RankLoad } from "./ranks.ts";
import type { Sequence } from "./sequence.ts";
import { StepResults } from "./step-results.ts";

/**
 * An engine over several pipeline stages: as many batches are in flight as there are stages, each with requests of its
 * own, since a request's next token is scheduled when its last one is out. Chunks of one prompt follow one another.
 * Every stage takes an equal share of a step. Source: EngineCore.step_with_batch_queue (vllm/v1/engine/core.py, May 2026).
 *
 * It takes every step by itself: the runs of equal steps that `MacroEngine` passes over are cut by the other batches.
 */
export class PipelinedEngine implements RankEngine {
  readonly #timing: EngineTiming;
  readonly #desk: FrontDesk;
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
    this.#timing = timing;
    this.#desk = new FrontDesk(config, timing, listener, start);
    this.#rank = new Rank(config, false, false, start);
    this.#results = new StepResults(config, timing, this.#desk);
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
    return this.#desk.inside;
  }

  get due(): SimTime {
    return Math.min(this.#nextWork, this.#desk.nextDeadline, NEVER) as SimTime;
  }

  get #nextWork(): number {
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
    if (this.#nextWork <= now) this.#work(now);
  }

  submit(request: Request, now: SimTime, among?: Inside): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    for (let due = this.due; due < now; due = this.due) this.#happen(due);
    this.#now = now;
    if (this.#desk.admit(request, now, this.#rank.metrics, among) !== undefined) this.#rank.arriving += 1;
  }

  abort(requestId: number, now: SimTime): void {
    this.advance(now);
    const sequence = this.#desk.find(requestId);
    if (sequence === undefined) return;
    this.#hangUp(sequence, "aborted", now);
    this.#resume(now);
  }

  abortAll(now: SimTime): void {
    this.advance(now);
    for (const sequence of this.#desk.sequences) this.#hangUp(sequence, "aborted", now);
    this.#resume(now);
  }

  look(now: SimTime): EngineState {
    if (now >= this.due) this.advance(now);
    return this.#rank.look(now, this.#inFlight.length > 0 ? Math.max(0, now - this.#busySince) : 0);
  }

  #happen(at: SimTime): void {
    if (this.#nextWork <= at) this.#work(at);
    let left = false;
    for (let next = this.#desk.popDeadline(at); next !== undefined; next = this.#desk.popDeadline(at)) {
      this.#hangUp(next, "timed-out", at);
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

  #hangUp(sequence: Sequence, outcome: "aborted" | "timed-out", now: SimTime): void {
    this.#results.hangUp(this.#rank, sequence, outcome, now, this.#inFlight.length > 0);
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
      if (step.size === 0) return;
      this.#send(step, at);
    }
  }

  #send(step: MacroStep, at: SimTime): void {
    const { length } = this.#free;
    const whole = Math.max(1, this.#rank.timeOf(this.#timing, step.batch)) + this.#rank.loadAdapters(step.adapters);
    const share = micros(Math.ceil(whole / length));
    let end: number = at;
    this.#free.forEach((free, stage) => {
      end = Math.max(end, free) + share;
      this.#free[stage] = end;
    });
    if (this.#inFlight.length === 0) this.#busySince = at;
    step.start = at;
    step.end = end as SimTime;
    for (const sequence of step.admitted) sequence.scheduled ??= at;
    this.#inFlight.push(step);
  }
}
