import type { CacheConfig, Endpoint, LoraInfo } from "../model/endpoint.ts";
import type { RequestHead } from "../model/request.ts";
import { invariant } from "../sim/invariant.ts";
import type { Micros, SimTime } from "../sim/time.ts";
import type { KvEvent } from "./kv-event.ts";
import type { RoutingPolicy } from "./policy.ts";
import type { ProfileRun } from "./profile.ts";
import { type Placement, Scheduler } from "./scheduler.ts";

/** What one scrape of a replica reads, all at the same instant. */
export interface Signals {
  readonly waiting: number;
  readonly running: number;
  /** 0 to 1. */
  readonly kvUsage: number;
  readonly cache?: CacheConfig;
  readonly lora?: LoraInfo;
}

/** Where a request goes, or why nowhere: HTTP 503 without endpoints, 429 where none survives the filters. */
export type Routed =
  | {
      readonly kind: "routed";
      readonly endpoint: string;
      /** Who computes the prompt, if somebody else does. */
      readonly prefill?: string;
    }
  | { readonly kind: "refused"; readonly why: "no-endpoints" | "none-fits" };

/** How a request ended, as the gateway saw it. */
export interface Ended {
  readonly id: number;
  readonly at: SimTime;
  readonly outputTokens: number;
}

/** The gateway's own record of an endpoint; policies see it as a readonly `Endpoint`. */
class Belief implements Endpoint {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  scrapedAt: SimTime | undefined;
  waiting = 0;
  running = 0;
  kvUsage = 0;
  cache: CacheConfig | undefined;
  lora: LoraInfo | undefined;
  inFlight = 0;
  inFlightTokens = 0;
  routable = true;

  constructor(name: string, labels: Readonly<Record<string, string>>) {
    this.name = name;
    this.labels = labels;
  }
}

/** A request that a scheduler placed: what it still counts for, and where. */
interface Flight {
  readonly endpoint: string;
  tokens: number;
  prefill: string | undefined;
  readonly prefillTokens: number;
  readonly untilEnd: boolean;
}

/**
 * Routes requests to the replicas it was told of, by what it believes of them: signals as old as their last scrape, and
 * its own count of requests in flight. Knows nothing else of a replica. A policy picks a replica and no more; a scheduler
 * may refuse, name another replica for the prompt, and counts tokens.
 */
export class Gateway {
  readonly #policy: RoutingPolicy | Scheduler;
  /** Routable endpoints in order of joining. */
  readonly #routable: Belief[] = [];
  /** These, and those that left with requests in flight. */
  readonly #known = new Map<string, Belief>();
  readonly #flights = new Map<number, Flight>();

  constructor(policy: RoutingPolicy | Scheduler) {
    this.#policy = policy;
  }

  /** The scheduler, if there is one. */
  get scheduler(): Scheduler | undefined {
    return this.#policy instanceof Scheduler ? this.#policy : undefined;
  }

  /** Whether anybody looks at what `scraped` tells. */
  get readsSignals(): boolean {
    return this.#policy.readsSignals;
  }

  /** Whether anybody looks at what `observeKv` tells. */
  get readsKvEvents(): boolean {
    return this.#policy instanceof Scheduler ? this.#policy.readsKvEvents : this.#policy.observeKv !== undefined;
  }

  /** How long requests are collected before they are routed together (`gather`); undefined: not at all. */
  get window(): Micros | undefined {
    return this.#policy instanceof Scheduler ? this.#policy.window : undefined;
  }

