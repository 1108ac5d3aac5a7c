import { durationOf } from "../../model/duration.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import { invariant } from "../../sim/invariant.ts";
import { after, instant, type Micros, micros, NEVER, type SimTime, START } from "../../sim/time.ts";
import type { Asked } from "../admission.ts";
import type { SaturationDetector } from "../detector.ts";
import { isSheddable } from "../priority.ts";
import { saturationByStage } from "../saturation-stages.ts";
import { Band, type Flow, Queued } from "./band.ts";
import type { FairnessPolicy } from "./fairness.ts";
import { type FairnessSaid, fairnesses } from "./fairnesses/index.ts";
import type { BandSaid, FlowControlSaid } from "./index.ts";
import { orderings } from "./orderings/index.ts";
import type { QueueListener, QueueOutcome } from "./queue-listener.ts";
import { Reclamation } from "./reclamation.ts";
import type { UsageLimitPolicy } from "./usage-limit.ts";
import { usageLimits } from "./usage-limits/index.ts";

/** How often the EPP tries to send somebody out, looks for expired requests, and collects what is idle. */
const TICK = 1000;
const SWEEP = 1_000_000;
const COLLECT = 300_000_000;
const BAND_IDLE = 2 * COLLECT;
/** A body is JSON text; English has about four bytes per token. */
const BYTES_PER_TOKEN = 4;
/** What 0 stands for in a band's limits. */
const BAND_REQUESTS = 5000;
const BAND_BYTES = 1_000_000_000;
const REVOCATIONS_PER_DECISION = 2;
const REVOCATION_TIMEOUT = 10_000_000;

export interface FlowControlContext {
  readonly detector: SaturationDetector;
  /** Priorities whose bands are always there. */
  readonly priorities: readonly number[];
  /** From the end of a revoked request until the detector shows it. */
  readonly evictionGraceMicros: number;
  readonly listener: QueueListener;
}

/**
 * The gateway's queue. Requests wait here in bands by priority and, within a band, in flows by fairness id, and go out one at a
 * time: at each arrival, and at each whole millisecond. A cycle goes through the bands from the highest; the first whose ceiling
 * the pool's saturation has reached ends it, so that no lower band overtakes a blocked one.
 *
 * Ticks at which nothing can happen are passed over: a cycle that sent nobody out does the same again until a belief changes,
 * somebody comes or goes, or one of the policies says that time alone changes it. Of one instant a wake comes after all else.
 *
 * Source: llm-d-router (August 2026), pkg/epp/flowcontrol (controller/internal/processor.go, registry). Here the three clocks
 * (ticks, sweeps, collection) begin with the world, and at one instant the sweep comes before the tick; there they run by
 * themselves. While nobody waits there are no cycles, which only a soft-reflective ceiling could tell: it counts them.
 */
export class FlowControl {
  readonly #said: FlowControlSaid;
  readonly #context: FlowControlContext;
  readonly #limit: UsageLimitPolicy;
  readonly #reclamation: Reclamation | undefined;
  readonly #ttl: Micros;
  readonly #emptyTtl: Micros;
  /** From arrival, whatever the pool did meanwhile: the longest budget and two sweeps. */
  readonly #backstop: number;
  readonly #fairnesses = new Map<string, FairnessPolicy>();
  /** Highest first. */
  readonly #bands: Band[] = [];
  readonly #priorities: number[] = [];
  readonly #ceilings: number[] = [];
  readonly #byId = new Map<number, Queued>();
  /** Clients gone, places held. */
  readonly #buried = new Set<Queued>();
  #requests = 0;
  #bytes = 0;
  #order = 0;
  /** Number of the last tick, sweep and collection that have gone by. */
  #tick = 0;
  #sweep = 0;
  #collection = 0;
  #isPoolEmpty = false;
  /** When that last changed, as cycles saw it. */
  #poolSince: SimTime = START;
  /** Whether the pool has turned empty, or not empty, since the last cycle. */
  #poolTurned = false;
  /** Of the last cycle. */
  #saturation = 0;
  /** Whether the next cycle would do what the last one did, nothing, until `#quietUntil`. */
  #quiet = false;
  #quietUntil: SimTime = NEVER;

