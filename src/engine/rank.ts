import { Batch } from "../model/batch.ts";
import type { EngineGauges, EngineState } from "../model/engine-state.ts";
import type { SimTime } from "../sim/time.ts";
import { AdapterSlots } from "./adapter-slots.ts";
import type { EngineConfig, EngineTiming } from "./engine.ts";
import { EngineMetrics } from "./engine-metrics.ts";
import type { KvTransfers } from "./kv-transfers.ts";
import { MacroScheduler } from "./macro-scheduler.ts";
import { MacroStep } from "./macro-step.ts";
import type { RankLoad } from "./ranks.ts";
import type { Sequence } from "./sequence.ts";

/**
 * One data-parallel rank, or the only one: its queue and cache, its share of the step under way and of the one scheduled
 * ahead, and what it has counted.
 */
export class Rank {
  readonly metrics: EngineMetrics;
  readonly scheduler: MacroScheduler;
  current: MacroStep;
  /** Has members only if it is scheduled. */
  ahead: MacroStep;
  /** Of a planned step, nobody but coasters taking part. */
  readonly coasting: Batch;
  /** Requests on their way to the queue. */
  arriving = 0;
  /** Of the run of steps being passed over. */
  readonly #run = { outputs: 0, blocks: 0, waited: 0, free: 0 };
  readonly #slots: AdapterSlots | undefined;
  /** Gauges, as of the last finished step. */
  readonly #gauges: { at: SimTime; running: number; waiting: number; deferred: number; free: number };

  constructor(config: EngineConfig, transfers: KvTransfers, async: boolean, coasts: boolean, start: SimTime) {
    const windows = (config.kvGroups ?? []).flatMap(({ window }) => (window === undefined ? [] : [window]));
    const window = windows.length === 0 ? 0 : Math.min(...windows);
    this.metrics = new EngineMetrics(config.maxModelLen);
    this.scheduler = new MacroScheduler(config, this.metrics, transfers, async, coasts);
    this.current = new MacroStep(window);
    this.ahead = new MacroStep(window);
    this.coasting = new Batch(window);
    this.#slots = config.lora === undefined ? undefined : new AdapterSlots(config.lora);
    this.#gauges = { at: start, running: 0, waiting: 0, deferred: 0, free: this.scheduler.cache.free };
  }

  /** The step scheduled ahead becomes the one under way. */
  turn(): void {
    [this.current, this.ahead] = [this.ahead, this.current];
    this.ahead.clear();
  }

  /** Schedules a step with nothing under way, again where that helps: it would stand still otherwise. */
  fill(step: MacroStep, at: SimTime): void {
    const { scheduler } = this;
    scheduler.schedule(step, undefined, at);
    // Who is preempted before its turn ends the step for the next one.
    while (step.size === 0 && scheduler.preempted && scheduler.running > 0) scheduler.schedule(step, undefined, at);
    if (step.size === 0 && scheduler.unload()) scheduler.schedule(step, undefined, at);
  }

  /** Takes a coaster out of its steps; it stays among the running. */
  setApart(sequence: Sequence): void {
    if (sequence.coasting) this.scheduler.setApart(sequence, this.current, this.ahead);
  }

