import type { Endpoint } from "../model/endpoint.ts";
import type { Mutable } from "../model/mutable.ts";
import type { RequestHead } from "../model/request.ts";
import { invariant } from "../sim/invariant.ts";
import type { Streams } from "../sim/rng.ts";
import type { Micros, SimTime } from "../sim/time.ts";
import type { Hooks, Placed } from "./ask.ts";
import type { Changes } from "./changes.ts";
import type { ProfileHandler, Profiles } from "./handler.ts";
import type { PrefixBelief, TokenLoad } from "./knowledge.ts";
import type { KvEvent, TimedKvEvent } from "./kv-event.ts";
import { Plugins } from "./plugins.ts";
import type { Producer } from "./producer.ts";
import { type Profile, Question } from "./profile.ts";
import type { SchedulingSaid } from "./scheduling.ts";
import { Slots } from "./slots.ts";

/** Where a request goes, and what it adds to the tokens in flight there. */
export interface Placement extends Placed {
  readonly tokens: number;
  readonly prefillTokens: number;
}

/**
 * An endpoint picker (llm-d-router v0.9, main of 22 August 2026): producers find out about the pool, a handler runs
 * profiles, and everybody who keeps a record is told what came of it. Sees endpoints as the gateway believes them to be.
 */
export class Scheduler implements Profiles {
  readonly ask = new Question();
  readonly names: readonly string[];
  /** Name of the producer that exports the load in flight, if there is one. */
  readonly loadProducer: string | undefined;
  /** What it took each endpoint to hold of the request decided on last; undefined: nobody in it knows of prefixes. */
  readonly cached: PrefixBelief | undefined;
  readonly #profiles: readonly Profile[];
  readonly #handler: ProfileHandler;
  /** Those that others go by come first. */
  readonly #producers: readonly Producer[];
  readonly #hooks: readonly Hooks[];
  /** Those who want to hear of it: most plugins don't, and requests are many. */
  readonly #hearPlaced: readonly Hearing<"placed">[];
  readonly #hearFirstToken: readonly Hearing<"firstToken">[];
  readonly #hearEnded: readonly Hearing<"ended">[];
  /** Whether anything scraped has a bearing on a decision. */
  readonly readsSignals: boolean;
  /** Whether engines' KV events have a bearing on a decision. */
  readonly readsKvEvents: boolean;
  /** How long requests are collected before they are scheduled together; undefined: not at all. */
  readonly window: Micros | undefined;
  readonly #load: TokenLoad;
  /** Whether tokens in flight count until the last token or until the first. */
  readonly untilEnd: boolean;
  /** What came of the last decision. */
  readonly #placement: Mutable<Placement> = { primary: -1, prefill: -1, tokens: 0, prefillTokens: 0 };
  readonly #slots = new Slots();
  readonly #kvDelay: number;
  /** Events on their way here. */
  readonly #kvEvents: TimedKvEvent[] = [];
  #kvNext = 0;

  /** @throws where `schedulingProblems` has something to say */
  constructor(said: SchedulingSaid, streams: Streams) {
    const plugins = new Plugins(said, streams);
    this.#profiles = [...plugins.profiles.values()];
    this.names = this.#profiles.map(({ name }) => name);
    this.#handler = plugins.handler;
    this.loadProducer = plugins.loadProducer;
    this.cached = plugins.cached;
    this.#load = plugins.load();
    this.untilEnd = this.#load.untilEnd;
    this.#producers = plugins.producers;
    this.#hooks = plugins.hooks;
    this.#hearPlaced = hearing(plugins.hooks, "placed");
    this.#hearFirstToken = hearing(plugins.hooks, "firstToken");
    this.#hearEnded = hearing(plugins.hooks, "ended");
    this.readsSignals = this.#hooks.some(({ blind }) => blind !== true);
    this.readsKvEvents = this.#producers.some(({ observeKv }) => observeKv !== undefined);
    this.window = this.#producers.find(({ window }) => window !== undefined)?.window;
    this.#kvDelay = said.kvEventDelayMicros;
  }

