import type { RequestHead } from "../../model/request.ts";
import type { SimTime } from "../../sim/time.ts";
import type { Asked } from "../admission.ts";
import type { FlowPicker, FlowView } from "./fairness.ts";
import { IndexedHeap, type Slotted } from "./indexed-heap.ts";
import type { OrderingPolicy, Waiting } from "./ordering.ts";

/** A request in the queue. */
export class Queued implements Waiting, Slotted, Asked {
  readonly head: RequestHead;
  readonly flow: Flow;
  readonly bytes: number;
  readonly enqueuedAt: SimTime;
  readonly key: number;
  readonly order: number;
  /** In its flow's heap. */
  slot = -1;
  /** Its client is there; once it isn't, the request holds its place until a sweep or a dispatch comes upon it. */
  live = true;
  /** Neighbours among the live ones of its band, by arrival. */
  earlier: Queued | undefined;
  later: Queued | undefined;

  constructor(head: RequestHead, flow: Flow, place: Pick<Queued, "bytes" | "enqueuedAt" | "key" | "order">) {
    this.head = head;
    this.flow = flow;
    this.bytes = place.bytes;
    this.enqueuedAt = place.enqueuedAt;
    this.key = place.key;
    this.order = place.order;
  }

  get priority(): number {
    return this.flow.band.priority;
  }
}

/** Requests of one fairness id in one band. */
export class Flow implements FlowView, Slotted {
  readonly id: string;
  readonly band: Band;
  readonly queue = new IndexedHeap<Queued>((a, b) => (a.key === b.key ? a.order < b.order : a.key < b.key));
  slot = -1;
  /** Of requests whose clients are there. */
  requests = 0;
  bytes = 0;
  /** Since when `requests` is 0. */
  idleSince: SimTime;

  constructor(id: string, band: Band, now: SimTime) {
    this.id = id;
    this.band = band;
    this.idleSince = now;
  }

  get head(): Queued | undefined {
    return this.queue.first;
  }
}

export interface BandOptions {
  readonly priority: number;
  readonly maxRequests: number;
  readonly maxBytes: number;
  readonly ordering: OrderingPolicy;
  readonly picker: FlowPicker;
  /** Whether it stays though nobody uses it. */
  readonly kept: boolean;
}

/** All flows of one priority. */
export class Band {
  readonly priority: number;
  readonly maxRequests: number;
  readonly maxBytes: number;
  readonly ordering: OrderingPolicy;
  readonly picker: FlowPicker;
  readonly kept: boolean;
  readonly flows = new Map<string, Flow>();
  /** With those whose clients are gone, until they are swept. */
  requests = 0;
  bytes = 0;
  /** Live ones by arrival. */
  oldest: Queued | undefined;
  newest: Queued | undefined;
  /** Since when it has no flows. */
  idleSince: SimTime;

  constructor(options: BandOptions, now: SimTime) {
    this.priority = options.priority;
    this.maxRequests = options.maxRequests;
    this.maxBytes = options.maxBytes;
    this.ordering = options.ordering;
    this.picker = options.picker;
    this.kept = options.kept;
    this.idleSince = now;
  }

  flowOf(id: string, now: SimTime): Flow {
    let flow = this.flows.get(id);
    if (flow === undefined) {
      flow = new Flow(id, this, now);
      this.flows.set(id, flow);
    }
    return flow;
  }

  add(item: Queued): void {
    const { flow } = item;
    flow.queue.push(item);
    flow.requests += 1;
    flow.bytes += item.bytes;
    this.requests += 1;
    this.bytes += item.bytes;
    item.earlier = this.newest;
    if (this.newest === undefined) this.oldest = item;
    else this.newest.later = item;
    this.newest = item;
    if (flow.head === item) this.picker.changed(flow);
  }

  /** Its client, or its time, is gone: it is none of the live ones any more, but holds its place. */
  bury(item: Queued, now: SimTime): void {
    const { flow, earlier, later } = item;
    item.live = false;
    if (earlier === undefined) this.oldest = later;
    else earlier.later = later;
    if (later === undefined) this.newest = earlier;
    else later.earlier = earlier;
    item.earlier = undefined;
    item.later = undefined;
    flow.requests -= 1;
    flow.bytes -= item.bytes;
    if (flow.requests === 0) flow.idleSince = now;
  }

  /** Takes its place away. */
  remove(item: Queued, now: SimTime): void {
    if (item.live) this.bury(item, now);
    const { flow } = item;
    const wasHead = flow.head === item;
    flow.queue.remove(item);
    this.requests -= 1;
    this.bytes -= item.bytes;
    if (wasHead) this.picker.changed(flow);
  }

  /** Forgets the flows that have been idle since `before` or longer. */
  collect(before: number, now: SimTime): void {
    const idle = [...this.flows.values()].filter((flow) => flow.queue.size === 0 && flow.idleSince <= before);
    for (const { id } of idle) {
      this.flows.delete(id);
      this.picker.forget(id);
    }
    if (idle.length > 0 && this.flows.size === 0) this.idleSince = now;
  }
}
