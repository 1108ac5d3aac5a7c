import { Coasters } from "./coasters.ts";
import type { EngineConfig } from "./engine.ts";
import type { EngineMetrics } from "./engine-metrics.ts";
import { KvCache } from "./kv-cache.ts";
import type { MacroStep } from "./macro-step.ts";
import type { Sequence } from "./sequence.ts";
import { WaitingQueue } from "./waiting-queue.ts";

/**
 * Decides what the next step computes: first everybody running, then newcomers while tokens, slots and blocks last.
 * There is no prefill or decode phase: each sequence gets what it lacks, cut to the budget.
 * Source: vllm/v1/core/sched/scheduler.py (May 2026); `blis` mode: sim/batch_formation.go @f90a1e3a.
 *
 * Those that decode coast and are scheduled all together, while everybody gets tokens and blocks. Where the budget or
 * the blocks run short, so that order matters, all are scheduled one by one until there is enough again.
 */
export class MacroScheduler {
  readonly coasters: Coasters;
  /** Running ones that don't coast, in order of rank. */
  readonly apart: Sequence[] = [];
  readonly waiting = new WaitingQueue();
  readonly cache: KvCache;
  /** The head of the queue, if it can't enter before somebody leaves, however many steps pass. */
  stuck: Sequence | undefined;
  readonly #config: EngineConfig;
  readonly #metrics: EngineMetrics;
  readonly #blis: boolean;
  readonly #async: boolean;
  #admissions = 0;
  #scarce = false;
  #gone = 0;

  constructor(config: EngineConfig, metrics: EngineMetrics) {
    this.#config = config;
    this.#metrics = metrics;
    this.#blis = config.mode === "blis";
    this.#async = config.asyncScheduling && !this.#blis;
    this.cache = new KvCache(config);
    this.coasters = new Coasters(config.blockSize);
  }

  get running(): number {
    return this.apart.length + this.coasters.count;
  }

  /** Whether nobody is looked at for admission, be there room or not, as long as only coasters run. */
  get closed(): boolean {
    const { maxNumSeqs, maxNumBatchedTokens } = this.#config;
    return this.running >= maxNumSeqs || this.coasters.count >= maxNumBatchedTokens;
  }

  /**
   * Fills `step`. Members' computed tokens are advanced at once, as vLLM does.
   * @param underWay the step that runs meanwhile, if any
   */
  schedule(step: MacroStep, underWay: MacroStep | undefined): void {
    step.clear();
    this.stuck = undefined;
    const number = this.coasters.scheduled + 1;
    for (let next = this.coasters.popHalting(number); next; next = this.coasters.popHalting(number)) {
      this.setApart(next, underWay);
    }
    this.#recruit();
    let left = this.coasters.count > 0 ? this.#scheduleTogether(step) : undefined;
    if (left === undefined) {
      if (this.coasters.count > 0) this.#setAllApart(underWay);
      this.coasters.pass();
      left = this.#scheduleEach(step, this.#config.maxNumBatchedTokens);
    }
    step.number = number;
    if (left !== undefined) this.#admit(step, left);
  }

