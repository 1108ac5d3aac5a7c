import { invariant } from "./invariant.ts";
import { after, micros, NEVER, type SimTime } from "./time.ts";

interface Flow<Id> {
  readonly id: Id;
  readonly order: number;
  /** What each flow of its class will have got when this one ends. */
  readonly end: number;
}

/** Flows with the same bound of their own get the same share, so they end in order of `end`. */
interface FlowClass<Id> {
  readonly most: number;
  readonly flows: Flow<Id>[];
  /** What each of its flows has got since the class began. */
  served: number;
  /** Per microsecond, of each flow. */
  rate: number;
}

/**
 * One capacity that several flows share at a time (a disk, a link): equally, but none faster than its own bound, and what
 * one can't take the others get (max-min fairness). Every start and end divides it anew. Adding and ending cost
 * O(log flows + bounds that differ), whatever else is under way.
 */
export class ProcessorSharing<Id> {
  readonly #capacity: number;
  /** In order of their bound. */
  readonly #classes: FlowClass<Id>[] = [];
  readonly #classOf = new Map<Id, FlowClass<Id>>();
  #started = 0;
  #since: SimTime;

  /** @param perSecond may be infinite: then each flow goes by its own bound */
  constructor(perSecond: number, now: SimTime) {
    invariant(perSecond > 0, "a capacity that is shared");
    this.#capacity = perSecond / 1e6;
    this.#since = now;
  }

  get active(): number {
    return this.#classOf.size;
  }

  /** When `advance` has something to do. */
  get due(): SimTime {
    let due = NEVER;
    for (const { flows, served, rate } of this.#classes) {
      const [first] = flows;
      if (first === undefined) continue;
      const length = Math.max(0, Math.ceil((first.end - served) / rate - ROUNDING));
      due = Math.min(due, after(this.#since, micros(length))) as SimTime;
    }
    return due;
  }

  /** @param most of this flow per second; finite where the capacity isn't */
  start(id: Id, amount: number, most: number, now: SimTime): void {
    invariant(!this.#classOf.has(id), "a flow starts once");
    invariant(Math.min(most / 1e6, this.#capacity) < Number.POSITIVE_INFINITY && most > 0, "a flow takes some time");
    this.#settle(now);
    const its = this.#classFor(most / 1e6);
    const flow: Flow<Id> = { id, order: this.#started, end: its.served + amount };
    this.#started += 1;
    let at = its.flows.length;
    while (at > 0 && (its.flows[at - 1] as Flow<Id>).end > flow.end) at -= 1;
    its.flows.splice(at, 0, flow);
    this.#classOf.set(id, its);
    this.#divide();
  }

  /** @returns the flows that have ended by `now`, in order of their start */
  advance(now: SimTime): Id[] {
    this.#settle(now);
    const ended: Flow<Id>[] = [];
    for (const { flows, served, rate } of this.#classes) {
      while (flows.length > 0 && ((flows[0] as Flow<Id>).end - served) / rate <= ROUNDING) {
        ended.push(flows.shift() as Flow<Id>);
      }
    }
    for (const { id } of ended) this.#classOf.delete(id);
    this.#divide();
    return ended.sort((a, b) => a.order - b.order).map(({ id }) => id);
  }

  /** Gives up a flow, if it is under way. */
  cancel(id: Id, now: SimTime): void {
    const its = this.#classOf.get(id);
    if (its === undefined) return;
    this.#settle(now);
    its.flows.splice(
      its.flows.findIndex((flow) => flow.id === id),
      1,
    );
    this.#classOf.delete(id);
    this.#divide();
  }

  #classFor(most: number): FlowClass<Id> {
    const found = this.#classes.find((one) => one.most === most);
    if (found !== undefined) return found;
    const made: FlowClass<Id> = { most, flows: [], served: 0, rate: most };
    this.#classes.push(made);
    this.#classes.sort((a, b) => a.most - b.most);
    return made;
  }

  #settle(now: SimTime): void {
    invariant(now >= this.#since, "time runs on");
    for (const one of this.#classes) if (one.flows.length > 0) one.served += one.rate * (now - this.#since);
    this.#since = now;
  }

  /** The slowest first: what they leave is for the others. */
  #divide(): void {
    let left = this.#capacity;
    let flows = this.#classOf.size;
    for (const one of this.#classes) {
      if (one.flows.length === 0) continue;
      one.rate = Math.min(one.most, left / flows);
      left -= one.rate * one.flows.length;
      flows -= one.flows.length;
    }
  }
}

/** Microseconds by which sums of doubles may miss an end. */
const ROUNDING = 1e-3;
