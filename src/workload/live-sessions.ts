import { receivedAt, seenAt } from "../model/client-view.ts";
import type { Finished } from "../model/fact.ts";
import type { EncoderItem, Outcome, Request, SharedPrefix } from "../model/request.ts";
import { ById } from "../sim/by-id.ts";
import { instant, type Micros, type SimTime } from "../sim/time.ts";

/**
 * What a round's prompt is made of:
 * - `accumulate`: the whole prompt before it, the output that really came, and the round's own new tokens;
 * - `recorded`: what the trace says is the whole prompt, and it begins with the prompt and output before it;
 * - `none`: a prompt of its own, after the session's shared prefix.
 */
export const CONTEXT_GROWTHS = ["accumulate", "recorded", "none"] as const;
export type ContextGrowth = (typeof CONTEXT_GROWTHS)[number];

/** A round after the first one. */
export interface Round {
  /** Left out: the next free one. */
  readonly id?: number;
  /** New ones if the context accumulates; else the whole prompt. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** From the end of the round before, as its client sees it. */
  readonly thinkMicros: Micros;
  /** How long the client waits for its end; left out: for ever. */
  readonly patienceMicros?: number;
  /** In place of the first round's. */
  readonly prefix?: SharedPrefix;
  /** Its own, counted from where its `promptTokens` begin; a context that accumulates keeps those before too. */
  readonly encoderItems?: readonly EncoderItem[];
  /** Sessions that begin when this round has ended. */
  readonly forks?: readonly Fork[];
  /** From the end of the last joined fork of the round before, where there is one. */
  readonly joinMicros?: Micros;
}

/** A session that another one starts: a sub-agent. */
export interface Fork {
  /** As its requests' heads have it, `session` among it. */
  readonly first: Omit<Request, "id" | "arrival" | "deadline"> & Pick<Partial<Request>, "id">;
  /** From the end of the round that starts it. */
  readonly delayMicros: Micros;
  readonly patienceMicros?: number;
  readonly growth: ContextGrowth;
  readonly forks?: readonly Fork[];
  readonly rounds: Rounds;
  /** The session that started it goes on only when it is over. */
  readonly joined: boolean;
}

/** The rounds to come of one session, one after the other. */
export interface Rounds {
  next(): Round | undefined;
  /** How long a client pauses whose request failed. Left out: then its session is over. */
  readonly pauseMicros?: Micros;
}

export const roundsOf = (rounds: readonly Round[]): Rounds => {
  let at = 0;
  return {
    next: () => {
      at += 1;
      return rounds[at - 1];
    },
  };
};

/** What an ended request tells a closed loop. */
export type EndedRequest = Pick<Finished, "request" | "outcome" | "outputTokens">;

/** What follows from most requests. */
export const NOTHING: readonly Request[] = [];

export const isAnswered = (outcome: Outcome): boolean => outcome === "stop" || outcome === "length";

interface Live {
  readonly growth: ContextGrowth;
  readonly rounds: Rounds;
  /** What the round under way starts when it ends. */
  forks: readonly Fork[] | undefined;
  /** Whose end waits for this one's. */
  readonly parent: Live | undefined;
  /** Forks that it waits for, and how its own last round ended. */
  waitsFor: number;
  ended: EndedRequest | undefined;
}

/**
 * Closed-loop sessions that are under way: round n + 1 arrives its think time after round n ended. Rounds cut by their
 * length go on; a session whose request was refused, cut off or timed out is over, as in BLIS (`sim/workload/session.go`
 * @f90a1e3a). Holds the rounds to come of sessions under way and nothing of those that are over.
 */
export class LiveSessions {
  /** By id of the one request that each session has under way. */
  readonly #live = new ById<Live>();
  readonly #freeId: () => number;
  #waiting = 0;

  constructor(freeId: () => number) {
    this.#freeId = freeId;
  }

  /** Sessions under way, those that wait for their forks included. */
  get size(): number {
    return this.#live.size + this.#waiting;
  }

