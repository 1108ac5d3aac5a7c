import type { CacheConfig, Endpoint, LoraInfo } from "../model/endpoint.ts";
import type { RequestHead } from "../model/request.ts";
import { invariant } from "../sim/invariant.ts";
import type { SimTime } from "../sim/time.ts";
import type { RoutingPolicy } from "./policy.ts";

/** What one scrape of a replica reads, all at the same instant. */
export interface Signals {
  readonly waiting: number;
  readonly running: number;
  /** 0 to 1. */
  readonly kvUsage: number;
  readonly cache?: CacheConfig;
  readonly lora?: LoraInfo;
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

/**
 * Routes requests to the replicas it was told of, by what it believes of them: signals as old as their last scrape, and
 * its own count of requests in flight. Knows nothing else of a replica.
 */
export class Gateway {
  readonly #policy: RoutingPolicy;
  /** Routable endpoints in order of joining. */
  readonly #routable: Belief[] = [];
  /** These, and those that left with requests in flight. */
  readonly #known = new Map<string, Belief>();

  constructor(policy: RoutingPolicy) {
    this.#policy = policy;
  }

  /** Whether anybody looks at what `scraped` tells. */
  get readsSignals(): boolean {
    return this.#policy.readsSignals;
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
  }

  /** From now on `name` is not routed to; its requests in flight go on. */
  leave(name: string): void {
    const leaving = this.#known.get(name);
    invariant(leaving?.routable === true, `${name} has joined before it leaves`);
    leaving.routable = false;
    this.#routable.splice(this.#routable.indexOf(leaving), 1);
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

  /** @returns the endpoint that gets the request; undefined if there is none (503) */
  route(head: RequestHead): string | undefined {
    if (this.#routable.length === 0) return undefined;
    const picked = this.#routable[this.#policy.pick(head, this.#routable)];
    invariant(picked !== undefined, "a policy picks one of the endpoints it was given");
    picked.inFlight += 1;
    return picked.name;
  }

  /** A request that was routed to `name` ended there, whatever its outcome. */
  ended(name: string): void {
    const belief = this.#known.get(name);
    invariant(belief !== undefined && belief.inFlight > 0, `${name} has a request in flight that can end`);
    belief.inFlight -= 1;
    this.#forgetIfDone(belief);
  }

  /** What is believed now, in order of joining; a live view. */
  get endpoints(): readonly Endpoint[] {
    return this.#routable;
  }

  #forgetIfDone(belief: Belief): void {
    if (!belief.routable && belief.inFlight === 0) this.#known.delete(belief.name);
  }
}
