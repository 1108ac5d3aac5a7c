import type { EngineConfig } from "../../src/engine/engine.ts";
import type { KvTier } from "../../src/engine/kv-tier.ts";
import type { EngineCounters } from "../../src/model/engine-state.ts";
import { invariant } from "../../src/sim/invariant.ts";
import { NEVER, type SimTime } from "../../src/sim/time.ts";
import { EncoderCache, type EncoderPlan } from "./encoder-cache.ts";
import { HostMemory } from "./host-memory.ts";
import { KvCache } from "./kv-cache.ts";
import { enqueue, isInOrder, type Policy, policies, putBack, victimAmong } from "./policy.ts";
import type { Sequence } from "./sequence.ts";
import { adaptersOf, emptyShare, type Share } from "./share.ts";

/** Whether the next step is scheduled while one is under way; drafts and several stages forbid it. */
export const isAsync = ({ mode, asyncScheduling, speculation, pipelineStages = 1 }: EngineConfig): boolean =>
  mode === "vllm" && asyncScheduling && speculation === undefined && pipelineStages === 1;

/** Blocks of prompts go to host memory, and below it, only where one group keeps all of a sequence. */
const isOffloaded = ({ mode, prefixCaching, kvGroups = [{}] }: EngineConfig): boolean =>
  mode === "vllm" && prefixCaching && kvGroups.length === 1 && kvGroups[0]?.window === undefined;

/** Asks another engine for a prompt's KV. @param at when the transfer may begin @param tokens and `blocks`: what lacks */
export type Ask = (sequence: Sequence, at: SimTime, tokens: number, blocks: number, hits: number) => void;

/** Below host memory: what is there, and who hears that somebody waits for it. */
export interface Below {
  readonly tier: KvTier;
  /** @param hits blocks of its own that it has anyway */
  waits(sequence: Sequence, hits: number): void;
}

/** What is left of a step's bounds. */
interface Left {
  tokens: number;
  encoder: number;
}

/**
 * Decides what one rank computes in its next step: first everybody running, then newcomers while tokens, slots and blocks
 * last. There is no prefill or decode phase: each sequence gets what it lacks, cut to the budget.
 * Source: vllm/v1/core/sched/scheduler.py (May 2026); `blis` mode: sim/batch_formation.go @f90a1e3a.
 */
export class Scheduler {
  /** In order of admission. */
  running: Sequence[] = [];
  /** In order of their turn. */
  waiting: Sequence[] = [];
  /** Of those that are gone, who left blocks that another engine reads from or writes to. */
  leftBehind: Sequence[] = [];
  readonly cache: KvCache;
  readonly encoder: EncoderCache;
  readonly host: HostMemory | undefined;
  readonly #config: EngineConfig;
  readonly #counters: EngineCounters;
  readonly #ask: Ask;
  readonly #below: Below | undefined;
  readonly #policy: Policy;
  readonly #blis: boolean;
  readonly #async: boolean;

  constructor(config: EngineConfig, counters: EngineCounters, ask: Ask, below: Below | undefined) {
    this.#config = config;
    this.#counters = counters;
    this.#ask = ask;
    this.#policy = policies[config.schedulingPolicy ?? "fcfs"];
    this.#blis = config.mode === "blis";
    this.#async = isAsync(config);
    this.cache = new KvCache(config);
    this.encoder = new EncoderCache(config.encoderCacheTokens ?? config.maxNumBatchedTokens);
    const offloads = isOffloaded(config);
    this.host = offloads && config.offload !== undefined ? new HostMemory(config.offload) : undefined;
    this.#below = offloads && config.tier !== undefined ? below : undefined;
  }

