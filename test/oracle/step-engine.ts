import { configProblems } from "../../src/engine/config-problems.ts";
import type { Engine, EngineConfig, EngineListener, EngineTiming } from "../../src/engine/engine.ts";
import { EngineMetrics } from "../../src/engine/engine-metrics.ts";
import { PrefixKeys } from "../../src/engine/prefix-keys.ts";
import { Sequence } from "../../src/engine/sequence.ts";
import type { EngineState } from "../../src/model/engine-state.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { Outcome, Request } from "../../src/model/request.ts";
import { Agenda } from "../../src/sim/agenda.ts";
import { invariant } from "../../src/sim/invariant.ts";
import { after, elapsed, type Micros, micros, NEVER, type SimTime } from "../../src/sim/time.ts";
import { Step } from "./step.ts";
import { StepScheduler } from "./step-scheduler.ts";

/**
 * The oracle: an engine that takes one step at a time and walks through its whole batch in each: the loop of vLLM V1's engine core (vllm/v1/engine/core.py, May 2026), or of
 * the reference simulator (BLIS @f90a1e3a) in `blis` mode.
 *
 * With asynchronous scheduling the next step is fixed while one is under way, so that a request arriving during step N
 * is first looked at when N ends, and starts with N + 2; blocks freed by N serve N + 2 as well.
 */
export class StepEngine implements Engine {
  readonly #config: EngineConfig;
  readonly #timing: EngineTiming;
  readonly #listener: EngineListener;
  readonly #metrics: EngineMetrics;
  readonly #scheduler: StepScheduler;
  readonly #blis: boolean;
  readonly #async: boolean;
  /** Requests on their way to the queue. */
  readonly #arriving: Agenda<Sequence>;
  /** All that are held, in order of submission. */
  readonly #held = new Map<number, Sequence>();
  /** The step under way, if `#running`, and the one scheduled ahead, if it has members. */
  #current = new Step();
  #ahead = new Step();
  #running = false;
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
    this.#scheduler = new StepScheduler(config, this.#metrics);
    this.#arriving = new Agenda(start);
    this.#untold = new Agenda(start);
    this.#now = start;
    this.#gauges = { at: start, running: 0, waiting: 0, free: this.#scheduler.cache.free };
  }

  get held(): number {
    return this.#held.size;
  }

  get due(): SimTime {
    const end = this.#running ? this.#current.end : NEVER;
    const arrival = !this.#running || this.#lastOfAll ? (this.#arriving.next ?? NEVER) : NEVER;
    return Math.min(end, arrival, this.#untold.next ?? NEVER) as SimTime;
  }

  advance(now: SimTime): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    for (let due = this.due; due <= now; due = this.due) this.#happen(due);
    this.#now = now;
  }

  submit(request: Request, now: SimTime): void {
    if (now < this.#now) throw new RangeError(`${now} us lies before now, ${this.#now} us`);
    // A request that comes at the very instant of a step takes part in it, so that step has to wait.
    for (let due = this.due; due < now; due = this.due) this.#happen(due);
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
  }

  abort(requestId: number, now: SimTime): void {
    this.advance(now);
    const sequence = this.#held.get(requestId);
    if (sequence !== undefined) this.#abort(sequence, now);
  }

  abortAll(now: SimTime): void {
    this.advance(now);
    for (const sequence of Array.from(this.#held.values())) this.#abort(sequence, now);
  }

  look(now: SimTime): EngineState {
    if (now >= this.due) this.advance(now);
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
    while ((this.#untold.next ?? NEVER) <= at) this.#tell(this.#untold.pop() as Finished);
    if (this.#running && this.#current.end <= at) this.#finish(this.#current.end);
    const arrived = this.#takeArrivals(at);
    if (this.#running && this.#lastOfAll && arrived) this.#finish(at);
    if (!this.#running) this.#start(at);
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
      this.#scheduler.schedule(this.#current);
      if (this.#scheduler.running.length + this.#scheduler.waiting.length === 0) return;
      invariant(this.#blis || this.#current.size > 0, "an engine with work never stands still");
    }
    const step = this.#current;
    step.start = at;
    step.end = after(at, micros(Math.max(1, this.#timing.step(step.batch))));
    for (const sequence of step.admitted) sequence.scheduled ??= at;
    this.#running = true;
    if (this.#async) this.#scheduler.schedule(this.#ahead);
    this.#lastOfAll = this.#blis && this.#endsAll(step);
  }

  /** Whether nobody runs or waits after `step`. */
  #endsAll(step: Step): boolean {
    const { running, waiting } = this.#scheduler;
    const ends = (sequence: Sequence): boolean => sequence.placeholders > 0 && sequence.outputs + 1 >= sequence.limit;
    return waiting.length === 0 && running.length === step.size && running.every(ends);
  }

  /**
   * The step under way takes effect. `at` is its end, or earlier in `blis` mode: the reference simulator applies results
   * when a step starts (D20) and forgets the step if nothing is left, so that a newcomer starts before its end.
   */
  #finish(at: SimTime): void {
    const step = this.#current;
    this.#running = false;
    let outputs = 0;
    for (let i = 0; i < step.size; i += 1) {
      const sequence = step.members[i] as Sequence;
      if (sequence.state === "gone" || !step.samples[i]) continue;
      outputs += 1;
      this.#takeToken(sequence, step, at);
    }
    this.#scheduler.sweep();
    this.#metrics.stepped(outputs, at - step.start);
    this.#readGauges(at);
  }

  #takeToken(sequence: Sequence, step: Step, at: SimTime): void {
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
    this.#gauges = { at, running: running.length, waiting: waiting.length, free: cache.free };
  }
}
