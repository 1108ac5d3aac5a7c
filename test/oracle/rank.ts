import { acceptedDrafts } from "../../src/engine/acceptance.ts";
import type { EngineConfig } from "../../src/engine/engine.ts";
import type { KvTier } from "../../src/engine/kv-tier.ts";
import type { EngineState } from "../../src/model/engine-state.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { AdapterSlots } from "./adapter-slots.ts";
import type { ClientView } from "./client-view.ts";
import { type Ask, Scheduler } from "./scheduler.ts";
import type { Sequence } from "./sequence.ts";
import type { Member, Share } from "./share.ts";
import { Tally } from "./tally.ts";

/** Who hears of what a step brought. */
export interface Hearer {
  firstToken(sequence: Sequence, at: SimTime): void;
  /** @param at when it was decided; told at `end`, if that is later */
  ended(facts: Finished, end: SimTime, at: SimTime): void;
  /** It is asked for KV that another engine has. @param hits blocks of it that are here */
  kvWanted(rank: Rank, ...wanted: Parameters<Ask>): void;
  /** What keeps KV beyond host memory. */
  readonly tier: KvTier | undefined;
  /** Somebody waits for what is there. @param hits blocks of it that are here */
  waits(rank: Rank, sequence: Sequence, hits: number): void;
  /** Its blocks stay, to be fetched by another engine. */
  kept(rank: Rank, sequence: Sequence, at: SimTime): void;
}

/** When a step ran. */
export interface Span {
  readonly start: SimTime;
  readonly end: SimTime;
}