  enqueue(sequence: Sequence): void {
    sequence.state = "waiting";
    enqueue(this.#policy, this.waiting, sequence);
  }

  /** Computed tokens are advanced at once, as vLLM does. @param begins when the step does */
  schedule(now: SimTime, begins: SimTime): Share {
    const share = emptyShare();
    const { maxNumBatchedTokens, encoderBudget } = this.#config;
    const left = { tokens: maxNumBatchedTokens, encoder: encoderBudget ?? maxNumBatchedTokens };
    this.#scheduleRunning(share, left);
    if (!share.preempted) this.#admit(share, left, now, begins);
    return share;
  }

  /** Whether a load is under way. */
  loads(now: SimTime): boolean {
    return this.waiting.some(({ load }) => load !== undefined && now < load.end);
  }

  /** How many wait for blocks from elsewhere. */
  get deferred(): number {
    return this.waiting.filter(({ load }) => load?.over === false).length;
  }

  /** Those who wait with blocks from elsewhere hold up each other: all give theirs up. @returns whether anybody did */
  giveUpLoads(): boolean {
    const loaded = this.waiting.filter(({ load }) => load !== undefined).sort((a, b) => a.order - b.order);
    for (const sequence of loaded) {
      this.cache.release(sequence);
      sequence.load = undefined;
      sequence.computed = 0;
    }
    return loaded.length > 0;
  }

  /** Takes one off for good, with all that it holds; but blocks that another engine writes to stay where they are. */
  remove(sequence: Sequence): void {
    this.#takeOff(sequence);
    if (sequence.load?.end === NEVER) this.leftBehind.push(sequence);
    else this.cache.release(sequence);
  }

  /** Takes one off for good, all but the blocks that another engine is to fetch. */
  removeButKv(sequence: Sequence): void {
    this.#takeOff(sequence);
    this.cache.giveUpPassed(sequence, sequence.known);
    this.leftBehind.push(sequence);
  }

  #takeOff(sequence: Sequence): void {
    this.running = this.running.filter((other) => other !== sequence);
    this.waiting = this.waiting.filter((other) => other !== sequence);
    this.leftBehind = this.leftBehind.filter((other) => other !== sequence);
    this.encoder.releaseAll(sequence);
  }

