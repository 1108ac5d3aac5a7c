import type { Micros, SimTime } from "../../sim/time.ts";

export interface Sample {
  readonly at: SimTime;
  readonly value: number;
}

export type Labels = Readonly<Record<string, string>>;

interface Target {
  labels: Labels;
  readonly newest: Map<string, Sample>;
  /** From when on its series are stale. */
  staleAt: SimTime | undefined;
}

/**
 * What a Prometheus server knows of the scraped pods, as far as instant queries can tell: the newest sample of each
 * series, until it is too old or the target has vanished.
 * Source: Prometheus 3 (look-back 5 min by default, left-open: a sample of exactly that age is out; staleness markers).
 */
export class ScrapedSeries {
  readonly #lookBack: Micros;
  readonly #targets = new Map<string, Target>();

  constructor(lookBack: Micros) {
    this.#lookBack = lookBack;
  }

  /** Targets remembered: those that are there, and those gone less than the look-back ago. */
  get size(): number {
    return this.#targets.size;
  }

  /** Names the labels that selectors may ask of a target's series. Without them, only an empty selector matches. */
  label(target: string, labels: Labels): void {
    this.#targetOf(target).labels = labels;
  }

  /** One value of a scrape at `at`; scrapes of one target come in order of time. */
  store(series: string, target: string, at: SimTime, value: number): void {
    this.#targetOf(target).newest.set(series, { at, value });
  }

  /** The target is gone; staleness markers end its series at `at`, when its next scrape would have come. */
  vanish(target: string, at: SimTime): void {
    const known = this.#targets.get(target);
    if (known !== undefined) known.staleAt = at;
    for (const [name, { staleAt }] of this.#targets) {
      if (staleAt !== undefined && staleAt + this.#lookBack < at) this.#targets.delete(name);
    }
  }

  /** @returns what an instant query at `now` finds of one target's series */
  newest(series: string, target: string, now: SimTime): Sample | undefined {
    const known = this.#targets.get(target);
    return known === undefined ? undefined : this.#visible(known, series, now);
  }

  /** @returns what an instant query at `now` finds of all targets that bear `labels`, by target */
  matching(series: string, labels: Labels, now: SimTime): ReadonlyMap<string, Sample> {
    const found = new Map<string, Sample>();
    for (const [name, target] of this.#targets) {
      const sample = matches(target.labels, labels) ? this.#visible(target, series, now) : undefined;
      if (sample !== undefined) found.set(name, sample);
    }
    return found;
  }

  #visible({ newest, staleAt }: Target, series: string, now: SimTime): Sample | undefined {
    const sample = newest.get(series);
    if (sample === undefined || sample.at > now) return undefined;
    if (staleAt !== undefined && staleAt <= now) return undefined;
    return now - sample.at < this.#lookBack ? sample : undefined;
  }

  #targetOf(name: string): Target {
    let target = this.#targets.get(name);
    if (target === undefined) {
      target = { labels: {}, newest: new Map(), staleAt: undefined };
      this.#targets.set(name, target);
    }
    return target;
  }
}

const matches = (labels: Labels, wanted: Labels): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);
