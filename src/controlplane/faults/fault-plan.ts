import type { MetricFamily } from "../../model/metric-family.ts";
import type { SimTime } from "../../sim/time.ts";
import type { QueryAnswer, SeriesLabels } from "../monitoring-server.ts";
import { type Fault, type FaultSaid, faults } from "./index.ts";

/** All faults of a run, asked by whoever may be hit. Of several at once the first that was said counts. */
export class FaultPlan {
  readonly #faults: readonly Fault[];
  /** Families as they were when a fault began, by target and fault. */
  readonly #kept = new Map<string, MetricFamily>();

  constructor(said: readonly FaultSaid[] = []) {
    this.#faults = said.map((one) => faults.create(one, undefined));
  }

  /** How queries fail at `now`; undefined: they don't. */
  answer(now: SimTime): Extract<QueryAnswer, { ok: false }> | undefined {
    return this.#first(now, ({ answer }) => answer);
  }

  /** What becomes of the scrape of a target with these labels; undefined: it goes well. */
  scrape(labels: SeriesLabels, now: SimTime): "missed" | "failed" | undefined {
    return this.#first(now, (fault) => fault.scrape?.(labels));
  }

  /** What a target's page shows at `now`. */
  shown(target: string, page: readonly MetricFamily[], now: SimTime): readonly MetricFamily[] {
    if (this.#faults.length === 0) return page;
    const frozen = new Set(this.#at(now).flatMap((fault) => fault.frozen ?? []));
    if (frozen.size === 0) {
      this.#kept.clear();
      return page;
    }
    return page.map((family) => {
      if (!frozen.has(family.name)) return family;
      const key = `${target} ${family.name}`;
      const kept = this.#kept.get(key) ?? family;
      this.#kept.set(key, kept);
      return kept;
    });
  }

  /** Whether somebody is not there at `now`. */
  stopped(who: NonNullable<Fault["stops"]>, now: SimTime): boolean {
    return this.#at(now).some(({ stops }) => stops === who);
  }

  /** When somebody who was stopped starts anew. */
  restarts(who: NonNullable<Fault["stops"]>): readonly SimTime[] {
    return [...new Set(this.#faults.filter(({ stops }) => stops === who).map(({ until }) => until))];
  }

  /** That a call to the API server takes, in microseconds. */
  apiServerMicros(now: SimTime): number {
    return this.#first(now, ({ apiServerMicros }) => apiServerMicros) ?? 0;
  }

  imagePullFactor(now: SimTime): number {
    return this.#first(now, ({ imagePullFactor }) => imagePullFactor) ?? 1;
  }

  /** From when on a node pool gets new nodes that are asked for at `now`. */
  nodesFrom(pool: string, now: SimTime): SimTime {
    const without = this.#at(now).filter(({ withoutNodes }) => withoutNodes === "" || withoutNodes === pool);
    return Math.max(now, ...without.map(({ until }) => until)) as SimTime;
  }

  #at(now: SimTime): readonly Fault[] {
    return this.#faults.length === 0
      ? this.#faults
      : this.#faults.filter(({ from, until }) => from <= now && now < until);
  }

  #first<T>(now: SimTime, read: (fault: Fault) => T | undefined): T | undefined {
    for (const fault of this.#at(now)) {
      const found = read(fault);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