  /** From now on `name` is routable, last in order; but for its pod's labels nothing is believed of it before its first scrape. */
  join(name: string, labels: Readonly<Record<string, string>> = {}): void {
    const known = this.#known.get(name);
    invariant(known?.routable !== true, `${name} joins once`);
    const joining = new Belief(name, labels);
    joining.inFlight = known?.inFlight ?? 0;
    joining.inFlightTokens = known?.inFlightTokens ?? 0;
    this.#known.set(name, joining);
    this.#routable.push(joining);
    if (this.#policy instanceof Scheduler) this.#policy.joined(joining);
  }

  /** From now on `name` is not routed to; its requests in flight go on. */
  leave(name: string): void {
    const leaving = this.#known.get(name);
    invariant(leaving?.routable === true, `${name} has joined before it leaves`);
    leaving.routable = false;
    this.#routable.splice(this.#routable.indexOf(leaving), 1);
    this.#policy.left?.(name);
    this.#forgetIfDone(leaving);
  }

  /** All signals of one scrape, read at `at`. Those of a replica that has left are of no use and passed over. */
  scraped(name: string, at: SimTime, { waiting, running, kvUsage, cache, lora }: Signals): void {
    const belief = this.#known.get(name);
    if (belief === undefined) return;
    invariant(belief.scrapedAt === undefined || at >= belief.scrapedAt, `scrapes of ${name} come in order`);
    belief.scrapedAt = at;
    belief.waiting = waiting;
    belief.running = running;
    belief.kvUsage = kvUsage;
    belief.cache = cache;
    belief.lora = lora;
  }

  /** An engine publishes a KV event at `at`. */
  observeKv(event: KvEvent, at: SimTime): void {
    if (this.#policy instanceof Scheduler) this.#policy.observeKv(event, at);
    else this.#policy.observeKv?.(event);
  }

  /** Requests that came within one `window`, before each of them is routed, in order. */
  gather(requests: readonly RequestHead[]): void {
    if (this.#policy instanceof Scheduler) this.#policy.gather(requests, this.#routable);
  }

  /** @returns the endpoint that gets the request; undefined if there is none */
  route(head: RequestHead): string | undefined {
    const routed = this.place(head, head.arrival);
    return routed.kind === "routed" ? routed.endpoint : undefined;
  }

  /**
   * Decides where a request goes, and counts it there from now on.
   * @param watched gets what the scheduler's profiles went through; policies have none
   */
  place(head: RequestHead, now: SimTime, watched?: ProfileRun[]): Routed {
    if (this.#routable.length === 0) return NO_ENDPOINTS;
    if (this.#policy instanceof Scheduler) {
      this.#policy.ask.watched = watched;
      const placement = this.#policy.schedule(head, this.#routable, now);
      return placement === undefined ? NONE_FITS : this.#begin(head.id, placement);
    }
    const picked = this.#routable[this.#policy.pick(head, this.#routable, now)];
    invariant(picked !== undefined, "a policy picks one of the endpoints it was given");
    picked.inFlight += 1;
    return { kind: "routed", endpoint: picked.name };
  }

  /** The first token of a request came back: its prompt is done with. */
  firstToken(name: string, id: number, at: SimTime): void {
    if (!(this.#policy instanceof Scheduler)) return this.#policy.firstToken?.(id, at);
    const flight = this.#flights.get(id);
    invariant(flight !== undefined, `request ${id} is in flight`);
    this.#policy.firstToken(id, name, at);
    this.#endPrefill(flight);
    if (flight.untilEnd) return;
    this.#count(flight.endpoint, 0, -flight.tokens);
    flight.tokens = 0;
  }

  /**
   * A request that was routed to `name` ended there, whatever its outcome.
   *
   * @param ended needed by schedulers, and by policies that keep a record of requests
   */
  ended(name: string, ended?: Ended): void {
    if (!(this.#policy instanceof Scheduler)) {
      this.#count(name, -1, 0);
      if (ended !== undefined) this.#policy.ended?.(ended.id, ended.at);
      return;
    }
    const flight = ended === undefined ? undefined : this.#flights.get(ended.id);
    invariant(ended !== undefined && flight?.endpoint === name, `${name} has this request in flight`);
    this.#flights.delete(ended.id);
    this.#endPrefill(flight);
    this.#count(name, -1, -flight.tokens);
    this.#policy.ended(ended.id, ended.at, ended.outputTokens);
  }

  /** What is believed now, in order of joining; a live view. */
  get endpoints(): readonly Endpoint[] {
    return this.#routable;
  }

  #begin(id: number, { endpoint, tokens, prefill, prefillTokens, untilEnd }: Placement): Routed {
    invariant(!this.#flights.has(id), `request ${id} is placed once`);
    this.#flights.set(id, { endpoint, tokens, prefill, prefillTokens, untilEnd });
    this.#count(endpoint, 1, tokens);
    if (prefill === undefined) return { kind: "routed", endpoint };
    this.#count(prefill, 1, prefillTokens);
    return { kind: "routed", endpoint, prefill };
  }

  #endPrefill(flight: Flight): void {
    if (flight.prefill === undefined) return;
    this.#count(flight.prefill, -1, -flight.prefillTokens);
    flight.prefill = undefined;
  }

  #count(name: string, requests: number, tokens: number): void {
    const belief = this.#known.get(name);
    invariant(belief !== undefined && belief.inFlight + requests >= 0, `${name} has a request in flight that can end`);
    belief.inFlight += requests;
    belief.inFlightTokens += tokens;
    this.#forgetIfDone(belief);
  }

  #forgetIfDone(belief: Belief): void {
    if (!belief.routable && belief.inFlight === 0) this.#known.delete(belief.name);
  }
}

const NO_ENDPOINTS: Routed = { kind: "refused", why: "no-endpoints" };
const NONE_FITS: Routed = { kind: "refused", why: "none-fits" };
