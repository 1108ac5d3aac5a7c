import type { SaturationDetector } from "../../../src/dataplane/detector.ts";
import type { FlowControlSaid } from "../../../src/dataplane/flow-control/index.ts";
import { durationOf } from "../../../src/model/duration.ts";
import type { Endpoint } from "../../../src/model/endpoint.ts";
import type { RequestHead } from "../../../src/model/request.ts";
import type { SimTime } from "../../../src/sim/time.ts";

interface Item {
  readonly head: RequestHead;
  readonly priority: number;
  readonly flow: string;
  readonly at: number;
  readonly order: number;
  live: boolean;
}
interface Run {
  readonly id: number;
  readonly priority: number;
  readonly order: number;
}

/**
 * The queue once more, as plainly as its source tells it: lists that are searched from end to end, and a cycle at every
 * millisecond. Written from llm-d-router's processor.go, not from ours; slow, and what ours is held against.
 */
export class NaiveQueue {
  readonly #said: FlowControlSaid;
  readonly #detector: SaturationDetector;
  readonly #grace: number;
  readonly #tell: (line: string, head?: RequestHead) => void;
  #items: Item[] = [];
  readonly #bands: { readonly priority: number; cursor: string | undefined }[] = [];
  #running: Run[] = [];
  readonly #revoked = new Map<number, number>();
  #coolUntil: number[] = [];
  readonly #served: { readonly flow: string; readonly cost: number; readonly at: number }[] = [];
  #order = 0;
  #softTick = 0;
  #empty = false;
  #since = 0;
  cycles = 0;

  constructor(
    said: FlowControlSaid,
    detector: SaturationDetector,
    priorities: readonly number[],
    grace: number,
    tell: (line: string, head?: RequestHead) => void,
  ) {
    this.#said = said;
    this.#detector = detector;
    this.#grace = grace;
    this.#tell = tell;
    for (const priority of [...said.priorityBands.map((band) => band.priority), ...priorities]) this.#band(priority);
  }

  /** Every millisecond, and whenever a time-out ends. */
  dueAfter(now: number): number {
    const ends = this.#items.filter((item) => item.live).map((item) => item.at + this.#backstop);
    return Math.min(Math.floor(now / 1000) * 1000 + 1000, ...ends.filter((end) => end > now));
  }

