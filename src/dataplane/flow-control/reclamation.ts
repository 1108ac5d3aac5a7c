import { NEVER, type SimTime } from "../../sim/time.ts";
import { isSheddable } from "../priority.ts";
import { IndexedHeap, type Slotted } from "./indexed-heap.ts";

/** A request that runs. */
interface Running extends Slotted {
  readonly id: number;
  readonly priority: number;
  readonly order: number;
}

interface Revocation {
  /** What it gives back, in units of saturation. */
  readonly credit: number;
  readonly issuedAt: SimTime;
}

export interface ReclamationOptions {
  readonly graceMicros: number;
  readonly timeoutMicros: number;
  readonly mostPerDecision: number;
}

/** What the EPP counts of it. */
export interface ReclamationCounts {
  /** By priority of the band that asked. */
  readonly issued: Map<number, number>;
  confirmed: number;
  timedOut: number;
  /** Of the last decision. */
  target: number;
  pending: number;
}

/**
 * Says which running sheddable requests are to be cut off so that a more important band can go on: the lowest priority first,
 * the newest first. A decision waits until each earlier victim has ended (or `timeoutMicros` have passed), and `graceMicros`
 * more for the signals to show it.
 *
 * Source: llm-d-router (August 2026), flowcontrol/controller/internal/reclamation.go and flowcontrol/eviction.
 */
export class Reclamation {
  readonly #options: ReclamationOptions;
  readonly #running = new Map<number, Running>();
  readonly #victims = new IndexedHeap<Running>((a, b) =>
    a.priority === b.priority ? a.order > b.order : a.priority < b.priority,
  );
  readonly #outstanding = new Map<number, Revocation>();
  readonly #cooling: { readonly credit: number; readonly until: number }[] = [];
  readonly counts: ReclamationCounts = { issued: new Map(), confirmed: 0, timedOut: 0, target: 0, pending: 0 };
  #order = 0;

  constructor(options: ReclamationOptions) {
    this.#options = options;
  }

  started(id: number, priority: number): void {
    this.#order += 1;
    const running = { id, priority, order: this.#order, slot: -1 };
    this.#running.set(id, running);
    if (isSheddable(priority)) this.#victims.push(running);
  }

  /** Whatever its end was: its own, or ours. */
  ended(id: number, now: SimTime): void {
    this.#forget(id);
    const revocation = this.#outstanding.get(id);
    if (revocation === undefined) return;
    this.#outstanding.delete(id);
    this.#cool(revocation, now);
    this.counts.confirmed += 1;
  }

  /** @returns whether everything that was revoked is over and can be seen */
  isOpen(now: SimTime): boolean {
    for (const [id, revocation] of this.#outstanding) {
      if (now - revocation.issuedAt < this.#options.timeoutMicros) continue;
      this.#outstanding.delete(id);
      this.#cool(revocation, now);
      this.counts.timedOut += 1;
    }
    this.#release(now);
    return this.#outstanding.size === 0 && this.#cooling.length === 0;
  }

  /** When `isOpen` may say something else though nothing happens. */
  get changesAt(): SimTime {
    let next: number = NEVER;
    for (const { issuedAt } of this.#outstanding.values())
      next = Math.min(next, issuedAt + this.#options.timeoutMicros);
    for (const { until } of this.#cooling) next = Math.min(next, until);
    return next as SimTime;
  }

  /** Priority of whoever would go first. */
  get victimPriority(): number | undefined {
    return this.#victims.first?.priority;
  }

  /**
   * One decision; `isOpen` has said yes. As many as the excess over the ceiling asks for, each counted as the mean of all that
   * run, and at least one.
   * @param demand priority of the band that is blocked; only lower ones go @returns the ids of those that are to go
   */
  reclaim(saturation: number, ceiling: number, demand: number, now: SimTime): number[] {
    const credit = saturation / this.#running.size;
    if (!(credit > 0) || this.#victims.size === 0) return [];
    this.counts.target = saturation - ceiling;
    const wanted = Math.max(1, Math.ceil(this.counts.target / credit));
    const revoked: number[] = [];
    while (revoked.length < Math.min(wanted, this.#options.mostPerDecision)) {
      const victim = this.#victims.first;
      if (victim === undefined || victim.priority >= demand) break;
      this.#forget(victim.id);
      this.#outstanding.set(victim.id, { credit, issuedAt: now });
      this.counts.pending += credit;
      revoked.push(victim.id);
    }
    this.counts.issued.set(demand, (this.counts.issued.get(demand) ?? 0) + revoked.length);
    return revoked;
  }

  #forget(id: number): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    this.#running.delete(id);
    if (running.slot >= 0) this.#victims.remove(running);
  }

  #cool({ credit }: Revocation, now: SimTime): void {
    this.#cooling.push({ credit, until: now + this.#options.graceMicros });
  }

  #release(now: SimTime): void {
    let kept = 0;
    for (const debit of this.#cooling) {
      if (now < debit.until) this.#cooling[kept++] = debit;
      else this.counts.pending = Math.max(0, this.counts.pending - debit.credit);
    }
    this.#cooling.length = kept;
  }
}
