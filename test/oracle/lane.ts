import type { EngineConfig, EngineTiming } from "../../src/engine/engine.ts";
import { invariant } from "../../src/sim/invariant.ts";
import { after, micros, NEVER, type SimTime, START } from "../../src/sim/time.ts";
import type { Rank, Span } from "./rank.ts";
import { isAsync } from "./scheduler.ts";
import type { Sequence } from "./sequence.ts";
import { adaptersOf, batchOf, type Share } from "./share.ts";

/** One step under way: a share for each rank. */
interface Step extends Span {
  readonly shares: readonly Share[];
}

/**
 * Ranks that take their steps together: all of them in lockstep, or a single one. With asynchronous scheduling the next
 * step is fixed while one is under way; with several pipeline stages as many steps are under way.
 * Sources: vllm/v1/engine/core.py (step, step_with_batch_queue, DPEngineCoreProc; May 2026).
 */
export class Lane {
  readonly ranks: readonly Rank[];
  readonly #config: EngineConfig;
  readonly #timing: EngineTiming;
  readonly #blis: boolean;
  readonly #async: boolean;
  readonly #stages: number;
  /** Under way, the one that ends next first. */
  #steps: Step[] = [];
  /** Shares fixed for the next step; none: the next step is scheduled when it starts. */
  #ahead: readonly Share[] = [];
  /** The step under way will leave nothing to do; `blis` mode then starts the next one without waiting for its end. */
  #lastOfAll = false;
  /** When each pipeline stage is through with the step that entered last. */
  #stagesFree: readonly SimTime[] = [];
  /** Up to when time under way has been counted. */
  #counted = START;
  #scheduledAt = -1;

  constructor(ranks: readonly Rank[], config: EngineConfig, timing: EngineTiming) {
    this.ranks = ranks;
    this.#config = config;
    this.#timing = timing;
    this.#blis = config.mode === "blis";
    this.#async = isAsync(config);
    this.#stages = this.#blis ? 1 : (config.pipelineStages ?? 1);
  }

  get busy(): boolean {
    return this.#steps.length > 0;
  }

