import type { SimTime } from "../sim/time.ts";
import { acceptedDrafts } from "./acceptance.ts";
import type { EngineConfig, EngineTiming } from "./engine.ts";
import type { FrontDesk } from "./front-desk.ts";
import type { KvTransfers } from "./kv-transfers.ts";
import type { MacroStep, Share } from "./macro-step.ts";
import type { Rank } from "./rank.ts";
import type { Sequence } from "./sequence.ts";

export type Unserved = "aborted" | "timed-out" | "failed";

/** Who gives up what it holds when the step under way is done, and where it was. */
interface Leaver {
  readonly rank: Rank;
  readonly sequence: Sequence;
  readonly from: Sequence["state"];
}

/**
 * What becomes of sequences when a step is done: tokens, ends, and the clients that hung up meanwhile.
 * Source: Scheduler.update_from_output and finish_requests (vllm/v1/core/sched/scheduler.py, May 2026).
 */
export class StepResults {
  readonly #config: EngineConfig;
  readonly #timing: EngineTiming;
  readonly #desk: FrontDesk;
  readonly #transfers: KvTransfers;
  readonly #blis: boolean;
  #leavers: Leaver[] = [];

  constructor(config: EngineConfig, timing: EngineTiming, desk: FrontDesk, transfers: KvTransfers) {
    this.#config = config;
    this.#timing = timing;
    this.#desk = desk;
    this.#transfers = transfers;
    this.#blis = config.mode === "blis";
  }

  /** Whether somebody is to be taken off when the step under way is done. */
  get waits(): boolean {
    return this.#leavers.length > 0;
  }