  /** Requests of one window, before each of them is scheduled, in order. */
  gather(requests: readonly RequestHead[], endpoints: readonly Endpoint[]): void {
    const slots = this.#slotsOf(endpoints);
    for (const producer of this.#producers) producer.gathered?.(requests, endpoints, slots);
  }

  /**
   * @param changes of what is believed of these endpoints; left out: nobody keeps account of them, and all is looked at anew
   * @returns the same object each time; undefined where no endpoint survives the filters (HTTP 429)
   */
  schedule(
    request: RequestHead,
    endpoints: readonly Endpoint[],
    now: SimTime,
    changes?: Changes,
  ): Placement | undefined {
    const placed = this.decide(request, endpoints, now, changes);
    if (placed === undefined) return undefined;
    const { primary, prefill } = placed;
    const placement = this.#placement;
    placement.tokens = this.#load.uncachedAt(primary);
    placement.prefillTokens = prefill < 0 ? 0 : this.#load.uncachedAt(prefill);
    // By index, as below: they are few, and this is done for every request.
    for (let i = 0; i < this.#hearPlaced.length; i += 1)
      (this.#hearPlaced[i] as Hearing<"placed">).placed(this.ask, placed);
    return placement;
  }

  /** The decision alone: nobody is told of it. @returns positions in `endpoints`, in the same object each time */
  decide(request: RequestHead, endpoints: readonly Endpoint[], now: SimTime, changes?: Changes): Placed | undefined {
    this.#deliver(now);
    const { ask } = this;
    ask.decision += 1;
    ask.request = request;
    ask.now = now;
    ask.endpoints = endpoints;
    ask.changes = changes;
    ask.slots = this.#slotsOf(endpoints);
    ask.positions = this.#slots.positions;
    ask.reset(-1);
    for (let i = 0; i < this.#producers.length; i += 1) (this.#producers[i] as Producer).produce(ask);
    return endpoints.length === 0 ? undefined : this.#handler.place(this);
  }

  /** For handlers: runs one profile of the decision under way. */
  run(profile: string, peer = -1): number {
    // By index: there is one as a rule.
    for (let i = 0; i < this.#profiles.length; i += 1) {
      const own = this.#profiles[i] as Profile;
      if (own.name === profile) return own.run(this.ask, peer);
    }
    return -1;
  }

  placed(primary: number, prefill: number): Placed {
    const placement = this.#placement;
    placement.primary = primary;
    placement.prefill = prefill;
    return placement;
  }

  /** The first token of a request came back. */
  firstToken(id: number, endpoint: string, now: SimTime): void {
    for (let i = 0; i < this.#hearFirstToken.length; i += 1)
      (this.#hearFirstToken[i] as Hearing<"firstToken">).firstToken(id, endpoint, now);
  }

  /** A request ended, whatever its outcome. */
  ended(id: number, now: SimTime, outputTokens: number): void {
    for (let i = 0; i < this.#hearEnded.length; i += 1)
      (this.#hearEnded[i] as Hearing<"ended">).ended(id, now, outputTokens);
  }

  joined(endpoint: Endpoint): void {
    if (this.#slots.has(endpoint.name)) return;
    const slot = this.#slots.take(endpoint.name);
    for (const hook of this.#hooks) hook.joined?.(slot, endpoint);
  }

  /** What was known of it is forgotten. */
  left(name: string): void {
    const slot = this.#slots.give(name);
    if (slot !== undefined) for (const hook of this.#hooks) hook.left?.(slot, name);
  }

  /** An engine publishes an event at `at`, no earlier than the one before. */
  observeKv(event: KvEvent, at: SimTime): void {
    const due = (at + this.#kvDelay) as SimTime;
    const last = this.#kvEvents.at(-1);
    invariant(last === undefined || due >= last.at, "KV events come in order of time");
    if (this.readsKvEvents) this.#kvEvents.push({ at: due, event });
  }

  #deliver(now: SimTime): void {
    if (this.#kvEvents.length === 0) return;
    while (this.#kvNext < this.#kvEvents.length) {
      const { at, event } = this.#kvEvents[this.#kvNext] as TimedKvEvent;
      if (at > now) return this.#forgetDelivered();
      this.#kvNext += 1;
      for (const producer of this.#producers) producer.observeKv?.(event, now);
    }
    this.#kvEvents.length = 0;
    this.#kvNext = 0;
  }

  #forgetDelivered(): void {
    if (this.#kvNext < 1024 || this.#kvNext * 2 < this.#kvEvents.length) return;
    this.#kvEvents.splice(0, this.#kvNext);
    this.#kvNext = 0;
  }

  /** Endpoints that nobody said had joined join now. */
  #slotsOf(endpoints: readonly Endpoint[]): Int32Array {
    if (!this.#slots.isSame(endpoints)) for (const endpoint of endpoints) this.joined(endpoint);
    return this.#slots.of(endpoints);
  }
}

type Hearing<K extends keyof Hooks> = Hooks & Required<Pick<Hooks, K>>;

const hearing = <K extends keyof Hooks>(hooks: readonly Hooks[], what: K): readonly Hearing<K>[] =>
  hooks.filter((hook): hook is Hearing<K> => hook[what] !== undefined);
