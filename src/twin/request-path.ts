import { FrontGate, type GateEvent } from "../dataplane/front-gate/front-gate.ts";
import { Gateway, type Routed, type Watch } from "../dataplane/gateway.ts";
import { routingPolicies } from "../dataplane/policies/index.ts";
import { Scheduler } from "../dataplane/scheduler.ts";
import type { Fact, Finished, QueueOutcome } from "../model/fact.ts";
import type { Outcome, Request } from "../model/request.ts";
import type { SentFact } from "../report/gateway-fold.ts";
import { FLUSH_SECONDS } from "../report/pool-flush.ts";
import type { GatewayView } from "../report/world-view.ts";
import { invariant } from "../sim/invariant.ts";
import type { Streams } from "../sim/rng.ts";
import { after, elapsed, micros, NEVER, type SimTime, START } from "../sim/time.ts";
import type { Disaggregation } from "./disaggregation.ts";
import { GatewayRecord } from "./gateway-record.ts";
import type { PathHost } from "./path-host.ts";
import { pickerName } from "./picker-name.ts";
import { lastScrape, type PickerScrapes, type Pod } from "./pod.ts";
import type { GatewayScenario } from "./scenario.ts";
import { decisionsOf, momentOf } from "./told-decision.ts";

/**
 * What a request goes through before and between engines: the gate (admission, flow control), the gateway that picks a
 * replica, the way of its KV cache where prefill and decode are apart, and back. Scrapes of the gateway are read when
 * somebody looks at what they saw (docs/decisions/002-lazy-gateway-scrapes.md), or while requests wait in the gate.
 */
export class RequestPath {
  readonly #scenario: GatewayScenario;
  readonly #host: PathHost;
  readonly #picker: number;
  readonly #gateway: Gateway;
  readonly #gate: FrontGate | undefined;
  /** The same, if it goes by what runs. */
  readonly #counting: FrontGate | undefined;
  readonly #apart: Disaggregation | undefined;
  readonly #record: GatewayRecord | undefined;
  /** Whether anything scraped has a bearing on where requests go. */
  readonly readsSignals: boolean;
  /** Ready pods, in order of joining. */
  readonly #ready = new Map<string, Pod>();
  readonly #joined: Pod[] = [];
  /** The same in order of their phases, in which they are scraped, and how long after each the next one is. */
  #ring: readonly PickerScrapes[] = [];
  #gaps = new Float64Array(0);
  /** For so long after a scrape nobody else reads one; no time at all where others scrape too. */
  readonly #settledFor: number;
  /** In the ring, whose scrape is the next to be looked at, and when it is. */
  #turn = 0;
  #nextScrape = UNKNOWN;
  /** The request that comes to the gate now. */
  #arriving: Request | undefined;
  /** Those that wait in the gate's queue. */
  readonly #waiting = new Map<number, Request>();
  /** Collected in the window under way. */
  #gathered: Request[] = [];
  #generation = 0;
  #planned: SimTime = NEVER;

