import { Batch } from "../model/batch.ts";
import type { EngineState } from "../model/engine-state.ts";
import type { Finished } from "../model/fact.ts";
import type { Outcome, Request } from "../model/request.ts";
import { Agenda } from "../sim/agenda.ts";
import { invariant } from "../sim/invariant.ts";
import { after, elapsed, type Micros, micros, NEVER, type SimTime } from "../sim/time.ts";
import { configProblems } from "./config-problems.ts";
import type { Engine, EngineConfig, EngineListener, EngineTiming } from "./engine.ts";
import { EngineMetrics } from "./engine-metrics.ts";
import { MacroScheduler } from "./macro-scheduler.ts";
import { MacroStep } from "./macro-step.ts";
import { PrefixKeys } from "./prefix-keys.ts";
import { RunPlan } from "./run-plan.ts";
import { Sequence } from "./sequence.ts";

/**
 * An engine that passes over the steps in which nothing happens: the loop of vLLM V1's engine core
 * (vllm/v1/engine/core.py, May 2026), or of the reference simulator (BLIS @f90a1e3a) in `blis` mode, at the cost of what
 * changes (design notes 6). After each change it plans the run of steps up to the next one: when each ends follows from
 * two numbers, those that decode and their context. What comes between only cuts the plan at the step where it counts.
 *
 * With asynchronous scheduling the next step is fixed while one is under way, so that a request arriving during step N
 * is first looked at when N ends, and starts with N + 2; blocks freed by N serve N + 2 as well.
 *
 * Invariant: the plan begins with the end of the step under way, and is empty if there is none.
 */
export class MacroEngine implements Engine {
  readonly #config: EngineConfig;
  readonly #timing: EngineTiming;
  readonly #listener: EngineListener;
  readonly #metrics: EngineMetrics;
  readonly #scheduler: MacroScheduler;
  readonly #blis: boolean;
  readonly #async: boolean;
  /** Requests on their way to the queue. */
  readonly #arriving: Agenda<Sequence>;
  /** All that are held, in order of submission. */
  readonly #held = new Map<number, Sequence>();
  /** The step under way, if `#running`, and the one scheduled ahead, if it has members. */
  #current = new MacroStep();
  #ahead = new MacroStep();
  #running = false;
  readonly #plan = new RunPlan();
  /** Of a planned step; nobody but coasters takes part. */
  readonly #coasting = new Batch();
  /** The step under way will leave nothing to do; `blis` mode then starts the next one without waiting for its end. */
  #lastOfAll = false;
  /** Ends that were decided before their instant; `blis` mode only. */
  readonly #untold: Agenda<Finished>;
  #submitted = 0;
  #now: SimTime;
  /** Gauges, as of the last finished step. */
  #gauges: { readonly at: SimTime; readonly running: number; readonly waiting: number; readonly free: number };

  /** @throws RangeError if `configProblems` finds any */
  constructor(config: EngineConfig, timing: EngineTiming, listener: EngineListener, start: SimTime) {
    const [problem] = configProblems(config);
    if (problem !== undefined) throw new RangeError(problem.message);
    this.#config = config;
    this.#timing = timing;
    this.#listener = listener;
    this.#blis = config.mode === "blis";
    this.#async = config.asyncScheduling && !this.#blis;
    this.#metrics = new EngineMetrics(config.maxModelLen);
    this.#scheduler = new MacroScheduler(config, this.#metrics);
    this.#arriving = new Agenda(start);
    this.#untold = new Agenda(start);
    this.#now = start;
    this.#gauges = { at: start, running: 0, waiting: 0, free: this.#scheduler.cache.free };
  }

  get held(): number {
    return this.#held.size;
  }

  get due(): SimTime {
    const arrival = !this.#running || this.#lastOfAll ? (this.#arriving.next ?? NEVER) : NEVER;
    return Math.min(this.#plan.last, arrival, this.#untold.next ?? NEVER) as SimTime;
  }

  advance(now: SimTime): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    for (let due = this.due; due <= now; due = this.due) this.#happen(due);
    this.#passTo(now);
    this.#now = now;
  }