  /** A step takes effect. @param length microseconds that it adds to the busy time */
  apply(rank: Rank, step: MacroStep, at: SimTime, length: number): void {
    const { scheduler, metrics } = rank;
    const { coasters } = scheduler;
    if (scheduler.offloads) this.#store(rank, step, at);
    let outputs = step.coasters + step.early;
    const gap = step.end - step.start + (this.#blis ? this.#timing.perToken : 0);
    if (step.coasters > 0) metrics.gap(gap, step.coasters);
    if (this.#blis) coasters.gaps += gap;
    coasters.finished = step.number;
    coasters.lastEnd = step.end;
    // In order of rank: members and the coasters that end.
    let ending = coasters.ending(step.number);
    for (let i = 0; i < step.apart; i += 1) {
      const share = step.shares[i] as Share;
      const { sequence } = share;
      for (; ending !== undefined && ending.rank < sequence.rank; ending = coasters.ending(step.number)) {
        this.#endCoaster(rank, ending, at);
      }
      if (!sequence.lives) continue;
      if (share.samples) outputs += this.#takeTokens(rank, step, share, at);
      if (sequence.encoderItems.length > 0) scheduler.encoder?.passed(sequence, sequence.computed);
    }
    for (; ending !== undefined; ending = coasters.ending(step.number)) this.#endCoaster(rank, ending, at);
    scheduler.sweep();
    metrics.stepped(outputs, length);
    rank.readGauges(at);
  }

  /** Those coasters end whose last token came with the step that is done; all its other results are there. */
  endCoasters(rank: Rank, at: SimTime): void {
    const { coasters } = rank.scheduler;
    for (let next = coasters.ending(coasters.finished); next; next = coasters.ending(coasters.finished)) {
      this.#endCoaster(rank, next, at);
    }
    rank.scheduler.sweep();
    rank.readGauges(at);
    this.takeOff(at);
  }

  /** `tokens` outputs have come out of `step`. */
  countTokens({ metrics }: Rank, step: MacroStep, sequence: Sequence, tokens: number): void {
    const { end } = step;
    sequence.outputs += tokens;
    sequence.known += tokens;
    if (sequence.firstToken === undefined) {
      sequence.firstToken = end;
      const seen = this.#desk.tellFirst(sequence);
      if (seen !== undefined) metrics.firstToken(sequence, (seen - sequence.arrived) / 1e6);
    } else if (this.#blis) {
      const gap = end - step.start + this.#timing.perToken;
      sequence.gapSum += gap;
      metrics.gap(gap);
    } else metrics.gap(end - sequence.lastToken);
    sequence.lastToken = end;
  }

  /**
   * Tells a client that hung up at once; what it holds is given up between two steps, as vLLM processes aborts.
   * @param underWay whether a step is
   */
  hangUp(rank: Rank, sequence: Sequence, outcome: Unserved, now: SimTime, underWay: boolean): void {
    const { state } = sequence;
    if (state === "leaving" || state === "gone") return;
    rank.setApart(sequence);
    if (state === "arriving") {
      sequence.state = "gone";
      rank.arriving -= 1;
      if (!underWay) rank.readGauges(now);
    } else {
      if (underWay) sequence.state = "leaving";
      this.#takeOffSoon({ rank, sequence, from: state }, now, underWay);
    }
    if (outcome === "failed") rank.metrics.failed();
    else rank.metrics.aborted();
    this.#desk.giveUp(sequence, outcome, now);
  }

  /** Who is gone gives up the blocks that were left to another engine. */
  giveBack(rank: Rank, sequence: Sequence, now: SimTime, underWay: boolean): void {
    this.#takeOffSoon({ rank, sequence, from: "gone" }, now, underWay);
  }

  #takeOffSoon(leaver: Leaver, now: SimTime, underWay: boolean): void {
    this.#leavers.push(leaver);
    if (!underWay) this.takeOff(now);
  }

  /** Takes off those who are to give up what they hold; the gauges show it, or an engine that falls idle would show them for ever. */
  takeOff(at: SimTime): void {
    if (this.#leavers.length === 0) return;
    for (const { rank, sequence, from } of this.#leavers) leave(rank, sequence, from);
    for (const { rank } of this.#leavers) {
      rank.scheduler.sweep();
      rank.readGauges(at);
    }
    this.#leavers = [];
  }

  /** Blocks of prompts that are full now go to host memory and below. */
  #store({ scheduler }: Rank, step: MacroStep, at: SimTime): void {
    for (let i = 0; i < step.apart; i += 1) {
      const { sequence, tokens, end } = step.shares[i] as Share;
      if (sequence.lives && end - tokens < sequence.request.promptTokens) scheduler.offer(sequence, end, at);
    }
  }

  #endCoaster(rank: Rank, sequence: Sequence, at: SimTime): void {
    rank.scheduler.settle(sequence);
    rank.current.dropCoaster(sequence);
    rank.ahead.dropCoaster(sequence);
    this.#end(rank, sequence, at);
  }

  /** @param share of one of the step @returns its outputs */
  #takeTokens(rank: Rank, step: MacroStep, share: Share, at: SimTime): number {
    const { sequence } = share;
    sequence.placeholders -= 1;
    const tokens = Math.min(1 + this.#verify(rank, share), sequence.limit - sequence.outputs);
    this.countTokens(rank, step, sequence, tokens);
    if (sequence.outputs >= sequence.limit) this.#end(rank, sequence, at);
    return tokens;
  }

  /** @returns the drafts that are right; the others' tokens don't count as computed */
  #verify({ metrics }: Rank, { sequence, drafts, preemptions }: Share): number {
    const { speculation } = this.#config;
    if (speculation === undefined) return 0;
    if (drafts === 0) return 0;
    const accepted = acceptedDrafts(speculation, sequence.order, sequence.verifications, drafts);
    sequence.verifications += 1;
    if (sequence.preemptions === preemptions) sequence.computed -= drafts - accepted;
    metrics.drafted(drafts, accepted);
    return accepted;
  }

  #end(rank: Rank, sequence: Sequence, at: SimTime): void {
    // The reference simulator takes a block for the last token too, before it frees all (D3).
    if (this.#blis && !sequence.capped) rank.scheduler.cache.grow(sequence, sequence.computed + 1);
    if (sequence.sends && sequence.cut) this.#keep(rank, sequence, at);
    else leave(rank, sequence, sequence.state);
    rank.metrics.finished(sequence, this.#desk.finish(sequence, at));
  }

  /** Its blocks are kept for another engine, but for those that no layer looks back to (Scheduler._connector_finished). */
  #keep({ scheduler }: Rank, sequence: Sequence, at: SimTime): void {
    scheduler.retire(sequence, sequence.state);
    sequence.state = "gone";
    if (scheduler.cache.slides) scheduler.cache.slide(sequence, sequence.known);
    this.#transfers.keep(sequence, at);
  }
}

/** Gives up its blocks, and its place at the next sweep. What steps under way bring it comes to nothing. */
const leave = ({ scheduler }: Rank, sequence: Sequence, from: Sequence["state"]): void => {
  sequence.state = "gone";
  scheduler.release(sequence, from);
};