  /** @throws if a bound is exceeded, the queue is out of order or something is held by nobody */
  audit(): void {
    const { running, waiting } = this;
    invariant(running.length <= this.#config.maxNumSeqs, "no more run than may");
    invariant(new Set([...running, ...waiting]).size === running.length + waiting.length, "each has one place");
    invariant(isInOrder(this.#policy, waiting), "the queue is in order");
    const isHere = ({ state }: Sequence, where: string): boolean => state === where || state === "hung-up";
    invariant(
      running.every((sequence) => isHere(sequence, "running")),
      "those who run know it",
    );
    invariant(
      waiting.every((sequence) => isHere(sequence, "waiting")),
      "those who wait know it",
    );
    this.cache.audit([...running, ...waiting, ...this.leftBehind]);
    this.encoder.audit(running);
    this.host?.audit();
  }

  // ---- those who run

  #scheduleRunning(share: Share, left: Left): void {
    for (let i = 0; i < this.running.length && left.tokens > 0; i += 1) {
      const sequence = this.running[i] as Sequence;
      const tokens = this.#demand(sequence, left.tokens);
      if (tokens <= 0) continue;
      const plan = this.#planEncoder(sequence, sequence.computed, tokens, left.encoder);
      if (plan.tokens <= 0) continue;
      while (!this.cache.grow(sequence, sequence.computed + plan.tokens)) {
        share.preempted = true;
        const victim = victimAmong(this.#policy, this.running);
        this.running.splice(this.running.indexOf(victim), 1);
        // One who stood before and got nothing doesn't move the place: the next one is passed over, as in vLLM.
        if (takeBack(share, left, victim)) i -= 1;
        this.#preempt(victim);
        if (victim === sequence) return;
      }
      this.#put(share, left, sequence, plan, false);
    }
  }

  /** Tokens that a running sequence asks for. The context's last position is never computed. */
  #demand({ known, placeholders, computed, outputs, most, prefillEnd }: Sequence, budget: number): number {
    const { speculation, maxModelLen } = this.#config;
    let lacking = known - computed;
    if (this.#async) {
      // Its last token is under way, as the scheduler can tell.
      if (placeholders > 0 && outputs + placeholders >= most) return 0;
      lacking += placeholders;
    } else if (lacking > 0 && speculation !== undefined && !this.#blis && computed >= prefillEnd) {
      lacking += speculation.tokens;
    }
    return Math.min(this.#chunk(lacking), budget, maxModelLen - 1 - computed);
  }

  #chunk(tokens: number): number {
    const threshold = this.#config.longPrefillTokenThreshold;
    return threshold > 0 ? Math.min(threshold, tokens) : tokens;
  }

  #planEncoder(sequence: Sequence, start: number, tokens: number, budget: number): EncoderPlan {
    return this.#blis ? { tokens, items: [] } : this.encoder.plan(sequence, start, tokens, budget);
  }

  /** Takes its blocks; it computes them again later. */
  #preempt(victim: Sequence): void {
    this.cache.release(victim);
    this.encoder.releaseAll(victim);
    victim.computed = 0;
    victim.offered = 0;
    victim.preemptions += 1;
    victim.state = "waiting";
    if (this.#blis) restart(victim);
    putBack(this.#policy, this.waiting, victim);
    this.#counters.preemptions += 1;
  }

  #put(share: Share, left: Left, sequence: Sequence, { tokens, items }: EncoderPlan, admitted: boolean): void {
    const { computed: start, known, prefillEnd, placeholders, preemptions } = sequence;
    const decodes = start >= prefillEnd;
    const speculates = this.#config.speculation !== undefined && !this.#blis && decodes;
    sequence.computed = start + tokens;
    const samples = sequence.computed >= known + (this.#async ? placeholders : 0);
    if (samples) sequence.placeholders += 1;
    this.encoder.encode(sequence, items);
    left.tokens -= tokens;
    left.encoder -= items.reduce((total, item) => total + item.tokens, 0);
    const drafts = speculates ? Math.max(0, tokens - (known - start)) : 0;
    const prefillOf = decodes ? undefined : prefillEnd;
    share.members.push({ sequence, start, tokens, drafts, samples, prefillOf, encodes: items, admitted, preemptions });
    this.cache.name(sequence, Math.min(sequence.computed, known));
  }

  // ---- newcomers

  /** One that is blocked is passed over and keeps its place; the first that doesn't fit ends it. */
  #admit(share: Share, left: Left, now: SimTime, begins: SimTime): void {
    for (let i = 0; i < this.waiting.length && left.tokens > 0 && this.running.length < this.#config.maxNumSeqs; ) {
      const sequence = this.waiting[i] as Sequence;
      const result = this.#consider(sequence, share, left, now, begins);
      if (result === "doesn't fit") return;
      if (result === "blocked") i += 1;
      else this.waiting.splice(i, 1);
    }
  }

  #consider(
    sequence: Sequence,
    share: Share,
    left: Left,
    now: SimTime,
    begins: SimTime,
  ): "blocked" | "doesn't fit" | "admitted" {
    if (sequence.load !== undefined && now < sequence.load.end) return "blocked";
    this.#endLoad(sequence, now);
    const { load } = sequence;
    if (this.#lacksAdapterSlot(sequence, share)) return "blocked";
    let hits = 0;
    if (load === undefined) {
      hits = this.cache.lookup(sequence);
      if (!this.#blis) this.#countLookup(sequence, hits);
      const mayReceive = sequence.kv === "receive" && !sequence.hasAsked && this.cache.couldHold(sequence.known);
      if (mayReceive) return this.#receive(sequence, hits, begins);
      const loaded = this.#load(sequence, hits, now);
      if (loaded !== "nothing to load") return loaded;
    }
    const { blockSize, maxModelLen, chunkedPrefill } = this.#config;
    const start = load === undefined ? hits * blockSize : sequence.computed;
    const lacking = this.#chunk(sequence.known - start);
    if (!chunkedPrefill && lacking > left.tokens) return "doesn't fit";
    const wanted = Math.min(lacking, left.tokens, maxModelLen - 1 - start);
    const plan = this.#planEncoder(sequence, start, wanted, left.encoder);
    // The reference simulator also admits a wholly cached prompt, for no token at all (D1).
    const hasTokens = plan.tokens > 0 || this.#blis;
    const end = start + plan.tokens;
    const hasBlocks = () =>
      load === undefined ? this.cache.admit(sequence, hits, end) : this.cache.grow(sequence, end);
    if (!hasTokens || !hasBlocks()) {
      this.encoder.releaseAll(sequence);
      return "doesn't fit";
    }
    if (this.#blis) this.#countLookup(sequence, hits);
    this.#enter(sequence, start);
    this.#put(share, left, sequence, plan, true);
    return "admitted";
  }

  #enter(sequence: Sequence, start: number): void {
    sequence.state = "running";
    sequence.load = undefined;
    sequence.computed = start;
    sequence.prefillEnd = sequence.known;
    if (sequence.preemptions === 0) sequence.cached = start;
    this.running.push(sequence);
  }

  /** Whether the step has as many adapters as it may, and not this one's. */
  #lacksAdapterSlot({ request: { adapter } }: Sequence, share: Share): boolean {
    const { lora } = this.#config;
    if (lora === undefined || this.#blis || adapter === undefined) return false;
    const adapters = adaptersOf(share, this.#config);
    return !adapters.includes(adapter) && adapters.length >= lora.maxLoras;
  }

  /** vLLM counts each lookup, also of a request that then doesn't fit (D18), but none of a preempted one. */
  #countLookup({ known, preemptions }: Sequence, hits: number): void {
    if (!this.#config.prefixCaching || preemptions > 0) return;
    this.#counters.prefixQueries += known;
    this.#counters.prefixHits += hits * this.#config.blockSize;
  }

  // ---- other engines

  /** There must be blocks for the whole prompt; with one token of it not yet here there always is something to ask for. */
  #receive(sequence: Sequence, hits: number, begins: SimTime): "doesn't fit" | "blocked" {
    const { blockSize } = this.#config;
    const blocks = Math.ceil(sequence.known / blockSize);
    if (!this.cache.admitLoad(sequence, hits, blocks - hits)) return "doesn't fit";
    const tokens = sequence.known - hits * blockSize;
    this.#counters.externalQueries += tokens;
    this.#counters.externalHits += tokens;
    sequence.hasAsked = true;
    sequence.load = { end: NEVER, blocks, below: 0, hostEnd: begins, over: false };
    this.#ask(sequence, begins, tokens, blocks - hits, hits);
    return "blocked";
  }

  // ---- host memory, and below

  /** Begins to bring back what host memory has of the blocks after the hits, and what lies below of those after that. */
  #load(sequence: Sequence, hits: number, now: SimTime): "nothing to load" | "doesn't fit" | "blocked" {
    const { blockSize } = this.#config;
    const names = namesBetween(sequence, hits, Math.floor(sequence.known / blockSize));
    const near = this.host?.readable(names, now) ?? 0;
    const chunks = this.#chunksBelow(sequence, hits + near, now);
    const far = chunks.length === 0 ? 0 : (chunks.at(-1) as Chunk).end - hits - near;
    if (near + far === 0) return "nothing to load";
    if (!this.cache.admitLoad(sequence, hits, near + far)) return "doesn't fit";
    this.#counters.externalQueries += sequence.known - hits * blockSize;
    this.#counters.externalHits += (near + far) * blockSize;
    this.#counters.loadedBlocks += near;
    this.#counters.tierLoadedBlocks += far;
    const hostEnd = near === 0 || this.host === undefined ? now : this.host.load(names.slice(0, near), now);
    const end = far === 0 ? hostEnd : NEVER;
    sequence.load = { end, blocks: hits + near + far, below: far, hostEnd, over: false };
    if (far === 0 || this.#below === undefined) return "blocked";
    this.#below.waits(sequence, hits);
    this.#below.tier.load(
      sequence.request,
      chunks.map(({ name }) => name),
      now,
    );
    return "blocked";
  }

  /** Chunks that can be read below, one after the other from that of block `from` on; none if the first reaches no further. */
  #chunksBelow(sequence: Sequence, from: number, now: SimTime): readonly Chunk[] {
    const { tier: said } = this.#config;
    if (this.#below === undefined || said?.reads !== true) return [];
    const { tier } = this.#below;
    const all = chunksOf(sequence, said.blocksPerChunk, Math.floor(sequence.known / this.#config.blockSize));
    const wanted = all.filter(({ end }) => end > from);
    const missing = wanted.findIndex(({ name }) => !tier.has(name, now));
    return missing < 0 ? wanted : wanted.slice(0, missing);
  }

  /** Blocks get their names when the scheduler first sees that they are there. One token is left to compute. */
  #endLoad(sequence: Sequence, now: SimTime): void {
    const { load } = sequence;
    if (load === undefined || load.over) return;
    load.over = true;
    if (load.blocks === 0) {
      this.cache.release(sequence);
      sequence.load = undefined;
      return;
    }
    const tokens = Math.min(load.blocks * this.#config.blockSize, sequence.known);
    // What comes from below passes through host memory.
    if (load.below > 0) this.host?.take(namesBetween(sequence, load.blocks - load.below, load.blocks), now);
    this.cache.name(sequence, tokens);
    sequence.computed = Math.min(tokens, sequence.known - 1);
  }

  /** Offers host memory and what lies below the full prompt blocks that a chunk has reached, once each. */
  store(sequence: Sequence, reached: number, now: SimTime): void {
    const full = Math.floor(Math.min(reached, sequence.request.promptTokens) / this.#config.blockSize);
    const { offered } = sequence;
    if (full <= offered) return;
    sequence.offered = full;
    if (this.host !== undefined) {
      this.#counters.storedBlocks += this.host.store(namesBetween(sequence, offered, full), now);
    }
    const { tier: said } = this.#config;
    if (this.#below === undefined || said?.writes !== true) return;
    const filled = chunksOf(sequence, said.blocksPerChunk, full).filter(({ end }) => end > offered);
    if (filled.length === 0) return;
    const names = filled.map(({ name }) => name);
    this.#counters.tierStoredBlocks += this.#below.tier.store(names, now) * said.blocksPerChunk;
  }
}

/** Blocks that are kept together below host memory. */
interface Chunk {
  readonly name: string;
  /** Blocks of the sequence up to its end. */
  readonly end: number;
}

/** Whole chunks among the first `blocks` blocks; what a chunk ends with says all that is before. */
const chunksOf = ({ names }: Sequence, size: number, blocks: number): readonly Chunk[] =>
  Array.from({ length: Math.floor(blocks / size) }, (_, i) => ({
    name: names((i + 1) * size - 1),
    end: (i + 1) * size,
  }));

const namesBetween = ({ names }: Sequence, from: number, to: number): readonly string[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => names(from + i));

/** A victim that already got tokens in this step gives them back. @returns whether it did */
const takeBack = ({ members }: Share, left: Left, victim: Sequence): boolean => {
  const at = members.findIndex((member) => member.sequence === victim);
  const [member] = at < 0 ? [] : members.splice(at, 1);
  if (member === undefined) return false;
  if (member.samples) victim.placeholders -= 1;
  left.tokens += member.tokens;
  left.encoder += member.encodes.reduce((total, item) => total + item.tokens, 0);
  return true;
};

/** The reference simulator throws away the outputs of a preempted request (D2). */
const restart = (sequence: Sequence): void => {
  sequence.outputs = 0;
  sequence.known = sequence.request.promptTokens;
  sequence.firstToken = undefined;
  sequence.gapSum = 0;
};
