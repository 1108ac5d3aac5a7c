import type { EngineConfig } from "../../src/engine/engine.ts";
import type { EngineMetrics } from "../../src/engine/engine-metrics.ts";
import { KvCache } from "../../src/engine/kv-cache.ts";
import type { Sequence } from "../../src/engine/sequence.ts";
import { WaitingQueue } from "../../src/engine/waiting-queue.ts";
import type { Step } from "./step.ts";

/**
 * Decides what the next step computes: first everybody running, then newcomers while tokens, slots and blocks last.
 * There is no prefill or decode phase: each sequence gets what it lacks, cut to the budget.
 * Source: vllm/v1/core/sched/scheduler.py (May 2026); `blis` mode: sim/batch_formation.go @f90a1e3a.
 */
export class StepScheduler {
  /** In order of admission. */
  readonly running: Sequence[] = [];
  readonly waiting = new WaitingQueue();
  readonly cache: KvCache;
  readonly #config: EngineConfig;
  readonly #metrics: EngineMetrics;
  readonly #blis: boolean;
  #gone = 0;

  constructor(config: EngineConfig, metrics: EngineMetrics) {
    this.#config = config;
    this.#metrics = metrics;
    this.#blis = config.mode === "blis";
    this.cache = new KvCache(config);
  }

  /** Fills `step`. Members' computed tokens are advanced at once, as vLLM does. */
  schedule(step: Step): void {
    step.clear();
    const left = this.#scheduleRunning(step, this.#config.maxNumBatchedTokens);
    if (left !== undefined) this.#admit(step, left);
  }

  /** To be told of each running sequence that goes, before `sweep`. */
  lost(): void {
    this.#gone += 1;
  }

  /** Takes those that are gone off the running list, all at once. */
  sweep(): void {
    if (this.#gone === 0) return;
    let kept = 0;
    for (const sequence of this.running) {
      if (sequence.state !== "running") continue;
      this.running[kept] = sequence;
      kept += 1;
    }
    this.running.length = kept;
    this.#gone = 0;
  }

  /** @returns the budget left, or undefined if somebody was preempted, so that nobody is admitted */
  #scheduleRunning(step: Step, budget: number): number | undefined {
    let preempted = false;
    for (let i = 0; i < this.running.length && budget > 0; i += 1) {
      const sequence = this.running[i] as Sequence;
      const tokens = this.#demand(sequence, budget);
      if (tokens <= 0) continue;
      while (!this.cache.grow(sequence, sequence.computed + tokens)) {
        preempted = true;
        if (this.#preemptLast() === sequence) return undefined;
      }
      budget -= tokens;
      this.#put(step, sequence, tokens);
    }
    return preempted ? undefined : budget;
  }

  /** The context's last position is never computed; so a request that ends by length wastes no slot (1.8). */
  #demand(sequence: Sequence, budget: number): number {
    const lacking = sequence.known + sequence.placeholders - sequence.computed;
    return Math.min(this.#chunk(lacking), budget, this.#config.maxModelLen - 1 - sequence.computed);
  }

  #chunk(tokens: number): number {
    const threshold = this.#config.longPrefillTokenThreshold;
    return threshold > 0 && threshold < tokens ? threshold : tokens;
  }

  /** Takes the blocks of the sequence admitted last; it computes them again later. */
  #preemptLast(): Sequence {
    const victim = this.running.pop() as Sequence;
    this.cache.release(victim);
    victim.computed = 0;
    victim.preemptions += 1;
    victim.state = "waiting";
    if (this.#blis) restart(victim);
    this.waiting.putBack(victim);
    this.#metrics.counters.preemptions += 1;
    return victim;
  }

  #admit(step: Step, budget: number): void {
    while (this.running.length < this.#config.maxNumSeqs && budget > 0) {
      const sequence = this.waiting.peek();
      if (sequence === undefined) return;
      const hits = this.cache.lookup(sequence);
      if (!this.#blis) this.#countLookup(sequence, hits.length);
      const start = hits.length * this.#config.blockSize;
      const lacking = this.#chunk(sequence.known - start);
      if (!this.#config.chunkedPrefill && lacking > budget) return;
      const tokens = Math.min(lacking, budget, this.#config.maxModelLen - 1 - start);
      // The whole prompt must fit, so that it isn't preempted half-way (vLLM scheduler_reserve_full_isl, D8).
      const whole = this.#blis ? 0 : sequence.known;
      if (!this.cache.admit(sequence, hits, start + tokens, whole)) return;
      if (this.#blis) this.#countLookup(sequence, hits.length);
      this.waiting.shift();
      this.#enter(sequence, start);
      budget -= tokens;
      step.admitted.push(sequence);
      this.#put(step, sequence, tokens);
    }
  }

  #enter(sequence: Sequence, cached: number): void {
    sequence.state = "running";
    sequence.computed = cached;
    sequence.prefillEnd = sequence.known;
    if (sequence.preemptions === 0) sequence.cached = cached;
    this.running.push(sequence);
  }

  #put(step: Step, sequence: Sequence, tokens: number): void {
    step.add(sequence, tokens);
    this.cache.name(sequence, Math.min(sequence.computed, sequence.known));
  }

  /** vLLM counts each lookup, also of a request that then doesn't fit (D18), but none of a preempted one. */
  #countLookup(sequence: Sequence, hits: number): void {
    if (!this.#config.prefixCaching || sequence.preemptions > 0) return;
    this.#metrics.counters.prefixQueries += sequence.known;
    this.#metrics.counters.prefixHits += hits * this.#config.blockSize;
  }
}

/** The reference simulator throws away the outputs of a preempted request (D2). */
const restart = (sequence: Sequence): void => {
  sequence.outputs = 0;
  sequence.known = sequence.request.promptTokens;
  sequence.firstToken = undefined;
  sequence.gapSum = 0;
};