  /** The coasters' part of a step that consists of nothing else, `steps` times, with `blocks` blocks in sum. */
  passed(steps: number, blocks: number): void {
    this.cache.stockUp(blocks);
    if (this.stuck !== undefined && !this.#blis) this.#countLookup(this.stuck, 0, steps);
  }

  /** Ends coasting: from now on the sequence has figures and blocks of its own. */
  settle(sequence: Sequence): void {
    this.coasters.leave(sequence);
    this.cache.furnish(sequence, sequence.computed);
    // An asynchronous scheduler doesn't know yet the token before the one it schedules.
    this.cache.name(sequence, sequence.computed - (this.#async ? 1 : 0));
  }

  /** The same for one that goes on running. */
  setApart(sequence: Sequence, ...underWay: readonly (MacroStep | undefined)[]): void {
    this.settle(sequence);
    for (const step of underWay) step?.turn(sequence);
    let at = this.apart.length;
    while (at > 0 && (this.apart[at - 1] as Sequence).rank > sequence.rank) at -= 1;
    this.apart.splice(at, 0, sequence);
  }

  /** To be told of each running sequence that goes, before `sweep`. */
  lost(): void {
    this.#gone += 1;
  }

  /** Takes those that are gone off the list, all at once. */
  sweep(): void {
    if (this.#gone === 0) return;
    this.#gone = 0;
    let kept = 0;
    for (const sequence of this.apart) {
      if (sequence.state !== "running") continue;
      this.apart[kept] = sequence;
      kept += 1;
    }
    this.apart.length = kept;
  }

  #setAllApart(underWay: MacroStep | undefined): void {
    this.#scarce = true;
    const byRank = [...this.coasters.members].sort((a, b) => a.rank - b.rank);
    for (const sequence of byRank) this.setApart(sequence, underWay);
  }

  /** Lets all coast that can, unless things have run short and may again with the next step. */
  #recruit(): void {
    if (this.apart.length === 0) return;
    if (this.#scarce) {
      if (this.cache.free < this.running || this.#config.maxNumBatchedTokens < this.running) return;
      this.#scarce = false;
    }
    let kept = 0;
    for (const sequence of this.apart) {
      if (this.#canCoast(sequence)) {
        const end = sequence.request.promptTokens + sequence.limit;
        this.coasters.join(sequence, this.#async && end >= this.#config.maxModelLen);
        continue;
      }
      this.apart[kept] = sequence;
      kept += 1;
    }
    this.apart.length = kept;
  }

  /** Whether it got its newest token from the step before this one, lacks just that one, and more come. */
  #canCoast(sequence: Sequence): boolean {
    const { known, placeholders, computed, outputs, limit } = sequence;
    if (computed < sequence.prefillEnd || known + placeholders - computed !== 1) return false;
    if (outputs + placeholders >= limit || computed > this.#config.maxModelLen - 2) return false;
    if (this.#async) return placeholders === 1;
    return placeholders === 0 && sequence.lastToken === this.coasters.lastEnd;
  }

  /** @returns the budget left, or undefined, with nothing changed, if there isn't enough for all */
  #scheduleTogether(step: MacroStep): number | undefined {
    const { coasters, cache } = this;
    let budget = this.#config.maxNumBatchedTokens - coasters.count;
    let blocks = cache.free - coasters.blocksFor();
    // Those before a coaster must not take tokens from it.
    const mayCut = (this.apart[0]?.rank ?? Number.POSITIVE_INFINITY) > coasters.highestRank;
    if (budget < 0) return undefined;
    const given: number[] = [];
    for (const sequence of this.apart) {
      const tokens = Math.max(0, this.#demand(sequence));
      if (tokens > budget && !mayCut) return undefined;
      const cut = Math.min(tokens, budget);
      budget -= cut;
      blocks -= cache.missing(sequence, sequence.computed + cut);
      given.push(cut);
    }
    if (blocks < 0) return undefined;
    cache.stockUp(coasters.blocksFor());
    step.coasters = step.size = coasters.count;
    coasters.schedule(step.batch);
    this.apart.forEach((sequence, i) => {
      const tokens = given[i] as number;
      if (tokens === 0) return;
      cache.grow(sequence, sequence.computed + tokens);
      this.#put(step, sequence, tokens);
    });
    return budget;
  }

  /** @returns the budget left, or undefined if somebody was preempted, so that nobody is admitted */
  #scheduleEach(step: MacroStep, budget: number): number | undefined {
    let preempted = false;
    for (let i = 0; i < this.apart.length && budget > 0; i += 1) {
      const sequence = this.apart[i] as Sequence;
      const tokens = Math.min(this.#demand(sequence), budget);
      if (tokens <= 0) continue;
      while (!this.cache.grow(sequence, sequence.computed + tokens)) {
        preempted = true;
        this.#scarce = true;
        if (this.#preemptLast() === sequence) return undefined;
      }
      budget -= tokens;
      this.#put(step, sequence, tokens);
    }
    return preempted ? undefined : budget;
  }

  /** The context's last position is never computed; so a request that ends by length wastes no slot (1.8). */
  #demand({ known, placeholders, computed }: Sequence): number {
    return Math.min(this.#chunk(known + placeholders - computed), this.#config.maxModelLen - 1 - computed);
  }

  #chunk(tokens: number): number {
    const threshold = this.#config.longPrefillTokenThreshold;
    return threshold > 0 && threshold < tokens ? threshold : tokens;
  }

  /** Takes the blocks of the sequence admitted last; it computes them again later. */
  #preemptLast(): Sequence {
    const victim = this.apart.pop() as Sequence;
    this.cache.release(victim);
    victim.computed = 0;
    victim.preemptions += 1;
    victim.state = "waiting";
    if (this.#blis) restart(victim);
    this.waiting.putBack(victim);
    this.#metrics.counters.preemptions += 1;
    return victim;
  }

  #admit(step: MacroStep, budget: number): void {
    while (this.running < this.#config.maxNumSeqs && budget > 0) {
      const sequence = this.waiting.peek();
      if (sequence === undefined) return;
      const hits = this.cache.lookup(sequence);
      if (!this.#blis) this.#countLookup(sequence, hits.length, 1);
      const start = hits.length * this.#config.blockSize;
      const lacking = this.#chunk(sequence.known - start);
      const tokens = Math.min(lacking, budget, this.#config.maxModelLen - 1 - start);
      // The whole prompt must fit, so that it isn't preempted half-way (vLLM scheduler_reserve_full_isl, D8).
      const whole = this.#blis ? 0 : sequence.known;
      const waits = !this.#config.chunkedPrefill && lacking > budget;
      if (waits || !this.cache.admit(sequence, hits, start + tokens, whole)) {
        // While only coasters run, blocks get fewer and nothing gets a name that it could find.
        if (step.members.length === 0 && hits.length === 0) this.stuck = sequence;
        return;
      }
      if (this.#blis) this.#countLookup(sequence, hits.length, 1);
      this.waiting.shift();
      this.#enter(sequence, start);
      budget -= tokens;
      step.admitted.push(sequence);
      this.#put(step, sequence, tokens);
    }
  }

  #enter(sequence: Sequence, cached: number): void {
    this.#admissions += 1;
    sequence.rank = this.#admissions;
    sequence.state = "running";
    sequence.computed = cached;
    sequence.prefillEnd = sequence.known;
    if (sequence.preemptions === 0) sequence.cached = cached;
    this.apart.push(sequence);
  }

  #put(step: MacroStep, sequence: Sequence, tokens: number): void {
    step.add(sequence, tokens);
    this.cache.name(sequence, Math.min(sequence.computed, sequence.known));
  }

  /** vLLM counts each lookup, also of a request that then doesn't fit (D18), but none of a preempted one. */
  #countLookup(sequence: Sequence, hits: number, times: number): void {
    if (!this.#config.prefixCaching || sequence.preemptions > 0) return;
    this.#metrics.counters.prefixQueries += times * sequence.known;
    this.#metrics.counters.prefixHits += times * hits * this.#config.blockSize;
  }
}

/** The reference simulator throws away the outputs of a preempted request (D2). */
const restart = (sequence: Sequence): void => {
  sequence.outputs = 0;
  sequence.known = sequence.request.promptTokens;
  sequence.firstToken = undefined;
  sequence.gapSum = 0;
};