  /**
   * @param picker which of the endpoint pickers at work it goes through, from 0
   * @param apart the way of KV caches, which all pickers' requests share; not needed where prompts are computed where the tokens are
   */
  constructor(scenario: GatewayScenario, streams: Streams, host: PathHost, picker = 0, apart?: Disaggregation) {
    this.#scenario = scenario;
    this.#host = host;
    this.#picker = picker;
    this.#gateway = new Gateway(
      scenario.kind === "policy"
        ? routingPolicies.create(scenario.policy, { rng: streams.stream("gateway") })
        : new Scheduler(scenario.scheduling, streams),
    );
    this.#apart = this.#gateway.splits ? apart : undefined;
    this.#settledFor = host.look === undefined ? scenario.scrapeIntervalMicros : Number.NEGATIVE_INFINITY;
    this.readsSignals = this.#gateway.readsSignals;
    if (scenario.kind === "policy") return;
    this.#gate = new FrontGate(scenario.gate, gateContext(scenario, streams));
    this.#counting = this.#gate.keepsCount ? this.#gate : undefined;
    this.readsSignals ||= this.#gate.readsSignals;
    this.#record = new GatewayRecord(scenario, host.model, picker);
    host.plan(FLUSH, { kind: "gauges-due", path: host.path });
  }

  /** What is done otherwise than it was said, for the report. */
  get notes(): readonly string[] {
    return this.#gate?.notes ?? [];
  }

  /** The gateway brings its gauges up to date. */
  gaugesDue(): void {
    this.#refreshBeliefs();
    this.#record?.flush(this.#gateway.endpoints, this.#now());
    this.#host.plan(after(this.#now(), FLUSH_MICROS), { kind: "gauges-due", path: this.#host.path });
  }

  /** What the gateway's own metrics show; undefined: it has none. */
  view(at: SimTime): GatewayView | undefined {
    const { endpoints, scheduler } = this.#gateway;
    return this.#record?.view(endpoints, this.#gate?.fullness(endpoints, at), scheduler?.loadProducer);
  }

  // ---- requests

  /** A client's request is here. @returns it, with the gateway's own time-out as its deadline if that comes first */
  withDeadline(request: Request): Request {
    const { requestTimeoutMicros } = this.#scenario;
    if (requestTimeoutMicros === undefined) return request;
    const cut = after(request.arrival, micros(requestTimeoutMicros));
    return request.deadline !== undefined && request.deadline <= cut ? request : { ...request, deadline: cut };
  }

  arrive(request: Request): void {
    if (this.readsSignals) this.#refreshBeliefs();
    if (this.#gate === undefined) return this.#gather(request);
    const events = this.#gate.arrive(request, this.#gateway.endpoints, this.#now());
    if (events === undefined) return this.#gather(request);
    this.#arriving = request;
    this.#follow(events);
    if (this.#arriving === undefined) return;
    this.#arriving = undefined;
    this.#waiting.set(request.id, request);
    this.#tellGate(request, { event: "held", bytes: BYTES_PER_TOKEN * request.promptTokens });
    this.#watch();
    if (request.deadline !== undefined)
      this.#host.plan(request.deadline, { kind: "client-gone", path: this.#host.path, request: request.id });
  }

  /** A client hangs up while its request waits in the gate. */
  clientGone(id: number): void {
    const request = this.#waiting.get(id);
    if (request === undefined || this.#gate?.cancel(id, this.#now()) !== true) return;
    this.#waiting.delete(id);
    const waited = elapsed(request.arrival, this.#now());
    this.#tellGate(request, { event: "expired", waited, status: 503, outcome: "EvictedContextCancelled" });
    this.#host.over({ request, outcome: "timed-out", outputTokens: 0 });
    this.#replanGate();
  }

  /** The gate has something to do. */
  gateDue(generation: number): void {
    if (generation !== this.#generation || this.#gate === undefined) return;
    this.#planned = NEVER;
    this.#follow(this.#gate.wake(this.#gateway.endpoints, this.#now()));
  }

  /** What was gathered is placed. */
  windowDue(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    if (this.readsSignals) this.#refreshBeliefs();
    this.#gateway.gather(gathered);
    for (const request of gathered) this.#place(request);
    this.#replanGate();
  }

  #follow(events: readonly GateEvent[]): void {
    // By index: there is one as a rule.
    for (let i = 0; i < events.length; i += 1) this.#followOne(events[i] as GateEvent);
    this.#replanGate();
  }

  #followOne(event: GateEvent): void {
    if (event.kind === "revoke") return this.#revoke(event.id);
    const { id } = event.head;
    const waited = this.#arriving?.id !== id;
    const request = waited ? this.#waiting.get(id) : this.#arriving;
    invariant(request !== undefined, "the gate tells of requests that it was given");
    if (waited) this.#waiting.delete(id);
    else this.#arriving = undefined;
    if (event.kind === "refused") return this.#turnAway(request, event, waited);
    if (waited) this.#tellGate(request, { event: "dispatched", waited: event.waited });
    this.#gather(request);
  }

  #turnAway(request: Request, event: Extract<GateEvent, { kind: "refused" }>, waited: boolean): void {
    const { reason, status, outcome } = event;
    if (waited && reason.startsWith("Evicted") && status !== 500) {
      this.#tellGate(request, { event: "expired", waited: event.waited, status, outcome: reason as Evicted });
    } else {
      // An admitter has its say after the queue.
      if (waited) this.#tellGate(request, { event: "dispatched", waited: event.waited });
      const queue = reason.startsWith("Rejected") ? { outcome: reason as Rejected } : {};
      this.#tellGate(request, { event: "shed", reason, status, ...queue });
    }
    this.#host.over({ request, outcome, outputTokens: 0 });
  }

  #tellGate(request: Request, event: GateFact): void {
    this.#tell({ kind: "gate", at: this.#now(), request, priority: this.#priorityOf(request), ...event });
  }

  /** Those that the picker itself counts. */
  #tell(fact: Extract<Fact, { kind: "gate" | "refused" }>): void {
    this.#host.tell(fact);
    this.#record?.hear(fact);
  }

  #tellSent(fact: SentFact): void {
    this.#host.tellServed(fact);
    this.#record?.hearSent(fact);
  }

  #priorityOf(request: Request): number {
    return this.#gate?.priorityOf(request) ?? 0;
  }

  /** A running request is cut off where it runs. */
  #revoke(id: number): void {
    for (const pod of this.#ready.values()) {
      this.#host.engine(pod).abort(id, this.#now());
      this.#host.replan(pod);
    }
  }

  #gather(request: Request): void {
    const { window } = this.#gateway;
    if (window === undefined) return this.#place(request);
    if (this.#gathered.length === 0)
      this.#host.plan(after(this.#now(), window), { kind: "window-due", path: this.#host.path });
    this.#gathered.push(request);
  }

  #place(request: Request): void {
    const now = this.#now();
    const routed = this.#routed(request);
    if (routed.kind === "refused") return this.#unplaced(request, routed.why);
    const pod = this.#joined[routed.position] as Pod;
    const prefill = routed.prefill === routed.endpoint ? undefined : routed.prefill;
    if (this.#gate !== undefined) {
      this.#counting?.started(request, now);
      this.#tellSent({
        kind: "routed",
        at: now,
        request,
        priority: this.#priorityOf(request),
        endpoint: pod.name,
        workload: pod.workload.name,
        prefillEndpoint: prefill,
        decision: prefill === undefined ? "decode-only" : "prefill-decode",
      });
    }
    if (prefill !== undefined) return this.#disaggregation().begin(request, this.#pod(prefill), pod);
    this.#host.engine(pod).submit(request, now);
    this.#host.replan(pod);
  }

  /** Places a request, and tells whoever wants to see it how. */
  #routed(request: Request): Routed {
    const now = this.#now();
    const { decisions } = this.#host;
    if (decisions?.wants(request) !== true) return this.#gateway.place(request, now);
    const picker = pickerName(this.#scenario, this.#picker);
    const moment = momentOf(request, picker, this.#gateway.endpoints, this.#host);
    const watch: Watch = { runs: [] };
    const routed = this.#gateway.place(request, now, watch);
    const chosen = routed.kind === "routed" ? routed.endpoint : undefined;
    for (const decision of decisionsOf(moment, watch, chosen)) decisions.tell(decision);
    return routed;
  }

  #unplaced(request: Request, why: "no-endpoints" | "none-fits"): void {
    if (why === "no-endpoints" || this.#gate === undefined) return this.#refuse(request, "unroutable");
    this.#tellGate(request, { event: "shed", reason: "no endpoint survives the filters", status: 429 });
    this.#host.over({ request, outcome: "shed", outputTokens: 0 });
  }

  #refuse(request: Request, outcome: Outcome): void {
    this.#tell({ kind: "refused", at: this.#now(), request, outcome });
    this.#host.over({ request, outcome, outputTokens: 0 });
  }

  // ---- what engines tell

  /** A first token leaves an engine. */
  firstToken(pod: Pod, request: Request, at: SimTime): void {
    if (this.#apart?.isPrefill(request.id, pod.name) === true) return;
    this.#gateway.firstToken(pod.name, request.id, at);
    this.#host.tellServed({ kind: "first-token", at, request, pod: pod.name });
  }

  /** An engine is done with a request. */
  finished(pod: Pod, facts: Finished): void {
    const { id } = facts.request;
    if (this.#apart?.isPrefill(id, pod.name) === true) {
      const decode = this.#apart.decodeOf(id);
      const next = this.#apart.prefilled(facts);
      this.#host.tell({ kind: "prefilled", pod: pod.name, workload: pod.workload.name, facts: next.leg });
      if (next.kind === "over") this.#end(decode, pod, next.facts);
      return;
    }
    this.#apart?.ended(id);
    this.#end(pod.name, pod, facts);
  }

  /** @param endpoint where the gateway sent it @param pod where it ended */
  #end(endpoint: string, pod: Pod, facts: Finished): void {
    const { request, outputTokens } = facts;
    this.#gateway.ended(endpoint, facts);
    if (this.#counting !== undefined) {
      this.#counting.ended(request, outputTokens, this.#now());
      this.#replanGate();
    }
    const priority = this.#priorityOf(request);
    this.#tellSent({ kind: "finished", pod: pod.name, workload: pod.workload.name, priority, facts });
    this.#host.over(facts);
  }

  /** An engine has blocks for a prompt that was computed elsewhere. */
  kvWanted(pod: Pod, request: Request, at: SimTime, tokens: number): void {
    this.#disaggregation().wanted(request, at, tokens, pod);
  }

  transferStarted(id: number, bytes: number): void {
    this.#disaggregation().start(id, bytes);
  }

  transferDue(generation: number): void {
    this.#disaggregation().advance(generation);
  }

  /** Whether anybody goes by what engines publish of their caches. */
  get hearsKv(): boolean {
    return this.#gateway.readsKvEvents;
  }

  /** An engine publishes that blocks of a strand can be found, or no longer. */
  kvCached(pod: Pod, kind: "stored" | "removed", strand: number, from: number, to: number): void {
    this.#gateway.observeKv({ kind, endpoint: pod.name, strand, from, to }, this.#now());
  }

  // ---- pods

  join(pod: Pod): void {
    this.#ready.set(pod.name, pod);
    this.#joined.push(pod);
    const endpoint = this.#gateway.join(pod.name, pod.workload.podLabels);
    pod.scrapedBy(this.#picker, this.#scenario.scrapeIntervalMicros, endpoint);
    this.#endpointsChanged();
  }

  leave(pod: Pod): void {
    this.#ready.delete(pod.name);
    this.#joined.splice(this.#joined.indexOf(pod), 1);
    this.#gateway.leave(pod.name);
    this.#endpointsChanged();
  }

  /** Its engine gives up all that it runs and holds. */
  lost(pod: Pod): void {
    this.#apart?.lost(pod.name);
  }

  #endpointsChanged(): void {
    this.#ring = this.#joined.map((pod) => this.#scrapes(pod)).sort((a, b) => a.phase - b.phase);
    this.#gaps = gapsOf(
      this.#ring.map(({ phase }) => phase),
      this.#scenario.scrapeIntervalMicros,
    );
    this.#nextScrape = UNKNOWN;
    this.#gate?.beliefsChanged(this.#gateway.endpoints, this.#now());
    this.#replanGate();
    this.#watch();
  }

  // ---- beliefs

  /** An engine that was looked at doesn't show earlier states any more, so the gateway's last scrape comes first. */
  beforeLook(pod: Pod, at: SimTime): void {
    if (this.readsSignals && pod.ready) this.read(pod, at);
  }

  /** When a ready pod was last scraped before `before`, if that is still to be read. */
  unread(pod: Pod, before: SimTime): SimTime | undefined {
    const { phase, read } = this.#scrapes(pod);
    const interval = this.#scenario.scrapeIntervalMicros;
    return before <= read + interval ? undefined : (lastScrape(phase, interval, before) as SimTime);
  }

  /** Reads that scrape. */
  read(pod: Pod, before: SimTime): void {
    const last = this.unread(pod, before);
    if (last === undefined) return;
    const scrapes = this.#scrapes(pod);
    scrapes.read = last;
    this.#readInto(scrapes);
  }

  /** Reads the scrape of which it is said that it was read: an instant that is handed over would be an object each time. */
  #readInto(scrapes: PickerScrapes): void {
    const { pod } = scrapes;
    const at = scrapes.read as SimTime;
    pod.scrapedUntil = (at + this.#settledFor) as SimTime;
    const { engine, workload } = pod;
    invariant(engine !== undefined, "a ready pod serves");
    const { waiting, running, kvUsage, lora } = engine.gauges(at);
    this.#gateway.scraped(scrapes.endpoint, at, { waiting, running, kvUsage, cache: workload.engine, lora });
  }

  /** A pod's scrape, while requests wait in the gate. */
  scrapeDue(name: string): void {
    const pod = this.#ready.get(name);
    if (pod === undefined || this.#gate === undefined) return;
    this.#scrapes(pod).watched = false;
    this.#look(pod, (this.#now() + 1) as SimTime);
    this.#gate.beliefsChanged(this.#gateway.endpoints, this.#now());
    this.#replanGate();
    this.#watch();
  }

  /**
   * Brings the gateway's beliefs up to its last scrape before now. Scrapes lie on a grid per pod; what was scraped
   * between two requests and overwritten unseen need not be read at all, and pods that were not scraped are passed over.
   */
  #refreshBeliefs(): void {
    const now = this.#now();
    if (now <= this.#nextScrape) return;
    const ring = this.#ring;
    const interval = this.#scenario.scrapeIntervalMicros;
    if (now > this.#nextScrape + interval) {
      for (const { pod } of ring) this.#look(pod, now);
      return this.#seekScrape(now);
    }
    const gaps = this.#gaps;
    const isShared = this.#host.look !== undefined;
    let turn = this.#turn;
    let next = this.#nextScrape;
    while (next < now) {
      const scrapes = ring[turn] as PickerScrapes;
      // With one picker it is known which scrape that is.
      if (isShared) this.#look(scrapes.pod, now);
      else if (scrapes.read < next) {
        scrapes.read = next;
        this.#readInto(scrapes);
      }
      next += gaps[turn] as number;
      turn = turn + 1 < ring.length ? turn + 1 : 0;
    }
    this.#turn = turn;
    this.#nextScrape = next;
  }

  /** The next scrape to be looked at is the first one from `now` on. */
  #seekScrape(now: SimTime): void {
    const interval = this.#scenario.scrapeIntervalMicros;
    const into = now % interval;
    const turn = this.#ring.findIndex(({ phase: own }) => own >= into);
    this.#turn = Math.max(0, turn);
    const phase = this.#ring[this.#turn]?.phase ?? Number.POSITIVE_INFINITY;
    this.#nextScrape = now - into + phase + (turn < 0 ? interval : 0);
  }

  /** Reads a pod's last scrape before `before`; where others scrape it too, theirs that came earlier go first. */
  #look(pod: Pod, before: SimTime): void {
    const { look } = this.#host;
    if (look === undefined) this.read(pod, before);
    else look(pod, before);
  }

  /** While requests wait in the gate, every scrape may let one go. */
  #watch(): void {
    if (this.#gate?.watches !== true || !this.#gate.readsSignals) return;
    const interval = this.#scenario.scrapeIntervalMicros;
    const now = this.#now();
    for (const pod of this.#ready.values()) {
      const scrapes = this.#scrapes(pod);
      if (scrapes.watched) continue;
      scrapes.watched = true;
      const next = lastScrape(scrapes.phase, interval, (now + 1) as SimTime) + interval;
      this.#host.plan(next as SimTime, { kind: "gateway-scrape-due", path: this.#host.path, pod: pod.name });
    }
  }

  #scrapes(pod: Pod): PickerScrapes {
    return pod.scrapes[this.#picker] as PickerScrapes;
  }

  #replanGate(): void {
    const due = this.#gate?.due ?? NEVER;
    if (due === this.#planned) return;
    this.#planned = due;
    this.#generation += 1;
    this.#host.plan(due, { kind: "gate-due", path: this.#host.path, generation: this.#generation });
  }

  // A method: V8 calls its runtime to find a private getter, five times per request.
  #now(): SimTime {
    return this.#host.clock.now;
  }

  #disaggregation(): Disaggregation {
    invariant(this.#apart !== undefined, "this gateway sends prompts elsewhere");
    return this.#apart;
  }

  #pod(name: string): Pod {
    const pod = this.#host.pod(name);
    invariant(pod?.engine !== undefined, "requests are sent to pods that serve");
    return pod;
  }
}

/** Every pod may have been scraped meanwhile. */
const UNKNOWN = Number.NEGATIVE_INFINITY;

/** @param phases in which there is one scrape each per interval, ascending */
const gapsOf = (phases: readonly number[], interval: number): Float64Array<ArrayBuffer> =>
  Float64Array.from(phases, (phase, i) => (phases[i + 1] ?? (phases[0] as number) + interval) - phase);

type Evicted = Extract<QueueOutcome, `Evicted${string}`>;
type Rejected = Extract<QueueOutcome, `Rejected${string}`>;
type Told<F> = F extends { readonly kind: "gate" } ? Omit<F, "kind" | "at" | "request" | "priority"> : never;
type GateFact = Told<Fact>;

const FLUSH_MICROS = micros(FLUSH_SECONDS * 1e6);
const FLUSH = after(START, FLUSH_MICROS);

/** As flow control counts them. */
const BYTES_PER_TOKEN = 4;

const gateContext = (scenario: Extract<GatewayScenario, { kind: "epp" }>, streams: Streams) => ({
  streams,
  refreshMetricsInterval: micros(scenario.scrapeIntervalMicros),
  metricsStalenessThreshold: micros(scenario.stalenessMicros),
});
