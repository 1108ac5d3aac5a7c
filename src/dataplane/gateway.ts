import type { CacheConfig, Endpoint, LoraInfo } from "../model/endpoint.ts";
import type { Finished } from "../model/fact.ts";
import type { Mutable } from "../model/mutable.ts";
import type { RequestHead } from "../model/request.ts";
import { invariant } from "../sim/invariant.ts";
import type { Micros, SimTime } from "../sim/time.ts";
import { type Changes, noChanges, noteAll } from "./changes.ts";
import { Flights } from "./flights.ts";
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
  readonly lora?: LoraInfo | undefined;
}

/** Where a request goes, or why nowhere: HTTP 503 without endpoints, 429 where none survives the filters. */
export type Routed =
  | {
      readonly kind: "routed";
      readonly endpoint: string;
      /** Its place in order of joining. */
      readonly position: number;
      /** Who computes the prompt, if somebody else does. */
      readonly prefill?: string | undefined;
    }
  | { readonly kind: "refused"; readonly why: "no-endpoints" | "none-fits" };

/** What a decision leaves behind for whoever wants to see it. */
export interface Watch {
  /** What the scheduler's profiles went through; policies have none. */
  readonly runs: ProfileRun[];
  /** Prompt tokens that each endpoint was taken to hold, by position; left out: the gateway had no opinion. */
  cachedTokens?: readonly number[];
}

/** How a request ended, as the gateway saw it. */
export interface Ended extends Pick<Finished, "end" | "outputTokens"> {
  readonly request: Pick<RequestHead, "id">;
}

const NOT_YET = Number.NEGATIVE_INFINITY;

/** The gateway's own record of an endpoint; policies see it as a readonly `Endpoint`. */
class Belief implements Endpoint {
  readonly name: string;
  labels: Readonly<Record<string, string>> = {};
  /** Kept as a number always: what is undefined at first, V8 makes a new object of at each scrape. */
  lastScrape = NOT_YET;
  waiting = 0;
  running = 0;
  kvUsage = 0;
  cache: CacheConfig | undefined;
  lora: LoraInfo | undefined;
  inFlight = 0;
  inFlightTokens = 0;
  /** Place among the routable; -1: it isn't. */
  position = -1;

  constructor(name: string) {
    this.name = name;
  }

  get scrapedAt(): SimTime | undefined {
    return this.lastScrape === NOT_YET ? undefined : (this.lastScrape as SimTime);
  }

  /** Its pod is there, perhaps another one with its name: nothing is believed of it but what is still in flight. */
  join(labels: Readonly<Record<string, string>>): void {
    this.labels = labels;
    this.lastScrape = NOT_YET;
    this.waiting = 0;
    this.running = 0;
    this.kvUsage = 0;
    this.cache = undefined;
    this.lora = undefined;
  }
}

/**
 * Routes requests to the replicas it was told of, by what it believes of them: signals as old as their last scrape, and
 * its own count of requests in flight. Knows nothing else of a replica. A policy picks a replica and no more; a scheduler
 * may refuse, name another replica for the prompt, and counts tokens.
 */