  constructor(said: FlowControlSaid, context: FlowControlContext) {
    this.#said = said;
    this.#context = context;
    this.#limit = usageLimits.create(said.usageLimitPolicy, {});
    this.#ttl = durationOf(said.defaultRequestTTL);
    this.#emptyTtl = said.noEndpointRequestTTL === undefined ? this.#ttl : durationOf(said.noEndpointRequestTTL);
    this.#backstop = this.#ttl > 0 && this.#emptyTtl > 0 ? Math.max(this.#ttl, this.#emptyTtl) + 2 * SWEEP : NEVER;
    if (said.enableEviction) {
      this.#reclamation = new Reclamation({
        graceMicros: context.evictionGraceMicros,
        timeoutMicros: REVOCATION_TIMEOUT,
        mostPerDecision: REVOCATIONS_PER_DECISION,
      });
    }
    // They count from the start what others are served, though their bands may come later.
    for (const template of [said.defaultPriorityBand, said.defaultNegativePriorityBand, ...said.priorityBands]) {
      if (template !== undefined) this.#fairnessOf(template.fairnessPolicy);
    }
    for (const priority of new Set([...said.priorityBands.map((band) => band.priority), ...context.priorities])) {
      this.#openBand(priority, true, START);
    }
  }

  /** The bands, highest first; a live view. */
  get bands(): readonly Band[] {
    return this.#bands;
  }

  /** With those whose clients are gone, until they are swept. */
  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Those whose clients are there. */
  get waiting(): number {
    return this.#requests - this.#buried.size;
  }

  /** Of all bands; 0: any. */
  get maxRequests(): number {
    return this.#said.maxRequests;
  }

  get maxBytes(): number {
    return this.#said.maxBytes;
  }

  get reclamation(): Reclamation | undefined {
    return this.#reclamation;
  }

  /** Whether cycles go on, so that what is believed of the endpoints matters. */
  get isActive(): boolean {
    return this.#requests > 0 || this.#bands.some((band) => band.picker.restless);
  }

  /** When `wake` is to be called next, after all else of that instant. */
  get due(): SimTime {
    let due = Math.min(this.#dueTick(), this.#dueSweep());
    if (this.#bands.some((band) => !band.kept || band.flows.size > 0)) {
      due = Math.min(due, (this.#collection + 1) * COLLECT);
    }
    if (this.#backstop !== NEVER) {
      for (const { oldest } of this.#bands) {
        if (oldest !== undefined) due = Math.min(due, oldest.enqueuedAt + this.#backstop);
      }
    }
    return due as SimTime;
  }

  /** Takes a request of flow `id` in, or refuses it, and sends one out if the pool has room. */
  arrive(asked: Asked, id: string, endpoints: readonly Endpoint[], now: SimTime): void {
    this.#advance(now);
    this.#quiet = false;
    const bytes = asked.head.promptTokens * BYTES_PER_TOKEN;
    const flow = this.#bandOf(asked.priority, now).flowOf(id, now);
    if (this.#hasRoom(flow.band, bytes) || this.#makesRoom(flow.band, bytes, endpoints, now)) {
      this.#enqueue(asked, flow, bytes, now);
    } else {
      if (flow.requests === 0) flow.idleSince = now;
      const outcome = this.#isPoolEmpty ? "RejectedNoEndpoints" : "RejectedCapacity";
      this.#context.listener.dropped({ asked, since: now, at: now, outcome, isPoolEmpty: endpoints.length === 0 });
    }
    this.#cycle(endpoints, now);
  }

  /** Does what is due at `now`: time-outs, sweep, collection, tick. */
  wake(endpoints: readonly Endpoint[], now: SimTime): void {
    invariant(now <= this.due, "the gate is woken when it is due, not later");
    this.#advance(now);
    this.#endBackstops(endpoints, now);
    if (now === (this.#sweep + 1) * SWEEP) this.#sweepExpired(endpoints, now);
    if (now === (this.#collection + 1) * COLLECT) this.#collect(now);
    if (now === (this.#tick + 1) * TICK) this.#onTick(endpoints, now);
  }

  /** What is believed of the endpoints, or who they are, has changed. */
  beliefsChanged(endpoints: readonly Endpoint[], now: SimTime): void {
    this.#advance(now);
    this.#quiet = false;
    this.#poolTurned = (endpoints.length === 0) !== this.#isPoolEmpty;
  }

  /** The client of a request is gone. @returns whether it was waiting here */
  cancel(id: number, now: SimTime): boolean {
    const item = this.#byId.get(id);
    if (item === undefined) return false;
    this.#advance(now);
    this.#quiet = false;
    this.#bury(item, "EvictedContextCancelled", false, now);
    return true;
  }

  /** A request was sent to an endpoint. */
  started({ head, priority }: Asked, flow: string, now: SimTime): void {
    this.#advance(now);
    this.#quiet = false;
    this.#reclamation?.started(head.id, priority);
    for (const policy of this.#fairnesses.values()) policy.started?.(flow, now);
  }

  /** It ended there. */
  ended({ head }: Asked, flow: string, outputTokens: number, now: SimTime): void {
    this.#advance(now);
    this.#quiet = false;
    this.#reclamation?.ended(head.id, now);
    for (const policy of this.#fairnesses.values()) policy.ended?.(flow, head.promptTokens, outputTokens, now);
  }

  // ---- time

  /** Brings the clocks to just before `now`: what they passed over did nothing, or they would have been due. */
  #advance(now: SimTime): void {
    const passed = Math.ceil(now / TICK) - 1;
    if (passed > this.#tick) {
      if (this.isActive) this.#limit.skip(passed - this.#tick, this.#saturation, this.#bands.length);
      this.#tick = passed;
    }
    this.#sweep = Math.max(this.#sweep, Math.ceil(now / SWEEP) - 1);
    this.#collection = Math.max(this.#collection, Math.ceil(now / COLLECT) - 1);
  }

  #dueTick(): number {
    const isActive = this.isActive;
    if (!isActive && !this.#poolTurned) return NEVER;
    const next = this.#tick + 1;
    if (!isActive || !this.#quiet) return next * TICK;
    const until = Math.min(
      Math.ceil(this.#quietUntil / TICK),
      next + this.#limit.steadyCycles(this.#saturation, this.#bands.length),
    );
    return Math.max(next, until) * TICK;
  }

  #dueSweep(): number {
    const next = (this.#sweep + 1) * SWEEP;
    if (this.#buried.size > 0) return next;
    const budget = this.#budget();
    if (budget === 0) return NEVER;
    let due: number = NEVER;
    for (const { oldest } of this.#bands) {
      if (oldest !== undefined) due = Math.min(due, this.#chargedSince(oldest) + budget);
    }
    return Math.max(next, Math.ceil(due / SWEEP) * SWEEP);
  }

  /** How long a request may wait as things are; 0: for ever. */
  #budget(): Micros {
    return this.#isPoolEmpty ? this.#emptyTtl : this.#ttl;
  }

  /** Each time the pool turns empty, or not empty, the budget begins anew. */
  #chargedSince({ enqueuedAt }: Queued): number {
    return Math.max(enqueuedAt, this.#poolSince);
  }

  // ---- in

  #bandOf(priority: number, now: SimTime): Band {
    const at = this.#bands.findIndex((band) => band.priority <= priority);
    const band = this.#bands[at];
    return band?.priority === priority ? band : this.#openBand(priority, false, now);
  }

  #openBand(priority: number, kept: boolean, now: SimTime): Band {
    const said = this.#bandSaid(priority);
    const options = {
      priority,
      kept,
      maxRequests: said.maxRequests === 0 ? BAND_REQUESTS : said.maxRequests,
      maxBytes: said.maxBytes === 0 ? BAND_BYTES : said.maxBytes,
      ordering: orderings.create(said.orderingPolicy, {}),
      picker: this.#fairnessOf(said.fairnessPolicy).band(),
    };
    const band = new Band(options, now);
    const below = this.#bands.findIndex((other) => other.priority < priority);
    const at = below < 0 ? this.#bands.length : below;
    this.#bands.splice(at, 0, band);
    this.#priorities.splice(at, 0, priority);
    return band;
  }

  #bandSaid(priority: number): BandSaid {
    const { priorityBands, defaultPriorityBand, defaultNegativePriorityBand } = this.#said;
    const own = priorityBands.find((band) => band.priority === priority);
    return own ?? (isSheddable(priority) ? (defaultNegativePriorityBand ?? defaultPriorityBand) : defaultPriorityBand);
  }

  /** Bands that say the same share one policy, as they do there by naming one plugin. */
  #fairnessOf(said: FairnessSaid): FairnessPolicy {
    const name = JSON.stringify(said);
    const policy = this.#fairnesses.get(name) ?? fairnesses.create(said, {});
    this.#fairnesses.set(name, policy);
    return policy;
  }

  #hasRoom(band: Band, bytes: number): boolean {
    return this.#hasRoomAtAll(bytes) && band.bytes + bytes <= band.maxBytes && band.requests + 1 <= band.maxRequests;
  }

  #hasRoomAtAll(bytes: number): boolean {
    const { maxRequests, maxBytes } = this.#said;
    return (
      (maxBytes === 0 || this.#bytes + bytes <= maxBytes) && (maxRequests === 0 || this.#requests + 1 <= maxRequests)
    );
  }

  /** BLIS's queue shedding: where only the queue as a whole lacks a place, the newest of the lowest sheddable band below gives up its own. */
  #makesRoom(band: Band, bytes: number, endpoints: readonly Endpoint[], now: SimTime): boolean {
    if (!this.#said.queueShedding || this.#hasRoomAtAll(bytes)) return false;
    if (band.bytes + bytes > band.maxBytes || band.requests + 1 > band.maxRequests) return false;
    const victim = this.#bands.findLast(({ newest }) => newest !== undefined)?.newest;
    if (victim === undefined || !isSheddable(victim.priority) || victim.priority >= band.priority) return false;
    const { maxBytes } = this.#said;
    if (maxBytes > 0 && this.#bytes - victim.bytes + bytes > maxBytes) return false;
    this.#remove(victim, now);
    this.#tellDropped(victim, "EvictedOther", endpoints.length === 0, now);
    return true;
  }

  #enqueue({ head }: Asked, flow: Flow, bytes: number, now: SimTime): void {
    invariant(!this.#byId.has(head.id), `request ${head.id} waits once`);
    this.#order += 1;
    const key = flow.band.ordering.key(head, now, this.#ttl);
    const item = new Queued(head, flow, { bytes, enqueuedAt: now, key, order: this.#order });
    flow.band.add(item);
    this.#byId.set(head.id, item);
    this.#requests += 1;
    this.#bytes += bytes;
  }

  // ---- out

  #onTick(endpoints: readonly Endpoint[], now: SimTime): void {
    this.#tick += 1;
    if (this.isActive) this.#cycle(endpoints, now);
    else this.#lookAtPool(endpoints, now);
  }

  #cycle(endpoints: readonly Endpoint[], now: SimTime): void {
    this.#lookAtPool(endpoints, now);
    this.#saturation = saturationByStage(this.#context.detector, endpoints, now).effective;
    this.#limit.limit(this.#saturation, this.#priorities, this.#ceilings);
    const item = this.#next(now);
    if (item !== undefined) this.#dispatch(item, endpoints, now);
    this.#quiet = item === undefined;
    if (this.#quiet && this.isActive) this.#quietUntil = this.#changesAt(endpoints, now);
  }

  #changesAt(endpoints: readonly Endpoint[], now: SimTime): SimTime {
    const detector = this.#context.detector.changesAt(endpoints, now);
    return Math.min(detector, this.#reclamation?.changesAt ?? NEVER) as SimTime;
  }

  #lookAtPool(endpoints: readonly Endpoint[], now: SimTime): void {
    this.#poolTurned = false;
    const isEmpty = endpoints.length === 0;
    if (isEmpty === this.#isPoolEmpty) return;
    this.#isPoolEmpty = isEmpty;
    this.#poolSince = now;
  }

  /** @returns who may go out; undefined: nobody waits, or the highest band that is reached is blocked */
  #next(now: SimTime): Queued | undefined {
    for (let rank = 0; rank < this.#bands.length; rank += 1) {
      if (this.#saturation >= (this.#ceilings[rank] as number)) {
        this.#reclaim(rank, now);
        return undefined;
      }
      const { picker } = this.#bands[rank] as Band;
      const flow = picker.pick(now) as Flow | undefined;
      if (flow !== undefined) return flow.head;
    }
    return undefined;
  }

  /** A client that is gone costs a cycle like any other. */
  #dispatch(item: Queued, endpoints: readonly Endpoint[], now: SimTime): void {
    const { live } = item;
    this.#remove(item, now);
    if (live) this.#context.listener.dispatched(item, item.enqueuedAt, endpoints, now);
  }

  /** Revokes running requests for the highest blocked band that somebody waits in, if it is above the first victim. */
  #reclaim(from: number, now: SimTime): void {
    const reclamation = this.#reclamation;
    if (reclamation === undefined || !reclamation.isOpen(now)) return;
    const victim = reclamation.victimPriority;
    if (victim === undefined) return;
    for (let rank = from; rank < this.#bands.length; rank += 1) {
      const band = this.#bands[rank] as Band;
      const ceiling = this.#ceilings[rank] as number;
      if (band.priority <= victim) return;
      if (ceiling <= 0 || this.#saturation < ceiling || band.requests === 0) continue;
      const ids = reclamation.reclaim(this.#saturation, ceiling, band.priority, now);
      for (const id of ids) this.#context.listener.revoked(id);
      return;
    }
  }

  #remove(item: Queued, now: SimTime): void {
    item.flow.band.remove(item, now);
    this.#byId.delete(item.head.id);
    this.#buried.delete(item);
    this.#requests -= 1;
    this.#bytes -= item.bytes;
  }

  #bury(item: Queued, outcome: QueueOutcome, isPoolEmpty: boolean, now: SimTime): void {
    item.flow.band.bury(item, now);
    this.#byId.delete(item.head.id);
    this.#buried.add(item);
    this.#tellDropped(item, outcome, isPoolEmpty, now);
  }

  #tellDropped(item: Queued, outcome: QueueOutcome, isPoolEmpty: boolean, now: SimTime): void {
    this.#context.listener.dropped({ asked: item, since: item.enqueuedAt, at: now, outcome, isPoolEmpty });
  }

  #endBackstops(endpoints: readonly Endpoint[], now: SimTime): void {
    for (const band of this.#bands) {
      while (band.oldest !== undefined && band.oldest.enqueuedAt + this.#backstop <= now) {
        this.#quiet = false;
        this.#bury(band.oldest, "EvictedTTL", endpoints.length === 0, now);
      }
    }
  }

  #sweepExpired(endpoints: readonly Endpoint[], now: SimTime): void {
    this.#sweep += 1;
    const before = this.#requests;
    for (const item of this.#buried) this.#remove(item, now);
    const budget = this.#budget();
    const outcome = this.#isPoolEmpty ? "EvictedNoEndpoints" : "EvictedTTL";
    for (const band of this.#bands) {
      for (let item = band.oldest; budget > 0 && item !== undefined; item = band.oldest) {
        if (after(instant(this.#chargedSince(item)), budget) > now) break;
        this.#remove(item, now);
        this.#tellDropped(item, outcome, endpoints.length === 0, now);
      }
    }
    if (this.#requests < before) this.#quiet = false;
  }

  /** Forgets flows that have been idle for a whole interval, and bands that nobody asked for after two. */
  #collect(now: SimTime): void {
    this.#collection += 1;
    for (const band of this.#bands) band.collect(now - COLLECT, now);
    for (let rank = this.#bands.length - 1; rank >= 0; rank -= 1) {
      const { kept, flows, idleSince } = this.#bands[rank] as Band;
      if (kept || flows.size > 0 || now - idleSince < BAND_IDLE) continue;
      this.#bands.splice(rank, 1);
      this.#priorities.splice(rank, 1);
      this.#quiet = false;
    }
  }
}

/** Time from the end of a revoked request until the detector shows it. */
export const evictionGrace = (
  isLeading: boolean,
  refresh: Micros = micros(50_000),
  staleness: Micros = micros(2_000_000),
): Micros => micros(isLeading ? LEADING_GRACE : refresh + staleness + ENGINE_RECLAIM);
/** The gateway's own counts fall as the stream ends; scraped ones after the engine has freed its blocks and was read again. */
const LEADING_GRACE = 10_000;
const ENGINE_RECLAIM = 250_000;