  /** @param rounds those after `first`, in order */
  begin(first: Request, growth: ContextGrowth, rounds: readonly Round[] | Rounds, forks?: readonly Fork[]): void {
    if ("length" in rounds && rounds.length === 0 && forks === undefined) return;
    this.#live.set(first.id, {
      growth,
      rounds: "length" in rounds ? roundsOf(rounds) : rounds,
      forks,
      parent: undefined,
      waitsFor: 0,
      ended: undefined,
    });
  }

  /** @returns the request of the next round, and of sessions that this one starts; empty if it is over, or the request is of none */
  ended(ended: EndedRequest, now: SimTime): readonly Request[] {
    const { request, outcome } = ended;
    const session = this.#live.get(request.id);
    if (session === undefined) return NOTHING;
    this.#live.delete(request.id);
    if (isAnswered(outcome)) return this.#goOn(session, ended, now);
    const { pauseMicros } = session.rounds;
    const again = pauseMicros === undefined ? undefined : session.rounds.next();
    if (again === undefined || pauseMicros === undefined) return this.#over(session, now);
    const next = this.#next(session, ended, now, again, Math.max(again.thinkMicros, pauseMicros));
    return next === undefined ? this.#over(session, now) : [next];
  }

  /** The session that a request belongs to is over, whatever it had still to do. It must have no forks. */
  forget({ id }: Request): void {
    this.#live.delete(id);
  }

  #goOn(session: Live, ended: EndedRequest, now: SimTime): readonly Request[] {
    const { forks } = session;
    if (forks !== undefined) {
      session.forks = undefined;
      const starts = forks.flatMap((fork) => this.#fork(fork, session, ended, now));
      session.waitsFor = forks.filter(({ joined }) => joined).length;
      if (session.waitsFor > 0) {
        session.ended = ended;
        this.#waiting += 1;
        return starts;
      }
      return [...starts, ...this.#goOn(session, ended, now)];
    }
    const round = session.rounds.next();
    if (round === undefined) return this.#over(session, now);
    const next = this.#next(session, ended, now, round, round.thinkMicros);
    return next === undefined ? this.#over(session, now) : [next];
  }

  #fork(fork: Fork, parent: Live, ended: EndedRequest, now: SimTime): readonly Request[] {
    const { first, delayMicros, growth, rounds, joined, forks, patienceMicros } = fork;
    const { path } = ended.request;
    const when = arrivalAfter(ended, now, delayMicros, first.promptTokens);
    const request: Request = {
      ...first,
      id: first.id ?? this.#freeId(),
      ...(path === undefined ? {} : { path: { ...path, sent: when.sent } }),
      arrival: when.arrival,
      ...deadlineOf(when.arrival, patienceMicros),
    };
    this.#live.set(request.id, {
      growth,
      rounds,
      forks,
      parent: joined ? parent : undefined,
      waitsFor: 0,
      ended: undefined,
    });
    return [request];
  }

  /** A session is over; the one that waits for it may go on. */
  #over({ parent }: Live, now: SimTime): readonly Request[] {
    if (parent === undefined) return NOTHING;
    parent.waitsFor -= 1;
    if (parent.waitsFor > 0 || parent.ended === undefined) return NOTHING;
    const { ended } = parent;
    parent.ended = undefined;
    this.#waiting -= 1;
    const round = parent.rounds.next();
    if (round === undefined) return this.#over(parent, now);
    const next = this.#next(parent, ended, now, round, round.joinMicros ?? round.thinkMicros);
    return next === undefined ? this.#over(parent, now) : [next];
  }

  /** @returns undefined: it would come after the end of time */
  #next(session: Live, ended: EndedRequest, now: SimTime, round: Round, thinkMicros: number): Request | undefined {
    const { request, outputTokens } = ended;
    const context = session.growth === "accumulate" ? request.promptTokens + outputTokens : 0;
    const promptTokens = context + round.promptTokens;
    const { arrival, sent } = arrivalAfter(ended, now, thinkMicros, promptTokens);
    if (arrival > Number.MAX_SAFE_INTEGER) return undefined;
    const { deadline: _, path, attempt: __, ...head } = request;
    const next: Request = {
      ...head,
      id: round.id ?? this.#freeId(),
      arrival,
      promptTokens,
      outputTokens: round.outputTokens,
      ...(request.maxTokens === undefined ? {} : { maxTokens: round.outputTokens }),
      ...(round.prefix === undefined ? {} : { prefix: round.prefix }),
      ...(round.encoderItems === undefined ? {} : { encoderItems: itemsOf(request, round.encoderItems, context) }),
      ...(path === undefined ? {} : { path: { ...path, sent } }),
      ...deadlineOf(arrival, round.patienceMicros, path === undefined ? undefined : sent + path.halfTripMicros),
    };
    session.forks = round.forks;
    this.#live.set(next.id, session);
    return next;
  }
}

const itemsOf = (
  { encoderItems = [] }: Request,
  own: readonly EncoderItem[],
  context: number,
): readonly EncoderItem[] =>
  context === 0 ? own : [...encoderItems, ...own.map((item) => ({ ...item, offset: item.offset + context }))];

/**
 * When a request comes whose client waits so long after it has seen the end of another; both go by the same path.
 * May lie beyond the end of time.
 */
export const arrivalAfter = (
  { request: { path }, outputTokens }: EndedRequest,
  now: SimTime,
  waitMicros: number,
  promptTokens: number,
): { readonly arrival: SimTime; readonly sent: SimTime } => {
  const sent = seenAt(path, now, outputTokens) + waitMicros;
  const arrival = path === undefined ? sent : receivedAt(path, sent, promptTokens);
  return { arrival: arrival as SimTime, sent: sent as SimTime };
};

/** When the server notices that a client which waits so long hangs up. @param from left out: the arrival */
export const deadlineOf = (
  arrival: SimTime,
  patienceMicros: number | undefined,
  from: number = arrival,
): { readonly deadline?: SimTime } =>
  patienceMicros === undefined || from + patienceMicros > Number.MAX_SAFE_INTEGER
    ? {}
    : { deadline: instant(from + patienceMicros) };