/** One data-parallel rank: a scheduler with its queue and caches, and what comes of its shares of the steps. */
export class Rank {
  readonly scheduler: Scheduler;
  readonly tally: Tally;
  /** On their way to the queue, the next one first. */
  arriving: Sequence[] = [];
  /** In the order in which they hung up while a step was under way; their places and blocks are taken at its end. */
  hungUp: Sequence[] = [];
  readonly #config: EngineConfig;
  readonly #view: ClientView;
  readonly #hearer: Hearer;
  readonly #adapters: AdapterSlots | undefined;
  readonly #blis: boolean;
  /** As of the last finished step. */
  #gauges: {
    readonly at: SimTime;
    readonly running: number;
    readonly waiting: number;
    readonly deferred: number;
    readonly free: number;
  };

  constructor(config: EngineConfig, view: ClientView, hearer: Hearer, start: SimTime) {
    this.#config = config;
    this.#view = view;
    this.#hearer = hearer;
    this.#blis = config.mode === "blis";
    this.#adapters = config.lora === undefined ? undefined : new AdapterSlots(config.lora);
    this.tally = new Tally(config.maxModelLen);
    const ask: Ask = (...wanted) => hearer.kvWanted(this, ...wanted);
    const { tier } = hearer;
    const waits = (sequence: Sequence, hits: number): void => hearer.waits(this, sequence, hits);
    const below = tier === undefined ? undefined : { tier, waits };
    this.scheduler = new Scheduler(config, this.tally.counters, ask, below);
    this.#gauges = { at: start, running: 0, waiting: 0, deferred: 0, free: this.scheduler.cache.pool.free };
  }

  /** How busy it is, to the front end that chooses a rank (vllm/v1/engine/core_client.py, May 2026). */
  get score(): number {
    const { running, waiting } = this.scheduler;
    return 4 * (waiting.length + this.arriving.length) + running.length;
  }

  takeArrivals(at: SimTime): boolean {
    const arrived = this.arriving.filter(({ queued }) => queued <= at);
    this.arriving = this.arriving.filter(({ queued }) => queued > at);
    for (const sequence of arrived) this.scheduler.enqueue(sequence);
    return arrived.length > 0;
  }

  /** Microseconds that a step waits for adapters. */
  bringAdapters(adapters: readonly string[]): number {
    const slots = this.#adapters;
    if (slots === undefined) return 0;
    const time = slots.bring(adapters);
    this.tally.counters.adapterLoads = slots.loads;
    return time;
  }

  /**
   * The rank's share of a step takes effect.
   * @param at the step's end, or earlier in `blis` mode @param busyMicros time under way that hasn't been counted yet
   */
  apply({ members, early }: Share, step: Span, at: SimTime, busyMicros: number): void {
    for (const { sequence, start, tokens } of members) {
      const isPrompt = start < sequence.request.promptTokens;
      if (isHere(sequence) && isPrompt) this.scheduler.store(sequence, start + tokens, at);
    }
    let outputs = early;
    for (const member of members) {
      if (!isHere(member.sequence)) continue;
      if (member.samples) outputs += this.takeTokens(member, step, at);
      if (isHere(member.sequence)) this.scheduler.encoder.releasePassed(member.sequence);
    }
    this.tally.stepped(outputs, busyMicros);
    for (const sequence of this.hungUp) this.scheduler.remove(sequence);
    this.hungUp = [];
    this.readGauges(at);
  }

  /** @returns how many */
  takeTokens(member: Member, { start, end }: Span, at: SimTime): number {
    const { sequence } = member;
    const tokens = Math.min(1 + this.#verify(member), sequence.limit - sequence.outputs);
    sequence.placeholders -= 1;
    sequence.outputs += tokens;
    sequence.known += tokens;
    if (sequence.firstToken === undefined) {
      sequence.firstToken = end;
      this.#tellFirst(sequence);
    } else {
      const gap = this.#view.gapBefore(sequence, end, end - start);
      sequence.gapSum += gap;
      this.tally.gap(gap);
    }
    sequence.lastToken = end;
    if (sequence.outputs >= sequence.limit) this.#end(sequence, at);
    return tokens;
  }

  /** @returns how many drafts are right; the others' tokens don't count as computed */
  #verify({ sequence, drafts, preemptions }: Member): number {
    const { speculation } = this.#config;
    if (speculation === undefined || drafts === 0) return 0;
    const accepted = acceptedDrafts(speculation, sequence.order, sequence.verifications, drafts);
    sequence.verifications += 1;
    if (sequence.preemptions === preemptions) sequence.computed -= drafts - accepted;
    this.tally.counters.drafts += 1;
    this.tally.counters.draftTokens += drafts;
    this.tally.counters.acceptedTokens += accepted;
    return accepted;
  }

  /** Once, though `blis` mode may measure it anew. */
  #tellFirst(sequence: Sequence): void {
    if (sequence.firstTold) return;
    sequence.firstTold = true;
    const seen = this.#view.firstToken(sequence) as SimTime;
    this.tally.firstToken(sequence, seen - sequence.arrived);
    this.#hearer.firstToken(sequence, seen);
  }

  #end(sequence: Sequence, at: SimTime): void {
    // The reference simulator takes a block for the last token too (D3).
    if (this.#blis && !sequence.outgrows) this.scheduler.cache.grow(sequence, sequence.computed + 1);
    sequence.state = "ended";
    if (sequence.kv === "send" && sequence.endsBy === "length") {
      this.scheduler.removeButKv(sequence);
      this.#hearer.kept(this, sequence, at);
    } else this.scheduler.remove(sequence);
    const facts = this.#view.factsOf(sequence, sequence.endsBy, this.#view.end(sequence));
    this.tally.finished(sequence, facts);
    this.#hearer.ended(facts, sequence.lastToken, at);
  }

  // ---- what an onlooker sees

  /** vLLM's gauges leave with a step's outputs: what has arrived since its scheduling isn't in them yet. */
  readGauges(at: SimTime): void {
    const { running, waiting, deferred, cache } = this.scheduler;
    this.#gauges = { at, running: running.length, waiting: waiting.length, deferred, free: cache.pool.free };
  }

  /** @param underWay microseconds that a step has been under way, not counted yet */
  look(now: SimTime, underWay: number): EngineState {
    const { at, running, waiting, deferred, free } = this.#gauges;
    if (now < at) throw new RangeError(`${now} us lies before the last change, ${at} us`);
    const { counters, histograms } = this.tally;
    const { size } = this.scheduler.cache.pool;
    return {
      running,
      waiting,
      deferred,
      kvUsage: 1 - free / size,
      usedBlocks: size - free,
      freeBlocks: free,
      counters: {
        ...counters,
        success: { ...counters.success },
        overloaded: { ...counters.overloaded },
        busyMicros: counters.busyMicros + underWay,
      },
      histograms,
    };
  }
}

const isHere = ({ state }: Sequence): boolean => state === "waiting" || state === "running";
