import { Batch } from "../model/batch.ts";
import { copyOfCounts, type EngineGauges, type EngineState } from "../model/engine-state.ts";
import type { Mutable } from "../model/mutable.ts";
import type { SimTime } from "../sim/time.ts";
import { AdapterSlots } from "./adapter-slots.ts";
import type { EngineConfig } from "./engine.ts";
import { EngineMetrics } from "./engine-metrics.ts";
import type { Run } from "./gap-tally.ts";
import type { KvTransfers } from "./kv-transfers.ts";
import { MacroScheduler } from "./macro-scheduler.ts";
import { MacroStep, type Share } from "./macro-step.ts";
import type { RankLoad } from "./ranks.ts";
import type { Sequence } from "./sequence.ts";

type RankGauges = EngineGauges & Pick<Required<EngineGauges>, "deferred">;

/**
 * One data-parallel rank, or the only one: its queue and cache, its share of the step under way and of the one scheduled
 * ahead, and what it has counted.
 */
export class Rank {
  readonly metrics: EngineMetrics;
  readonly scheduler: MacroScheduler;
  current: MacroStep;
  /** Empty unless it is scheduled. */
  ahead: MacroStep;
  /** Of a planned step, nobody but coasters taking part. */
  readonly coasting: Batch;
  /** Requests on their way to the queue. */
  arriving = 0;
  readonly #slots: AdapterSlots | undefined;
  /** Of its KV cache. */
  readonly #blocks: number;
  /** Gauges, as of the last finished step. */
  readonly #gauges: { at: SimTime; running: number; waiting: number; deferred: number; free: number };
  /** What was shown of them last: those who scrape are many, and read it at once. */
  readonly #shown: Mutable<RankGauges> = {
    running: 0,
    waiting: 0,
    deferred: 0,
    kvUsage: 0,
    usedBlocks: 0,
    freeBlocks: 0,
  };

  constructor(config: EngineConfig, transfers: KvTransfers, async: boolean, coasts: boolean, start: SimTime) {
    const windows = (config.kvGroups ?? []).flatMap(({ window }) => (window === undefined ? [] : [window]));
    const window = windows.length === 0 ? 0 : Math.min(...windows);
    this.metrics = new EngineMetrics(config.maxModelLen);
    this.scheduler = new MacroScheduler(config, this.metrics, transfers, async, coasts);
    this.current = new MacroStep(window);
    this.ahead = new MacroStep(window);
    this.coasting = new Batch(window);
    this.#slots = config.lora === undefined ? undefined : new AdapterSlots(config.lora);
    this.#blocks = this.scheduler.cache.size;
    this.#gauges = { at: start, running: 0, waiting: 0, deferred: 0, free: this.scheduler.cache.free };
  }

  /** The step scheduled ahead becomes the one under way; the next one is to be scheduled at once. */
  turn(): void {
    const { current } = this;
    this.current = this.ahead;
    this.ahead = current;
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

  /** The step under way goes from `start` to `end`. */
  begin(start: SimTime, end: SimTime): void {
    const { current } = this;
    current.start = start;
    current.end = end;
    const { apart, shares } = current;
    for (let i = 0; i < apart; i += 1) (shares[i] as Share).sequence.scheduled ??= start;
  }

  /** Brings the adapters of the step that begins to the GPU. @returns how long that takes, microseconds */
  loadAdapters(adapters = this.current.adapters): number {
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

  /**
   * Passes over all steps of a run at once, with ends `from` to `to`: nobody comes to the queue meanwhile, and no window
   * slides. `endRun` follows.
   * @param ended index that follows the last one whose outputs count: `to`, or one more if that step is done as well, but
   * nothing has been scheduled since: then whoever applies the rest of its results reads the gauges
   * @param beyond what the front end adds to each gap, microseconds
   */
  pass(run: Run, from: number, to: number, ended: number, begin: SimTime, beyond: number): void {
    const { coasters, cache, waiting } = this.scheduler;
    const outputs = coasters.count;
    if (outputs > 0) this.metrics.gaps(run, from, ended, begin, beyond, outputs);
    if (ended > to) cache.stockUp(coasters.blocksOver(to - from));
    else {
      // The gauges are read before the step after the next is scheduled.
      const before = coasters.blocksOver(to - from - 1);
      this.#setGauges(run.ends[to - 1] as SimTime, outputs, waiting.length, cache.free - before);
      cache.stockUp(before + coasters.blocksFor(to - from - 1));
    }
    coasters.passAll(to - from);
  }

  /** One step of a run has ended. @param gap between two tokens of each, microseconds */
  passEnd(end: SimTime, gap: number): void {
    const outputs = this.current.coasters;
    if (outputs > 0) this.metrics.gap(gap, outputs);
    this.readGauges(end);
  }

  /**
   * @param steps passed over @param ended of which the results are there: `steps`, or one more @param end of the last of them
   * @param beyond what the front end adds to each gap, microseconds @param next end of the step that is under way now
   */
  endRun(
    steps: number,
    ended: number,
    begin: SimTime,
    end: SimTime,
    next: SimTime,
    beyond: number,
    async: boolean,
  ): void {
    const { scheduler, current } = this;
    const { coasters } = scheduler;
    // Asked for in `blis` mode alone, which schedules nothing ahead.
    if (!async) coasters.gaps += end - begin + ended * beyond;
    coasters.finished = current.number + ended - 1;
    coasters.lastEnd = end;
    this.metrics.steppedOn(ended, current.coasters, end - begin);
    if (this.ahead.apart > 0) {
      this.turn();
      this.ahead.clear();
    } else current.number += steps;
    this.begin(end, next);
    const adapters = coasters.adapterNames;
    if (async) this.ahead.coast(coasters, adapters);
    this.loadAdapters(adapters);
    scheduler.passed(steps);
  }

  /** The step ahead begins, and the next one is scheduled, of coasters only. */
  goOn(start: SimTime, end: SimTime): void {
    this.turn();
    this.begin(start, end);
    this.scheduler.goOn();
    if (this.ahead.apart > 0) this.ahead.clear();
    this.ahead.coast(this.scheduler.coasters, this.ahead.adapters);
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
    const { running, waiting, deferred, kvUsage, usedBlocks, freeBlocks, lora } = this.gauges(now);
    const offload = this.scheduler.offloadState(now);
    // Field by field: a spread takes ten times as long.
    const state: Mutable<EngineState> = {
      running,
      waiting,
      deferred,
      kvUsage,
      usedBlocks,
      freeBlocks,
      counters: copyOfCounts(counters, underWay),
      histograms,
    };
    if (lora !== undefined) state.lora = lora;
    if (offload !== undefined) state.offload = offload;
    return state;
  }

  /** The same object each time. */
  gauges(now: SimTime): RankGauges {
    const { at, running, waiting, deferred, free } = this.#gauges;
    if (now < at) throw new RangeError(`${now} us lies before the last change, ${at} us`);
    return this.#show(running, waiting, deferred, free);
  }

  #show(running: number, waiting: number, deferred: number, free: number): RankGauges {
    const shown = this.#shown;
    const { lora } = this.scheduler;
    const size = this.#blocks;
    shown.running = running;
    shown.waiting = waiting;
    shown.deferred = deferred;
    shown.kvUsage = 1 - free / size;
    shown.usedBlocks = size - free;
    shown.freeBlocks = free;
    if (lora !== undefined) shown.lora = lora;
    return shown;
  }

  /** What the gauges will show when the next `steps` steps, of coasters only, have ended, and nothing else has happened. */
  gaugesAfter(steps: number, now: SimTime): RankGauges {
    if (steps === 0) return this.gauges(now);
    const { coasters, waiting, deferred, cache } = this.scheduler;
    // As in `pass`: before the last one's successor is scheduled.
    const free = cache.free - coasters.blocksOver(steps - 1);
    return this.#show(coasters.count, waiting.length, deferred, free);
  }

  /** Tokens generated since the start, likewise. */
  generatedAfter(steps: number): number {
    return this.metrics.counters.generationTokens + steps * this.current.coasters;
  }
}