  arrive(head: RequestHead, priority: number, flow: string, endpoints: readonly Endpoint[], now: number): void {
    this.#band(priority);
    const bytes = (items: readonly Item[]): number => items.reduce((sum, item) => sum + item.head.promptTokens * 4, 0);
    const own = this.#items.filter((item) => item.priority === priority);
    const limits = this.#limits(priority);
    const { maxRequests, maxBytes } = this.#said;
    const size = head.promptTokens * 4;
    const isFull =
      (maxBytes > 0 && bytes(this.#items) + size > maxBytes) ||
      (maxRequests > 0 && this.#items.length + 1 > maxRequests) ||
      bytes(own) + size > (limits.maxBytes || 1e9) ||
      own.length + 1 > (limits.maxRequests || 5000);
    if (isFull) this.#tell(`${now} drop ${head.id} ${this.#empty ? "RejectedNoEndpoints" : "RejectedCapacity"}`);
    else this.#items.push({ head, priority, flow, at: now, order: (this.#order += 1), live: true });
    this.#cycle(endpoints, now);
  }

  wake(endpoints: readonly Endpoint[], now: number): void {
    for (const item of this.#byArrival().filter((one) => one.live && one.at + this.#backstop <= now)) {
      item.live = false;
      this.#tell(`${now} drop ${item.head.id} EvictedTTL${endpoints.length === 0 ? " 503" : ""}`);
    }
    if (now % 1_000_000 === 0) this.#sweep(endpoints, now);
    if (now % 1000 === 0) this.#onTick(endpoints, now);
  }

  cancel(id: number): boolean {
    const item = this.#items.find((one) => one.head.id === id && one.live);
    if (item !== undefined) item.live = false;
    return item !== undefined;
  }

  started(id: number, priority: number): void {
    if (this.#said.enableEviction) this.#running.push({ id, priority, order: (this.#order += 1) });
  }

  ended(head: RequestHead, flow: string, outputTokens: number, now: number): void {
    this.#served.push({ flow, cost: head.promptTokens + 2 * outputTokens, at: now });
    this.#running = this.#running.filter(({ id }) => id !== head.id);
    if (this.#revoked.delete(head.id)) this.#coolUntil.push(now + this.#grace);
  }

  #onTick(endpoints: readonly Endpoint[], now: number): void {
    if (this.#items.length > 0 || this.#bands.some(({ cursor }) => cursor !== undefined)) this.#cycle(endpoints, now);
    else this.#look(endpoints, now);
  }

  #look(endpoints: readonly Endpoint[], now: number): void {
    if (this.#empty === (endpoints.length === 0)) return;
    this.#empty = endpoints.length === 0;
    this.#since = now;
  }

  #cycle(endpoints: readonly Endpoint[], now: number): void {
    this.cycles += 1;
    this.#look(endpoints, now);
    const saturation = this.#saturation(endpoints, now);
    const ceilings = this.#ceilings(saturation);
    for (const [rank, band] of this.#bands.entries()) {
      if (saturation >= (ceilings[rank] as number)) return this.#reclaim(saturation, ceilings, rank, now);
      const item = this.#pick(band, now);
      if (item === undefined) continue;
      this.#items = this.#items.filter((other) => other !== item);
      if (item.live) this.#tell(`${now} out ${item.head.id}`, item.head);
      return;
    }
  }

  #saturation(endpoints: readonly Endpoint[], now: number): number {
    const role = ({ labels }: Endpoint): string => labels["llm-d.ai/role"] ?? "decode";
    const both = ["both", "prefill-decode", "encode-prefill-decode"];
    const stages = [
      endpoints.filter((e) => ["prefill", "encode-prefill", ...both].includes(role(e))),
      endpoints.filter((e) => ["decode", ...both].includes(role(e))),
    ].filter((stage) => stage.length > 0);
    const all = stages.length === 0 ? [endpoints] : stages;
    return Math.max(...all.map((stage) => this.#detector.saturation(stage, now as SimTime)));
  }

  #ceilings(saturation: number): number[] {
    const n = this.#bands.length;
    const said = this.#said.usageLimitPolicy;
    const rank = (most: number, least: number): number[] =>
      this.#bands.map((_band, i) => (n === 1 ? most : most - (i * (most - least)) / (n - 1)));
    switch (said.type) {
      case "static-usage-limit-policy":
        return this.#bands.map(() => 1);
      case "interpolated":
        return n === 1 ? [1] : this.#bands.map((_band, i) => 1 - (i * (1 - said.threshold)) / (n - 1));
      case "priority-holdback-policy": {
        if (said.domain === "rank" || n === 1) return rank(said.maxCeiling, said.minCeiling);
        const [high, low] = [this.#bands[0]?.priority as number, this.#bands[n - 1]?.priority as number];
        return this.#bands.map(
          ({ priority }) => said.minCeiling + ((priority - low) / (high - low)) * (said.maxCeiling - said.minCeiling),
        );
      }
      case "soft-reflective-ceiling-policy": {
        if (n === 1) return [1];
        const alternates = saturation >= 1 - saturation && saturation < 1;
        if (alternates) this.#softTick += 1;
        const period = Math.max(1, Math.round(saturation / (1 - saturation + 1e-9)));
        const open = alternates && this.#softTick % period === 0;
        return this.#bands.map((_band, i) => {
          if (i === 0 || saturation < 1 - (i * saturation) / (n - 1)) return 1;
          return saturation < 1 && open ? 1 : 0;
        });
      }
      default:
        return said satisfies never;
    }
  }

  #pick(band: { readonly priority: number; cursor: string | undefined }, now: number): Item | undefined {
    const items = this.#sorted().filter(({ priority }) => priority === band.priority);
    const policy = this.#limits(band.priority).fairnessPolicy;
    if (policy.type === "global-strict-fairness-policy") return items[0];
    const flows = [...new Set(items.map(({ flow }) => flow))].sort();
    const headOf = (flow: string): Item => items.find((item) => item.flow === flow) as Item;
    if (policy.type === "round-robin-fairness-policy") {
      band.cursor = flows.find((flow) => band.cursor !== undefined && flow > band.cursor) ?? flows[0];
      return band.cursor === undefined ? undefined : headOf(band.cursor);
    }
    const service = (flow: string): number =>
      this.#served
        .filter((one) => one.flow === flow)
        .reduce((sum, { cost, at }) => sum + cost * 2 ** (-(now - at) / 1e6 / policy.lasHalfLifeSeconds), 0);
    const wait = (flow: string): number => Math.floor((now - headOf(flow).at) / 1000);
    const scale = (values: readonly number[], value: number): number => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return low === high ? 0.5 : (value - low) / (high - low);
    };
    const [services, waits] = [flows.map(service), flows.map(wait)];
    const scored = flows.map((flow, i) => ({
      head: headOf(flow),
      score:
        policy.lasWeightService * (1 - scale(services, services[i] as number)) +
        policy.lasWeightHeadWait * scale(waits, waits[i] as number),
    }));
    return scored.sort((a, b) => b.score - a.score || a.head.order - b.head.order)[0]?.head;
  }

