import type { Finished } from "../model/fact.ts";
import type { Request } from "../model/request.ts";
import { after, instant, type Micros, type SimTime } from "../sim/time.ts";

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
  /** From the end of the round before. */
  readonly thinkMicros: Micros;
  /** How long the client waits for its end; left out: for ever. */
  readonly patienceMicros?: number;
}

/** What an ended request tells a closed loop. */
export type EndedRequest = Pick<Finished, "request" | "outcome" | "outputTokens">;

/**
 * Closed-loop sessions that are under way: round n + 1 arrives its think time after round n ended. Rounds cut by their
 * length go on; a session whose request was refused, cut off or timed out is over, as in BLIS (`sim/workload/session.go`
 * @f90a1e3a). Holds the rounds to come of sessions under way and nothing of those that are over.
 */
export class LiveSessions {
  /** By id of the one request that each session has under way. */
  readonly #live = new Map<
    number,
    { readonly growth: ContextGrowth; readonly rounds: readonly Round[]; next: number }
  >();
  readonly #freeId: () => number;

  constructor(freeId: () => number) {
    this.#freeId = freeId;
  }

  get size(): number {
    return this.#live.size;
  }

  /** @param rounds those after `first`, in order */
  begin(first: Request, growth: ContextGrowth, rounds: readonly Round[]): void {
    if (rounds.length > 0) this.#live.set(first.id, { growth, rounds, next: 0 });
  }

  /** @returns the request of the next round; undefined if the session is over, or the request is of none */
  ended({ request, outcome, outputTokens }: EndedRequest, now: SimTime): Request | undefined {
    const session = this.#live.get(request.id);
    if (session === undefined) return undefined;
    this.#live.delete(request.id);
    const round = session.rounds[session.next];
    if (round === undefined || (outcome !== "stop" && outcome !== "length")) return undefined;
    if (now + round.thinkMicros > Number.MAX_SAFE_INTEGER) return undefined;
    const arrival = after(now, round.thinkMicros);
    const context = session.growth === "accumulate" ? request.promptTokens + outputTokens : 0;
    const { deadline: _, ...head } = request;
    const next: Request = {
      ...head,
      id: round.id ?? this.#freeId(),
      arrival,
      promptTokens: context + round.promptTokens,
      outputTokens: round.outputTokens,
      ...(request.maxTokens === undefined ? {} : { maxTokens: round.outputTokens }),
      ...deadlineOf(arrival, round.patienceMicros),
    };
    session.next += 1;
    if (session.next < session.rounds.length) this.#live.set(next.id, session);
    return next;
  }
}

/** When a client that waits so long hangs up. */
export const deadlineOf = (arrival: SimTime, patienceMicros: number | undefined): { readonly deadline?: SimTime } =>
  patienceMicros === undefined || arrival + patienceMicros > Number.MAX_SAFE_INTEGER
    ? {}
    : { deadline: instant(arrival + patienceMicros) };