  submit(request: Request, now: SimTime): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    // A request that comes at the very instant of a step takes part in it, so that step has to wait.
    for (let due = this.due; due < now; due = this.due) this.#happen(due);
    this.#passTo((now - 1) as SimTime);
    this.#now = now;
    if (!this.#serves(request)) return this.#reject(request, now);
    invariant(!this.#held.has(request.id), `request ${request.id} is submitted once`);
    this.#submitted += 1;
    const queued = after(now, this.#timing.toQueue(request.promptTokens));
    const { blockSize, maxModelLen } = this.#config;
    const keys = new PrefixKeys(request.prefix, request.promptTokens, blockSize);
    const sequence = new Sequence(
      request,
      this.#submitted,
      { arrived: now, queued },
      keys,
      maxModelLen - request.promptTokens,
    );
    this.#held.set(request.id, sequence);
    this.#arriving.at(queued, 0, sequence);
    if (this.#admits) this.#plan.cut(queued);
  }

  abort(requestId: number, now: SimTime): void {
    this.advance(now);
    const sequence = this.#held.get(requestId);
    if (sequence === undefined) return;
    this.#abort(sequence, now);
    this.#replan();
  }

  abortAll(now: SimTime): void {
    this.advance(now);
    for (const sequence of Array.from(this.#held.values())) this.#abort(sequence, now);
    this.#replan();
  }

  look(now: SimTime): EngineState {
    if (now >= this.due) this.advance(now);
    else this.#passTo(now);
    const { at, running, waiting, free } = this.#gauges;
    if (now < at) throw new RangeError(`${now} us lies before the last change, ${at} us`);
    const { counters, histograms } = this.#metrics;
    const size = this.#scheduler.cache.size;
    const underWay = this.#running ? Math.max(0, now - this.#current.start) : 0;
    return {
      running,
      waiting,
      kvUsage: 1 - free / size,
      usedBlocks: size - free,
      freeBlocks: free,
      counters: { ...counters, success: { ...counters.success }, busyMicros: counters.busyMicros + underWay },
      histograms,
    };
  }

  // ---- time

  #happen(at: SimTime): void {
    this.#passTo(at);
    while ((this.#untold.next ?? NEVER) <= at) this.#tell(this.#untold.pop() as Finished);
    if (this.#running && this.#current.end <= at) this.#finish(this.#current.end);
    const arrived = this.#takeArrivals(at);
    if (this.#running && this.#lastOfAll && arrived) this.#finish(at);
    if (!this.#running) this.#start(at);
    this.#replan();
  }

  #takeArrivals(at: SimTime): boolean {
    let any = false;
    while ((this.#arriving.next ?? NEVER) <= at) {
      const sequence = this.#arriving.pop() as Sequence;
      if (sequence.state === "gone") continue;
      sequence.state = "waiting";
      this.#scheduler.waiting.push(sequence);
      any = true;
    }
    return any;
  }

  #start(at: SimTime): void {
    if (this.#ahead.size > 0) {
      [this.#current, this.#ahead] = [this.#ahead, this.#current];
      this.#ahead.clear();
    } else {
      this.#scheduler.schedule(this.#current, undefined);
      if (this.#scheduler.running + this.#scheduler.waiting.length === 0) return;
      invariant(this.#blis || this.#current.size > 0, "an engine with work never stands still");
    }
    const step = this.#current;
    step.start = at;
    step.end = after(at, this.#timeOf(step.batch));
    for (const sequence of step.admitted) sequence.scheduled ??= at;
    this.#running = true;
    if (this.#async) this.#scheduler.schedule(this.#ahead, step);
    this.#lastOfAll = this.#blis && this.#endsAll(step);
  }

  #timeOf(batch: Batch): Micros {
    return micros(Math.max(1, this.#timing.step(batch)));
  }

  /** Whether nobody runs or waits after `step`. */
  #endsAll(step: MacroStep): boolean {
    const { running, apart, coasters, waiting } = this.#scheduler;
    if (waiting.length > 0 || running !== step.size) return false;
    if (!apart.every((sequence) => sequence.placeholders > 0 && sequence.outputs + 1 >= sequence.limit)) return false;
    if (coasters.count > 0 && coasters.nextEnd > step.number) return false;
    for (const { endsWith } of coasters.members) if (endsWith > step.number) return false;
    return true;
  }

  // ---- runs

  /** Whether somebody who comes to the queue now may enter with the next step that is scheduled. */
  get #admits(): boolean {
    return this.#scheduler.waiting.length === 0 && !this.#scheduler.closed;
  }

  #replan(): void {
    const [plan, step] = [this.#plan, this.#current];
    plan.clear();
    if (!this.#running) return;
    plan.push(step.end);
    if (!this.#isPlain()) return;
    const { coasters, cache } = this.#scheduler;
    const [firstNumber, firstScheduled] = [step.number, coasters.scheduled + 1];
    // The last step of all in `blis` mode is different (D20), so that its start is to be looked at.
    const lastSilent = coasters.nextEnd - (this.#blis ? 2 : 1);
    const arrival = this.#admits ? (this.#arriving.next ?? NEVER) : NEVER;
    const most = Math.min(lastSilent - firstNumber + 1, coasters.nextHalt - firstScheduled);
    const batch = this.#coasting;
    batch.clear();
    batch.addDecodes(coasters.count, coasters.context);
    let free = cache.free;
    let end = step.end;
    for (let i = 0; i < most && end < arrival && !plan.full; i += 1) {
      free -= coasters.blocksFor(i);
      if (free < 0) return;
      const isAhead = this.#async && i === 0;
      end = after(end, this.#timeOf(isAhead ? this.#ahead.batch : batch));
      if (!isAhead) batch.decodeContext += coasters.count;
      plan.push(end);
    }
  }

  /** Whether the steps fixed so far and the next one have coasters only, and nobody can enter but by arriving. */
  #isPlain(): boolean {
    const { apart, coasters, waiting, closed, stuck } = this.#scheduler;
    if (this.#lastOfAll || coasters.count === 0 || apart.length > 0) return false;
    if (this.#current.members.length > 0 || this.#ahead.members.length > 0) return false;
    return closed || waiting.length === 0 || waiting.peek() === stuck;
  }

  /** Takes all silent ends up to `time`. */
  #passTo(time: SimTime): void {
    const plan = this.#plan;
    if (!plan.silent || plan.next > time) return;
    const { coasters, waiting, cache } = this.#scheduler;
    const [step, outputs] = [this.#current, coasters.count];
    let { start } = step;
    const beyond = this.#blis ? this.#timing.perToken : 0;
    let { free } = cache;
    let [steps, blocks, waited] = [0, 0, 0];
    while (plan.silent && plan.next <= time) {
      const end = plan.next;
      this.#metrics.gap(end - start + beyond, outputs);
      start = end;
      steps += 1;
      waited = waiting.length;
      free = cache.free - blocks;
      this.#takeArrivals(end);
      blocks += coasters.blocksFor();
      coasters.pass();
      plan.shift();
    }
    const length = start - step.start;
    coasters.gaps += length + steps * beyond;
    coasters.finished += steps;
    coasters.lastEnd = start;
    step.number += steps;
    step.start = start;
    step.coasters = step.size = outputs;
    step.end = plan.next;
    if (this.#async) this.#ahead.coast(coasters.scheduled, outputs, coasters.context - outputs);
    this.#scheduler.passed(steps, blocks);
    this.#metrics.steppedOn(steps, outputs, length);
    this.#gauges = { at: start, running: outputs, waiting: waited, free };
    this.#now = Math.max(this.#now, start) as SimTime;
  }

  // ---- results

  /**
   * The step under way takes effect. `at` is its end, or earlier in `blis` mode: the reference simulator applies results
   * when a step starts (D20) and forgets the step if nothing is left, so that a newcomer starts before its end.
   */
  #finish(at: SimTime): void {
    const step = this.#current;
    const { coasters } = this.#scheduler;
    this.#running = false;
    let outputs = step.coasters;
    const gap = step.end - step.start + (this.#blis ? this.#timing.perToken : 0);
    if (outputs > 0) this.#metrics.gap(gap, outputs);
    coasters.gaps += gap;
    coasters.finished = step.number;
    coasters.lastEnd = step.end;
    // In order of rank: members and the coasters that end.
    let ending = coasters.popEnding(step.number);
    for (let i = 0; i < step.members.length; i += 1) {
      const sequence = step.members[i] as Sequence;
      for (; ending !== undefined && ending.rank < sequence.rank; ending = coasters.popEnding(step.number)) {
        this.#endCoaster(ending, at);
      }
      if (sequence.state === "gone" || !step.samples[i]) continue;
      outputs += 1;
      this.#takeToken(sequence, step, at);
    }
    for (; ending !== undefined; ending = coasters.popEnding(step.number)) this.#endCoaster(ending, at);
    this.#scheduler.sweep();
    this.#metrics.stepped(outputs, at - step.start);
    this.#readGauges(at);
  }

  #endCoaster(sequence: Sequence, at: SimTime): void {
    this.#stopCoasting(sequence);
    this.#end(sequence, at);
  }

  #stopCoasting(sequence: Sequence): void {
    this.#scheduler.settle(sequence);
    this.#current.dropCoaster(sequence);
    this.#ahead.dropCoaster(sequence);
  }

  #takeToken(sequence: Sequence, step: MacroStep, at: SimTime): void {
    const { end } = step;
    sequence.placeholders -= 1;
    sequence.outputs += 1;
    sequence.known += 1;
    if (sequence.firstToken === undefined) {
      sequence.firstToken = end;
      this.#tellFirst(sequence);
    } else if (this.#blis) {
      const gap = end - step.start + this.#timing.perToken;
      sequence.gapSum += gap;
      this.#metrics.gap(gap);
    } else this.#metrics.gap(end - sequence.lastToken);
    sequence.lastToken = end;
    if (sequence.outputs >= sequence.limit) this.#end(sequence, at);
  }

  #tellFirst(sequence: Sequence): void {
    if (sequence.firstTold) return;
    sequence.firstTold = true;
    const seen = this.#firstSeen(sequence) as SimTime;
    this.#metrics.firstToken(sequence, elapsed(sequence.arrived, seen) / 1e6);
    this.#listener.firstToken(sequence.request, seen);
  }

  #end(sequence: Sequence, at: SimTime): void {
    if (this.#blis && !sequence.capped) this.#takeLastBlock(sequence);
    this.#leave(sequence);
    const facts = this.#factsOf(sequence, sequence.capped ? "length" : "stop", this.#lastSeen(sequence));
    this.#metrics.finished(sequence, facts);
    const end = sequence.lastToken;
    if (end > at) this.#untold.at(end, 0, facts);
    else this.#tell(facts);
  }

  /** The reference simulator takes a block for the last token too, before it frees all (D3). */
  #takeLastBlock(sequence: Sequence): void {
    this.#scheduler.cache.grow(sequence, sequence.computed + 1);
  }

  /** Gives up its blocks, and its place at the next sweep. What steps under way bring it comes to nothing. */
  #leave(sequence: Sequence): void {
    const { state } = sequence;
    sequence.state = "gone";
    this.#scheduler.cache.release(sequence);
    this.#scheduler.stuck = undefined;
    if (state === "running") this.#scheduler.lost();
    if (state === "waiting") this.#scheduler.waiting.lost();
  }

  // ---- the door

  /** vLLM's front end answers HTTP 400 to a prompt without room for an output; BLIS also drops what the cache can't hold. */
  #serves({ promptTokens }: Request): boolean {
    const { blockSize, maxModelLen, numGpuBlocks } = this.#config;
    if (promptTokens >= maxModelLen) return false;
    return !this.#blis || Math.ceil(promptTokens / blockSize) <= numGpuBlocks;
  }

  #reject(request: Request, now: SimTime): void {
    this.#listener.finished({
      request,
      outcome: "rejected",
      queued: now,
      scheduled: undefined,
      firstToken: undefined,
      end: now,
      outputTokens: 0,
      cachedTokens: 0,
      preemptions: 0,
    });
  }

  #abort(sequence: Sequence, now: SimTime): void {
    if (sequence.state === "gone") return;
    if (sequence.coasting) this.#stopCoasting(sequence);
    this.#leave(sequence);
    this.#scheduler.sweep();
    this.#metrics.aborted();
    this.#readGauges(now);
    this.#tell(this.#factsOf(sequence, "aborted", now));
  }

  #tell(facts: Finished): void {
    this.#held.delete(facts.request.id);
    this.#listener.finished(facts);
  }

  #factsOf(sequence: Sequence, outcome: Outcome, end: SimTime): Finished {
    const firstToken = this.#firstSeen(sequence);
    return {
      request: sequence.request,
      outcome,
      queued: Math.min(sequence.queued, end) as SimTime,
      scheduled: sequence.scheduled,
      firstToken,
      end: Math.max(end, firstToken ?? end) as SimTime,
      outputTokens: sequence.outputs,
      cachedTokens: sequence.cached,
      preemptions: sequence.preemptions,
    };
  }

  /** The client's view adds the front end's share (design notes 7, last paragraph). */
  #firstSeen({ firstToken }: Sequence): SimTime | undefined {
    return firstToken === undefined ? undefined : after(firstToken, this.#timing.perToken);
  }

  /** BLIS sums the gaps, each with the front end's share, and so leaves out steps that passed a request over (D10). */
  #lastSeen(sequence: Sequence): SimTime {
    const { perToken, atFinish } = this.#timing;
    const last = this.#blis
      ? after(this.#firstSeen(sequence) as SimTime, sequence.gapSum as Micros)
      : after(sequence.lastToken, perToken);
    return after(last, atFinish);
  }

  /** vLLM's gauges leave with a step's outputs: what has arrived since its scheduling isn't in them yet. */
  #readGauges(at: SimTime): void {
    const { running, waiting, cache } = this.#scheduler;
    this.#gauges = { at, running, waiting: waiting.length, free: cache.free };
  }
}

/** One replica's engine, idle at `start`. @throws RangeError if `configProblems` finds any */
export const createEngine = (
  config: EngineConfig,
  timing: EngineTiming,
  listener: EngineListener,
  start: SimTime,
): Engine => new MacroEngine(config, timing, listener, start);