  #reclaim(saturation: number, ceilings: readonly number[], from: number, now: number): void {
    for (const [id, at] of this.#revoked) {
      if (now - at < 10_000_000) continue;
      this.#revoked.delete(id);
      this.#coolUntil.push(now + this.#grace);
    }
    this.#coolUntil = this.#coolUntil.filter((until) => now < until);
    if (!this.#said.enableEviction || this.#revoked.size + this.#coolUntil.length > 0) return;
    const victims = this.#running
      .filter(({ priority }) => priority < 0)
      .sort((a, b) => a.priority - b.priority || b.order - a.order);
    const [first] = victims;
    if (first === undefined) return;
    for (let rank = from; rank < this.#bands.length; rank += 1) {
      const priority = this.#bands[rank]?.priority as number;
      const ceiling = ceilings[rank] as number;
      if (priority <= first.priority) return;
      if (ceiling <= 0 || saturation < ceiling || !this.#items.some((item) => item.priority === priority)) continue;
      const each = saturation / this.#running.length;
      const wanted = Math.min(2, Math.max(1, Math.ceil((saturation - ceiling) / each)));
      if (!(each > 0)) return;
      for (const victim of victims.slice(0, wanted)) {
        if (victim.priority >= priority) break;
        this.#running = this.#running.filter(({ id }) => id !== victim.id);
        this.#revoked.set(victim.id, now);
        this.#tell(`${now} revoke ${victim.id}`);
      }
      return;
    }
  }

  #sweep(endpoints: readonly Endpoint[], now: number): void {
    this.#items = this.#items.filter((item) => item.live);
    const ttl = durationOf(this.#said.defaultRequestTTL);
    const budget = this.#empty ? durationOf(this.#said.noEndpointRequestTTL ?? this.#said.defaultRequestTTL) : ttl;
    if (budget === 0) return;
    for (const item of this.#byArrival().filter(({ at }) => Math.max(at, this.#since) + budget <= now)) {
      this.#items = this.#items.filter((other) => other !== item);
      const late = `EvictedTTL${endpoints.length === 0 ? " 503" : ""}`;
      this.#tell(`${now} drop ${item.head.id} ${this.#empty ? "EvictedNoEndpoints" : late}`);
    }
  }

  get #backstop(): number {
    const ttl = durationOf(this.#said.defaultRequestTTL);
    const empty = durationOf(this.#said.noEndpointRequestTTL ?? this.#said.defaultRequestTTL);
    return ttl > 0 && empty > 0 ? Math.max(ttl, empty) + 2_000_000 : Infinity;
  }

  /** Band by band. */
  #byArrival(): Item[] {
    return [...this.#items].sort((a, b) => b.priority - a.priority || a.order - b.order);
  }

  /** Within a band in the order of its policy. */
  #sorted(): Item[] {
    return [...this.#items].sort((a, b) => b.priority - a.priority || this.#key(a) - this.#key(b) || a.order - b.order);
  }

  #key({ head, at, priority }: Item): number {
    const policy = this.#limits(priority).orderingPolicy;
    const far = Number.MAX_VALUE;
    switch (policy.type) {
      case "slo-deadline-ordering-policy":
        return head.sloTtft === undefined ? far : head.arrival + head.sloTtft;
      case "slo-deadline":
        return head.sloTtft === undefined ? far : at + head.sloTtft;
      default:
        return at;
    }
  }

  #limits(priority: number): FlowControlSaid["defaultPriorityBand"] {
    const { priorityBands, defaultPriorityBand, defaultNegativePriorityBand } = this.#said;
    const template = priority < 0 ? (defaultNegativePriorityBand ?? defaultPriorityBand) : defaultPriorityBand;
    return priorityBands.find((band) => band.priority === priority) ?? template;
  }

  #band(priority: number): void {
    if (this.#bands.some((band) => band.priority === priority)) return;
    this.#bands.push({ priority, cursor: undefined });
    this.#bands.sort((a, b) => b.priority - a.priority);
  }
}
