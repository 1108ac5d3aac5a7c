import type { Request } from "../model/request.ts";
import type { Rng } from "../sim/rng.ts";
import type { SimTime } from "../sim/time.ts";
import { arrivalAfter, deadlineOf, type EndedRequest, isAnswered } from "./live-sessions.ts";
import { type RetrySaid, retryWaitMicros } from "./retry.ts";
import type { Drawn, PassedOver, WorkloadSource } from "./source.ts";
import { NONE_PASSED } from "./trace-rows.ts";

/** How the client of a request retries; undefined: it doesn't. */
export type RetryPolicy = { readonly said: RetrySaid; readonly rng: Rng } | undefined;

/**
 * A source whose clients send failed requests again. A retry is a request of its own, with an id of its own, and bears its
 * `attempt`; it waits as long as the first did before its client hangs up. The source within hears only of the last try, as
 * if it had been the first, so a session goes on where a retry was answered. Holds the retries under way.
 */
export class RetryingSource implements WorkloadSource {
  readonly #inner: WorkloadSource;
  readonly #policyOf: (request: Request) => RetryPolicy;
  readonly #freeId: () => number;
  /** The first try of each retry under way. */
  readonly #firsts = new Map<number, Request>();
  #retried = 0;

  /** @param freeId an id that the source within will never use */
  constructor(inner: WorkloadSource, policyOf: (request: Request) => RetryPolicy, freeId: () => number) {
    this.#inner = inner;
    this.#policyOf = policyOf;
    this.#freeId = freeId;
  }

  get skipped(): PassedOver {
    return this.#inner.skipped ?? NONE_PASSED;
  }

  get dropped(): PassedOver {
    return this.#inner.dropped ?? NONE_PASSED;
  }

  /** Retries sent so far; no part of the requests. */
  get retried(): number {
    return this.#retried;
  }

  /** Retries under way. */
  get size(): number {
    return this.#firsts.size;
  }

  next(): Drawn {
    return this.#inner.next();
  }

  feed(text: string | undefined): void {
    this.#inner.feed?.(text);
  }

  ended(ended: EndedRequest, now: SimTime): readonly Request[] {
    const { request } = ended;
    const first = request.attempt === undefined ? request : (this.#firsts.get(request.id) ?? request);
    if (request.attempt !== undefined) this.#firsts.delete(request.id);
    const again = isAnswered(ended.outcome) ? undefined : this.#again(ended, first, now);
    if (again !== undefined) return [again];
    return this.#inner.ended?.(first === request ? ended : { ...ended, request: first }, now) ?? [];
  }

  #again(ended: EndedRequest, first: Request, now: SimTime): Request | undefined {
    const policy = this.#policyOf(first);
    if (policy === undefined) return undefined;
    const attempt = ended.request.attempt ?? 1;
    const wait = retryWaitMicros(policy.said, ended.outcome, attempt, policy.rng);
    if (wait === undefined) return undefined;
    const { arrival, sent } = arrivalAfter(ended, now, wait, first.promptTokens);
    if (arrival > Number.MAX_SAFE_INTEGER) return undefined;
    const { deadline: before, path, ...head } = first;
    const from = path === undefined ? first.arrival : path.sent + path.halfTripMicros;
    const patience = before === undefined ? undefined : before - from;
    const request: Request = {
      ...head,
      id: this.#freeId(),
      arrival,
      attempt: attempt + 1,
      ...(path === undefined ? {} : { path: { ...path, sent } }),
      ...deadlineOf(arrival, patience, path === undefined ? undefined : sent + path.halfTripMicros),
    };
    this.#firsts.set(request.id, first);
    this.#retried += 1;
    return request;
  }
}
