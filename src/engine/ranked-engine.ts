import type { EngineGauges, EngineState } from "../model/engine-state.ts";
import type { Request, RequestHead } from "../model/request.ts";
import { NEVER, type SimTime } from "../sim/time.ts";
import type { Engine, EngineListener, SubmitOptions } from "./engine.ts";
import type { Inside } from "./front-desk.ts";
import type { Foreseeable, Outlook } from "./outlook.ts";
import { chooseRank, type RankLoad, sumOfGauges, sumOfRanks } from "./ranks.ts";

/** An engine that serves as one data-parallel rank. */
export interface RankEngine extends Engine, Foreseeable {
  /** Does everything up to and including `now` but for clients that hang up at that instant. */
  work(now: SimTime): void;
  /** Aborts a request, but doesn't look yet whether others may go on. */
  giveUp(requestId: number, now: SimTime): void;
  readonly load: RankLoad;
  readonly inside: Inside;
  /** @param among whom the request joins, on all ranks */
  submit(request: Request, now: SimTime, options?: SubmitOptions, among?: Inside): void;
}

/** Data-parallel ranks that take their steps apart, behind one front end: those of a dense model. */
export class RankedEngine implements Engine {
  readonly #ranks: readonly RankEngine[];
  /** Whose rank is which, in order of submission. */
  readonly #home = new Map<number, RankEngine>();
  #submitted = 0;

  /** @param create one rank, which is handed the listener that it tells */
  constructor(ranks: number, listener: EngineListener, create: (listener: EngineListener) => RankEngine) {
    const overheard: EngineListener = {
      ...(listener.kvWanted === undefined ? {} : { kvWanted: (...wanted) => listener.kvWanted?.(...wanted) }),
      ...(listener.kvTier === undefined ? {} : { kvTier: listener.kvTier }),
      ...(listener.kvCached === undefined ? {} : { kvCached: (...cached) => listener.kvCached?.(...cached) }),
      firstToken: (request, at) => listener.firstToken(request, at),
      finished: (facts) => {
        this.#home.delete(facts.request.id);
        listener.finished(facts);
      },
    };
    this.#ranks = Array.from({ length: ranks }, () => create(overheard));
  }

  get held(): number {
    return this.#home.size;
  }

  get due(): SimTime {
    return Math.min(NEVER, ...this.#ranks.map((rank) => rank.due)) as SimTime;
  }

  advance(now: SimTime): void {
    // In order of time, so that ends are told as they happen.
    for (let due = this.due; due <= now; due = this.due) this.#advanceAll(due);
    this.#advanceAll(now);
  }

  #advanceAll(now: SimTime): void {
    for (const rank of this.#ranks) rank.work(now);
    for (const rank of this.#ranks) rank.advance(now);
  }

  submit(request: Request, now: SimTime, options?: SubmitOptions): void {
    // What happens at this very instant has to wait, as in a rank that is asked alone.
    for (let due = this.due; due < now; due = this.due) this.#advanceAll(due);
    const unserved = this.#ranks.reduce((sum, { inside }) => sum + inside.unserved, 0);
    const rank = this.#ranks[chooseRank(this.#ranks.map(({ load }) => load))] as RankEngine;
    this.#home.set(request.id, rank);
    rank.submit(request, now, options, { submitted: this.#submitted, held: this.held - 1, unserved });
    if (this.#home.has(request.id)) this.#submitted += 1;
  }

  abort(requestId: number, now: SimTime): void {
    this.advance(now);
    this.#home.get(requestId)?.abort(requestId, now);
  }

  abortAll(now: SimTime): void {
    this.advance(now);
    for (const [id, rank] of [...this.#home]) rank.giveUp(id, now);
    for (const rank of this.#ranks) rank.abortAll(now);
  }

  kvSent(requestId: number, now: SimTime): void {
    this.advance(now);
    for (const rank of this.#ranks) rank.kvSent(requestId, now);
  }

  kvArrived(requestId: number, now: SimTime): void {
    this.advance(now);
    for (const rank of this.#ranks) rank.kvArrived(requestId, now);
  }

  kvFailed(requestId: number, now: SimTime): void {
    this.advance(now);
    for (const rank of this.#ranks) rank.kvFailed(requestId, now);
  }

  outlook(request: RequestHead, now: SimTime): Outlook {
    const rank = this.#ranks[chooseRank(this.#ranks.map(({ load }) => load))] as RankEngine;
    return rank.outlook(request, now);
  }

  look(now: SimTime): EngineState {
    return sumOfRanks(
      this.#ranks.map((rank) => rank.look(now)),
      "apart",
    );
  }

  gauges(now: SimTime): EngineGauges {
    return sumOfGauges(this.#ranks.map((rank) => rank.gauges(now)));
  }

  generated(now: SimTime): number {
    return this.#ranks.reduce((sum, rank) => sum + rank.generated(now), 0);
  }

  foresees(now: SimTime): boolean {
    return this.#ranks.every((rank) => rank.foresees(now));
  }
}