export class Gateway {
  readonly #policy: RoutingPolicy | undefined;
  /** The scheduler, if there is one. */
  readonly scheduler: Scheduler | undefined;
  /** Whether anybody looks at what `scraped` tells; and at what `observeKv` tells. */
  readonly readsSignals: boolean;
  readonly readsKvEvents: boolean;
  /** Whether a prompt may be computed elsewhere than the tokens. */
  readonly splits: boolean;
  /** How long requests are collected before they are routed together (`gather`); undefined: not at all. */
  readonly window: Micros | undefined;
  /** Routable endpoints in order of joining. */
  readonly #routable: Belief[] = [];
  /** Of what is believed of these. */
  readonly #changes = noChanges();
  /** These, and those that left with requests in flight. */
  readonly #known = new Map<string, Belief>();
  readonly #flights = new Flights<Belief>();
  /** What `place` told last, if somebody got the request. */
  readonly #routed: Mutable<Extract<Routed, { kind: "routed" }>> = {
    kind: "routed",
    endpoint: "",
    position: -1,
    prefill: undefined,
  };

  constructor(policy: RoutingPolicy | Scheduler) {
    if (policy instanceof Scheduler) this.scheduler = policy;
    else this.#policy = policy;
    this.readsSignals = policy.readsSignals;
    this.readsKvEvents = this.scheduler?.readsKvEvents ?? this.#policy?.observeKv !== undefined;
    this.splits = this.scheduler === undefined ? this.#policy?.pair !== undefined : this.scheduler.names.length > 1;
    this.window = this.scheduler?.window;
  }

  /**
   * From now on `name` is routable, last in order; but for its pod's labels nothing is believed of it before its first scrape.
   *
   * @returns the endpoint, whose scrapes are to be told
   */
  join(name: string, labels: Readonly<Record<string, string>> = {}): Endpoint {
    const known = this.#known.get(name);
    invariant((known?.position ?? -1) < 0, `${name} joins once`);
    const joining = known ?? new Belief(name);
    joining.join(labels);
    this.#known.set(name, joining);
    joining.position = this.#routable.push(joining) - 1;
    noteAll(this.#changes);
    this.scheduler?.joined(joining);
    return joining;
  }

  /** From now on `name` is not routed to; its requests in flight go on. */
  leave(name: string): void {
    const leaving = this.#known.get(name);
    invariant(leaving !== undefined && leaving.position >= 0, `${name} has joined before it leaves`);
    this.#routable.splice(leaving.position, 1);
    leaving.position = -1;
    for (let at = 0; at < this.#routable.length; at += 1) (this.#routable[at] as Belief).position = at;
    noteAll(this.#changes);
    this.scheduler?.left(name);
    this.#policy?.left?.(name);
    this.#forgetIfDone(leaving);
  }

  /** All signals of one scrape of an endpoint that has joined, read at `at`. Those of one that has left are of no use. */
  scraped(endpoint: Endpoint, at: SimTime, { waiting, running, kvUsage, cache, lora }: Signals): void {
    const belief = endpoint as Belief;
    const { position } = belief;
    if (position < 0) return;
    invariant(at >= belief.lastScrape, "scrapes of one endpoint come in order");
    belief.lastScrape = at;
    if (waiting !== belief.waiting) this.#changes.waiting.note(position);
    if (running !== belief.running) this.#changes.running.note(position);
    if (kvUsage !== belief.kvUsage) this.#changes.kvUsage.note(position);
    belief.waiting = waiting;
    belief.running = running;
    belief.kvUsage = kvUsage;
    belief.cache = cache;
    belief.lora = lora;
  }

  /** An engine publishes a KV event at `at`. */
  observeKv(event: KvEvent, at: SimTime): void {
    this.scheduler?.observeKv(event, at);
    this.#policy?.observeKv?.(event);
  }

  /** Requests that came within one `window`, before each of them is routed, in order. */
  gather(requests: readonly RequestHead[]): void {
    this.scheduler?.gather(requests, this.#routable);
  }

  /** @returns the endpoint that gets the request; undefined if there is none */
  route(head: RequestHead): string | undefined {
    const routed = this.place(head, head.arrival);
    return routed.kind === "routed" ? routed.endpoint : undefined;
  }

  /** Decides where a request goes, and counts it there from now on. @returns the same object each time */
  place(head: RequestHead, now: SimTime, watch?: Watch): Routed {
    if (this.#routable.length === 0) return NO_ENDPOINTS;
    const routed = this.#decide(head, now, watch?.runs);
    const cached = (this.scheduler ?? this.#policy)?.cached;
    if (watch !== undefined && cached !== undefined) {
      const tokens = (at: number): number => (cached.matched[at] as number) * cached.blockSize;
      watch.cachedTokens = this.#routable.map((_, at) => Math.min(head.promptTokens, tokens(at)));
    }
    return routed;
  }

  #decide(head: RequestHead, now: SimTime, watched: ProfileRun[] | undefined): Routed {
    const { scheduler } = this;
    if (scheduler !== undefined) {
      scheduler.ask.watched = watched;
      const placement = scheduler.schedule(head, this.#routable, now, this.#changes);
      return placement === undefined ? NONE_FITS : this.#begin(head.id, placement);
    }
    const policy = this.#policy as RoutingPolicy;
    if (policy.pair === undefined) return this.#beginWith(policy.pick(head, this.#routable, now));
    const pair = policy.pair(head, this.#routable, now);
    return pair === undefined ? NO_ENDPOINTS : this.#beginWith(pair.decode, pair.prefill);
  }

  /** @param prefill who computes the prompt, if somebody else does; a policy counts nothing there */
  #beginWith(index: number, prefill?: number): Routed {
    const picked = this.#routable[index];
    invariant(picked !== undefined, "a policy picks one of the endpoints it was given");
    picked.inFlight += 1;
    return this.#told(picked, prefill === undefined ? undefined : this.#routable[prefill]);
  }

  #told(decoding: Belief, prefilling: Belief | undefined): Routed {
    const routed = this.#routed;
    routed.endpoint = decoding.name;
    routed.position = decoding.position;
    routed.prefill = prefilling?.name;
    return routed;
  }

  /** The first token of a request came back: its prompt is done with. */
  firstToken(name: string, id: number, at: SimTime): void {
    if (this.scheduler === undefined) return this.#policy?.firstToken?.(id, at);
    const flights = this.#flights;
    const row = flights.rowOf(id);
    invariant(row >= 0, "who gets a first token is in flight");
    this.scheduler.firstToken(id, name, at);
    this.#endPrefill(row);
    if (this.scheduler.untilEnd) return;
    this.#count(flights.endpoints[row], 0, -(flights.tokens[row] as number));
    flights.tokens[row] = 0;
  }

  /**
   * A request that was routed to `name` ended there, whatever its outcome.
   *
   * @param ended needed by schedulers, and by policies that keep a record of requests
   */
  ended(name: string, ended?: Ended): void {
    if (this.scheduler === undefined) {
      this.#count(this.#known.get(name), -1, 0);
      if (ended !== undefined) this.#policy?.ended?.(ended.request.id, ended.end);
      return;
    }
    const flights = this.#flights;
    const row = ended === undefined ? -1 : flights.end(ended.request.id);
    const endpoint = flights.endpoints[row];
    invariant(ended !== undefined && endpoint?.name === name, "a request ends where it is in flight");
    this.#endPrefill(row);
    this.#count(endpoint, -1, -(flights.tokens[row] as number));
    this.scheduler.ended(ended.request.id, ended.end, ended.outputTokens);
  }

  /** What is believed now, in order of joining; a live view. */
  get endpoints(): readonly Endpoint[] {
    return this.#routable;
  }

  /** Of these beliefs. */
  get changes(): Changes {
    return this.#changes;
  }

  #begin(id: number, { primary, prefill, tokens, prefillTokens }: Placement): Routed {
    const decoding = this.#routable[primary] as Belief;
    const prefilling = prefill < 0 ? undefined : this.#routable[prefill];
    const isNew = this.#flights.begin(id, decoding, tokens, prefilling, prefillTokens);
    invariant(isNew, "a request is placed once");
    this.#count(decoding, 1, tokens);
    if (prefilling !== undefined) this.#count(prefilling, 1, prefillTokens);
    return this.#told(decoding, prefilling);
  }

  #endPrefill(row: number): void {
    const { prefills, prefillTokens } = this.#flights;
    const prefilling = prefills[row];
    if (prefilling === undefined) return;
    this.#count(prefilling, -1, -(prefillTokens[row] as number));
    prefills[row] = undefined;
  }

  #count(belief: Belief | undefined, requests: number, tokens: number): void {
    invariant(belief !== undefined && belief.inFlight + requests >= 0, "only requests in flight can end");
    belief.inFlight += requests;
    belief.inFlightTokens += tokens;
    if (requests !== 0 && belief.position >= 0) this.#changes.inFlight.note(belief.position);
    this.#forgetIfDone(belief);
  }

  #forgetIfDone(belief: Belief): void {
    if (belief.position < 0 && belief.inFlight === 0) this.#known.delete(belief.name);
  }
}

const NO_ENDPOINTS: Routed = { kind: "refused", why: "no-endpoints" };
const NONE_FITS: Routed = { kind: "refused", why: "none-fits" };