  /** When it next has something to do; what arrives while steps are under way waits for the next end. */
  get due(): SimTime {
    const [step] = this.#steps;
    if (step !== undefined && !this.#lastOfAll) return step.end;
    let due: number = step?.end ?? NEVER;
    for (const { arriving } of this.ranks) due = Math.min(due, arriving[0]?.queued ?? NEVER);
    if (step !== undefined) return due as SimTime;
    for (const { scheduler } of this.ranks) {
      for (const { load } of scheduler.waiting) {
        if (load !== undefined && load.end > this.#scheduledAt) due = Math.min(due, load.end);
      }
    }
    return due as SimTime;
  }

  happen(at: SimTime): void {
    const [step] = this.#steps;
    if (step !== undefined && step.end <= at) this.#finish(step.end);
    const arrived = this.ranks.map((rank) => rank.takeArrivals(at)).includes(true);
    if (this.busy && this.#lastOfAll && arrived) this.#finish(at);
    this.#start(at);
  }

  /** Somebody who held things up is gone. */
  resume(at: SimTime): void {
    const waits = this.ranks.some(({ scheduler }) => scheduler.waiting.length > 0);
    if (!this.busy && waits) this.#start(at);
  }

  /** Starts as many steps as may be under way. */
  #start(at: SimTime): void {
    while (this.#steps.length < this.#stages) {
      const shares = this.#ahead.length > 0 ? this.#ahead : this.ranks.map((rank) => this.#schedule(rank, at));
      this.#ahead = [];
      if (!this.#isStep(shares)) return this.#stall(at);
      this.#launch(shares, at);
    }
  }

  /** Nobody can go on. Where some wait vLLM's core goes on asking, and so its gauges go on as well. */
  #stall(at: SimTime): void {
    if (this.busy) return;
    for (const rank of this.ranks) if (rank.scheduler.waiting.length > 0) rank.readGauges(at);
  }

  /** Ranks without a member take part in a step of others; the reference simulator also takes steps without any. */
  #isStep(shares: readonly Share[]): boolean {
    if (shares.some(({ members }) => members.length > 0)) return true;
    return this.#blis && this.ranks.some(({ scheduler: { running, waiting } }) => running.length + waiting.length > 0);
  }

  /** With nothing under way, a scheduler tries again where that helps; it would stand still otherwise. */
  #schedule({ scheduler }: Rank, at: SimTime): Share {
    this.#scheduledAt = at;
    let share = scheduler.schedule(at, at);
    if (this.busy || this.#blis) return share;
    const isEmpty = (): boolean => share.members.length === 0 && scheduler.waiting.length > 0;
    // One that preempted itself ended the step for those behind it.
    while (isEmpty() && share.preempted && scheduler.running.length > 0) share = scheduler.schedule(at, at);
    // Those who have loaded their blocks may keep each other from the rest.
    if (isEmpty() && scheduler.running.length === 0 && !scheduler.loads(at) && scheduler.giveUpLoads()) {
      share = scheduler.schedule(at, at);
    }
    return share;
  }

  #launch(shares: readonly Share[], at: SimTime): void {
    if (!this.busy) {
      this.#counted = at;
      this.#stagesFree = [];
    }
    const length = Math.max(...this.ranks.map((rank, i) => this.#lengthOf(rank, shares[i] as Share)));
    invariant(length > 0, "a step takes time");
    const stageEnds: SimTime[] = [];
    let end = at;
    for (let stage = 0; stage < this.#stages; stage += 1) {
      const start = Math.max(end, this.#stagesFree[stage] ?? at) as SimTime;
      end = after(start, micros(Math.ceil(length / this.#stages)));
      stageEnds.push(end);
    }
    this.#stagesFree = stageEnds;
    this.#steps.push({ shares, start: at, end });
    for (const { members } of shares) {
      for (const { sequence, admitted } of members) if (admitted) sequence.scheduled ??= at;
    }
    if (this.#async) {
      const ahead = this.ranks.map(({ scheduler }) => scheduler.schedule(at, end));
      if (ahead.some(({ members }) => members.length > 0)) this.#ahead = ahead;
    }
    this.#lastOfAll = this.#blis && this.ranks.every((rank, i) => endsAll(rank, shares[i] as Share));
  }

  /** Of a rank's share. A rank without a member adds nothing to the step of others. */
  #lengthOf(rank: Rank, share: Share): number {
    if (share.members.length === 0 && !this.#blis) return 0;
    const time = Math.max(1, this.#timing.step(batchOf(share, this.#config)));
    return time + rank.bringAdapters(adaptersOf(share, this.#config));
  }

  /**
   * The step that ends next takes effect. `at` is its end, or earlier in `blis` mode: the reference simulator applies
   * results when a step starts (D20) and forgets the step if nothing is left, so that a newcomer starts before its end.
   */
  #finish(at: SimTime): void {
    const step = this.#steps.shift() as Step;
    const busyMicros = at - this.#counted;
    this.#counted = at;
    this.ranks.forEach((rank, i) => rank.apply(step.shares[i] as Share, step, at, busyMicros));
  }

  /** Microseconds under way that no finished step has counted. */
  underWay(now: SimTime): number {
    return this.busy ? Math.max(0, now - this.#counted) : 0;
  }

  /**
   * `blis` mode: the reference simulator has applied the step under way at its start (D20), so one that hangs up
   * meanwhile has got its token. @returns false if that was its last one, so that it has ended before it hangs up
   */
  giveEarly(rank: Rank, sequence: Sequence, now: SimTime): boolean {
    const [step] = this.#steps;
    const share = step?.shares[this.ranks.indexOf(rank)];
    const member = share?.members.find((one) => one.sequence === sequence && one.samples);
    if (step === undefined || share === undefined || member === undefined) return true;
    if (sequence.outputs + 1 >= sequence.limit) return false;
    share.early += rank.takeTokens(member, step, now);
    return true;
  }
}

/** Whether nobody runs or waits after a rank's share of a step. */
const endsAll = ({ scheduler: { running, waiting } }: Rank, { members }: Share): boolean =>
  waiting.length === 0 &&
  running.length === members.length &&
  members.every(({ sequence, samples }) => samples && sequence.outputs + 1 >= sequence.limit);