  /** Brings the adapters of a step that begins to the GPU. @returns how long that takes, microseconds */
  loadAdapters(adapters: ReadonlySet<string>): number {
    if (this.#slots === undefined || adapters.size === 0) return 0;
    const { loads, micros } = this.#slots.use(adapters);
    this.metrics.counters.adapterLoads += loads;
    return micros;
  }

  get load(): RankLoad {
    const { running, waiting } = this.scheduler;
    return { running, waiting: waiting.length + this.arriving };
  }

  // ---- a run of steps in which nobody but coasters takes part

  beginRun(): void {
    const { coasters, cache, waiting } = this.scheduler;
    this.#run.outputs = coasters.count;
    this.#run.blocks = 0;
    this.#run.waited = waiting.length;
    this.#run.free = cache.free;
  }

  /** A step of the run has ended. @param gap between two tokens of each, microseconds */
  passEnd(gap: number): void {
    const run = this.#run;
    if (run.outputs > 0) this.metrics.gap(gap, run.outputs);
    run.waited = this.scheduler.waiting.length;
    run.free = this.scheduler.cache.free - run.blocks;
  }

  /** The next one is scheduled. */
  passSchedule(): void {
    this.#run.blocks += this.scheduler.pass();
  }

  /** Passes over all steps of a run at once: nobody comes to the queue meanwhile, and no window slides. */
  pass(ends: Float64Array, from: number, to: number, begin: SimTime, beyond: number): void {
    const run = this.#run;
    const { coasters } = this.scheduler;
    if (run.outputs > 0) this.metrics.gaps(ends, from, to, begin, beyond, run.outputs);
    run.blocks = coasters.blocksOver(to - from);
    // The gauges are read before the last one is scheduled.
    run.free -= run.blocks - coasters.blocksFor(to - from - 1);
    coasters.passAll(to - from);
  }

  /** @param beyond what the front end adds to each gap, microseconds @param next end of the step that is under way now */
  endRun(steps: number, begin: SimTime, end: SimTime, next: SimTime, beyond: number, async: boolean): void {
    const { outputs, blocks, waited, free } = this.#run;
    const { scheduler, current, metrics } = this;
    const { coasters } = scheduler;
    coasters.gaps += end - begin + steps * beyond;
    coasters.finished = current.number + steps - 1;
    coasters.lastEnd = end;
    current.number += steps;
    current.start = end;
    current.coasters = current.size = outputs;
    current.end = next;
    const adapters = coasters.adapterNames;
    if (async) this.ahead.coast(coasters, adapters);
    this.loadAdapters(adapters);
    scheduler.passed(steps, blocks);
    metrics.steppedOn(steps, outputs, end - begin);
    this.#setGauges(end, outputs, waited, free);
  }

  /** Nobody can go on, though some wait: vLLM's core goes on asking, and so its gauges go on as well. */
  stall(at: SimTime): void {
    if (this.scheduler.waiting.length > 0) this.readGauges(at);
  }

  /** vLLM's gauges leave with a step's outputs: what has arrived since its scheduling isn't in them yet. */
  readGauges(at: SimTime): void {
    const { running, waiting, cache } = this.scheduler;
    this.#setGauges(at, running, waiting.length, cache.free);
  }

  #setGauges(at: SimTime, running: number, waiting: number, free: number): void {
    this.#gauges.at = at;
    this.#gauges.running = running;
    this.#gauges.waiting = waiting;
    this.#gauges.deferred = this.scheduler.deferred;
    this.#gauges.free = free;
  }

  /** State as of the last finished step. @param underWay microseconds that the step under way has lasted so far */
  look(now: SimTime, underWay: number): EngineState {
    const { counters, histograms } = this.metrics;
    return {
      ...this.gauges(now),
      counters: {
        ...counters,
        success: { ...counters.success },
        overloaded: { ...counters.overloaded },
        busyMicros: counters.busyMicros + underWay,
      },
      histograms,
    };
  }

  gauges(now: SimTime): EngineGauges {
    const { at, running, waiting, deferred, free } = this.#gauges;
    if (now < at) throw new RangeError(`${now} us lies before the last change, ${at} us`);
    return this.#gaugesOf(running, waiting, deferred, free);
  }

  #gaugesOf(running: number, waiting: number, deferred: number, free: number): EngineGauges {
    const { lora, cache } = this.scheduler;
    const { size } = cache;
    const gauges = { running, waiting, deferred, kvUsage: 1 - free / size, usedBlocks: size - free, freeBlocks: free };
    return lora === undefined ? gauges : { lora, ...gauges };
  }

  /** What the gauges will show when the next `steps` steps, of coasters only, have ended, and nothing else has happened. */
  gaugesAfter(steps: number, now: SimTime): EngineGauges {
    if (steps === 0) return this.gauges(now);
    const { coasters, waiting, deferred, cache } = this.scheduler;
    // As in `pass`: before the last one's successor is scheduled.
    const free = cache.free - coasters.blocksOver(steps) + coasters.blocksFor(steps - 1);
    return this.#gaugesOf(coasters.count, waiting.length, deferred, free);
  }

  /** Time of a step without what adapters need. */
  timeOf(timing: EngineTiming, batch: Batch): number {
    return batch.requests === 0 && batch.encoderTokens === 0 ? 0 : Math.max(1, timing.step(batch));
  }
}
