import { invariant } from "../sim/invariant.ts";
import { after, micros, NEVER, type SimTime } from "../sim/time.ts";

/** The network between prefill and decode replicas. */
export interface KvLink {
  /** What one replica can send, and what one can take, in GB/s (1e9 bytes). */
  readonly gigabytesPerSecond: number;
  /** Before the first byte flows: handshake and request. */
  readonly latencyMicros: number;
  /** Transfers of one replica share its link. Otherwise each has all of it. */
  readonly contention: boolean;
}

/** One request's KV blocks under way. */
export interface KvTransfer {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly started: SimTime;
}

interface Flow extends KvTransfer {
  /** Left at `since`. */
  remaining: number;
  since: number;
  /** Bytes per microsecond; 0 until its latency has passed. */
  rate: number;
  flowing: boolean;
  /** When it flows, or when it ends. */
  due: SimTime;
}

/**
 * KV blocks on their way between replicas. A replica sends and takes at most its link's bandwidth; the transfers that
 * share an end share it equally, and every start and end divides what remains anew (processor sharing; the slower of a
 * transfer's two shares holds). The reference simulator fixes the share at the start (BLIS `sim/cluster/pd_events.go`,
 * August 2026), which lets the sum exceed the link; see docs/fidelity.md.
 */
export class KvTransfers {
  readonly #link: KvLink;
  /** By id, in order of start. */
  readonly #flows = new Map<number, Flow>();
  /** Flowing transfers at each end. */
  readonly #sending = new Map<string, Set<Flow>>();
  readonly #taking = new Map<string, Set<Flow>>();

  constructor(link: KvLink) {
    invariant(link.gigabytesPerSecond > 0, "a link carries something");
    this.#link = link;
  }

  get active(): number {
    return this.#flows.size;
  }

  /** When `advance` has something to do. */
  get due(): SimTime {
    let due = NEVER;
    for (const flow of this.#flows.values()) if (flow.due < due) due = flow.due;
    return due;
  }

  /** @param bytes more than 0 */
  start(transfer: Omit<KvTransfer, "started">, now: SimTime): void {
    invariant(!this.#flows.has(transfer.id), `transfer ${transfer.id} starts once`);
    this.#flows.set(transfer.id, {
      ...transfer,
      started: now,
      remaining: transfer.bytes,
      since: now,
      rate: 0,
      flowing: false,
      due: after(now, micros(this.#link.latencyMicros)),
    });
  }

  /** @returns transfers that end at `now`, which is `due`, in order of their start; the ids are free again */
  advance(now: SimTime): KvTransfer[] {
    const due = [...this.#flows.values()].filter((flow) => flow.due <= now);
    const ended = due.filter(({ flowing }) => flowing);
    for (const flow of due) {
      if (flow.flowing) this.#leave(flow, now);
      else this.#flow(flow, now);
    }
    return ended;
  }

  /** Gives up what `id` has under way, if anything. */
  cancel(id: number, now: SimTime): void {
    const flow = this.#flows.get(id);
    if (flow === undefined) return;
    if (flow.flowing) this.#leave(flow, now);
    else this.#flows.delete(id);
  }

  /** A replica is gone. @returns what it had under way, given up */
  lost(replica: string, now: SimTime): KvTransfer[] {
    const lost = [...this.#flows.values()].filter(({ from, to }) => from === replica || to === replica);
    for (const { id } of lost) this.cancel(id, now);
    return lost;
  }

  #flow(flow: Flow, now: SimTime): void {
    flow.flowing = true;
    at(this.#sending, flow.from).add(flow);
    at(this.#taking, flow.to).add(flow);
    this.#divide(flow, now);
  }

  #leave(flow: Flow, now: SimTime): void {
    this.#flows.delete(flow.id);
    for (const [ends, name] of [
      [this.#sending, flow.from],
      [this.#taking, flow.to],
    ] as const) {
      const there = at(ends, name);
      there.delete(flow);
      if (there.size === 0) ends.delete(name);
    }
    this.#divide(flow, now);
  }

  /** Those that share an end with `changed` get their new shares. */
  #divide(changed: Flow, now: SimTime): void {
    for (const there of [this.#sending.get(changed.from), this.#taking.get(changed.to)]) {
      for (const flow of there ?? []) this.#share(flow, now);
    }
  }

  #share(flow: Flow, now: SimTime): void {
    const whole = this.#link.gigabytesPerSecond * 1000;
    const shared = Math.max(at(this.#sending, flow.from).size, at(this.#taking, flow.to).size);
    flow.remaining = Math.max(0, flow.remaining - flow.rate * (now - flow.since));
    flow.since = now;
    flow.rate = this.#link.contention ? whole / shared : whole;
    flow.due = after(now, micros(Math.max(flow.remaining === 0 ? 0 : 1, Math.ceil(flow.remaining / flow.rate))));
  }
}

const at = (ends: Map<string, Set<Flow>>, name: string): Set<Flow> => {
  const there = ends.get(name);
  if (there !== undefined) return there;
  const made = new Set<Flow>();
  ends.set(name, made);
  return made;
};
