import type { MetricFamily, MetricSample } from "../model/metric-family.ts";
import { openMetricsText } from "./go-numbers.ts";
import { BUCKET_LABEL, Labels, METRIC_NAME } from "./labels.ts";
import type { Series } from "./series.ts";
import type { Store } from "./store.ts";

export interface ScrapeRules {
  /** A label of the page goes before one of the target; else it is kept as `exported_<name>`. */
  readonly honorLabels: boolean;
  /** Series that aren't wanted are scraped and dropped, as by a `keep` of metric relabelling. */
  wants(name: string): boolean;
  /** A scrape with more series after relabelling fails as a whole. Left out: none is too many. */
  readonly sampleLimit?: number;
  /** metric_relabel_configs: what becomes of a series' labels; undefined: it is dropped. Left out: they stay. */
  relabel?(labels: Labels): Labels | undefined;
}

interface KnownSample {
  readonly family: string;
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly series: readonly (Series | undefined)[];
  /** Number of the scrape that saw it last. */
  seen: number;
}

/**
 * One target's scrape loop: pages become samples of its series. A series that a page shows no more ends with a staleness
 * marker, as all do when a scrape fails or the target goes.
 * Source: scrape/scrape.go (mutateSampleLabels, scrapeLoop.append, endOfRunStaleness) and report metrics, Prometheus 3.
 */
export class ScrapeTarget {
  readonly #store: Store;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #rules: ScrapeRules;
  readonly #known = new Map<string, KnownSample>();
  /** In the order of the last page: the next one has mostly the same samples at the same places. */
  #line: KnownSample[] = [];
  readonly #up: Series | undefined;
  #scrapes = 0;

  /** @param labels of the target, after relabelling: `job`, `instance`, `namespace`, `pod` … */
  constructor(store: Store, labels: Readonly<Record<string, string>>, rules: ScrapeRules) {
    this.#store = store;
    this.#labels = labels;
    this.#rules = rules;
    this.#up = rules.wants("up") ? store.series(Labels.of({ ...labels, [METRIC_NAME]: "up" })) : undefined;
  }

  scrape(page: readonly MetricFamily[], atMs: number): void {
    if (this.#tooMuch(page)) return this.fail(atMs);
    this.#scrapes += 1;
    let place = 0;
    let seen = 0;
    for (const family of page) {
      for (const { labels, value } of family.samples) {
        const known = this.#find(family, labels, value, place);
        place += 1;
        if (known.seen !== this.#scrapes) seen += 1;
        known.seen = this.#scrapes;
        this.#append(known.series, value, atMs);
      }
    }
    if (seen < this.#known.size) this.#endUnseen(atMs);
    if (this.#up !== undefined) this.#store.append(this.#up, atMs, 1);
  }

  /** It did not answer, or not in time. */
  fail(atMs: number): void {
    this.#endAll(atMs);
    if (this.#up !== undefined) this.#store.append(this.#up, atMs, 0);
  }

  /** It is gone; `atMs` is when its next scrape would have come. */
  end(atMs: number): void {
    this.#endAll(atMs);
    if (this.#up !== undefined) this.#store.end(this.#up, atMs);
  }

  /** Series that aren't wanted are counted as well: the real scrape has them. */
  #tooMuch(page: readonly MetricFamily[]): boolean {
    const { sampleLimit } = this.#rules;
    if (sampleLimit === undefined) return false;
    return page.reduce((count, { samples }) => count + samples.reduce(seriesIn, 0), 0) > sampleLimit;
  }

  #endUnseen(atMs: number): void {
    for (const [key, known] of this.#known) {
      if (known.seen === this.#scrapes) continue;
      this.#endSample(known, atMs);
      this.#known.delete(key);
    }
    this.#line = [];
  }

  #endAll(atMs: number): void {
    for (const known of this.#known.values()) this.#endSample(known, atMs);
    this.#known.clear();
    this.#line = [];
  }

  #endSample({ series }: KnownSample, atMs: number): void {
    for (const one of series) if (one !== undefined) this.#store.end(one, atMs);
  }

  /** @param place of the sample on its page */
  #find(
    family: MetricFamily,
    labels: MetricSample["labels"],
    value: MetricSample["value"],
    place: number,
  ): KnownSample {
    const last = this.#line[place];
    if (last !== undefined && last.family === family.name && hasLabels(last, labels)) return last;
    const key = keyOf(family.name, labels);
    let known = this.#known.get(key);
    if (known === undefined) {
      const series = this.#seriesOf(family, labels, value);
      known = { family: family.name, names: Object.keys(labels), values: Object.values(labels), series, seen: 0 };
      this.#known.set(key, known);
    }
    this.#line[place] = known;
    return known;
  }

  /** Buckets are cumulative; then come sum and count. */
  #append(series: KnownSample["series"], value: MetricSample["value"], atMs: number): void {
    if (typeof value === "number") return this.#put(series[0], atMs, value);
    const { counts, sum } = value;
    let below = 0;
    for (let i = 0; i < counts.length; i += 1) {
      below += counts[i] as number;
      this.#put(series[i], atMs, below);
    }
    this.#put(series[counts.length], atMs, sum);
    this.#put(series[counts.length + 1], atMs, below);
  }

  #put(series: Series | undefined, atMs: number, value: number): void {
    if (series !== undefined) this.#store.append(series, atMs, value);
  }

  #seriesOf(
    { name, type }: MetricFamily,
    labels: Readonly<Record<string, string>>,
    value: MetricSample["value"],
  ): KnownSample["series"] {
    if (typeof value === "number") return [this.#oneSeries(type === "counter" ? `${name}_total` : name, labels)];
    const { bounds } = value;
    const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound) =>
      this.#oneSeries(`${name}_bucket`, { ...labels, [BUCKET_LABEL]: openMetricsText(bound) }),
    );
    return [...buckets, this.#oneSeries(`${name}_sum`, labels), this.#oneSeries(`${name}_count`, labels)];
  }

  #oneSeries(name: string, own: Readonly<Record<string, string>>): Series | undefined {
    if (!this.#rules.wants(name)) return undefined;
    const labels = Labels.of({ ...this.#together(own), [METRIC_NAME]: name });
    const kept = this.#rules.relabel === undefined ? labels : this.#rules.relabel(labels);
    return kept === undefined ? undefined : this.#store.series(kept);
  }

  #together(own: Readonly<Record<string, string>>): Record<string, string> {
    if (this.#rules.honorLabels) return { ...this.#labels, ...own };
    const together: Record<string, string> = { ...this.#labels };
    for (const [name, value] of Object.entries(own)) {
      let free = name;
      while (this.#labels[free] !== undefined || (free !== name && own[free] !== undefined)) free = `exported_${free}`;
      together[free] = value;
    }
    return together;
  }
}

const seriesIn = (count: number, { value }: MetricSample): number =>
  count + (typeof value === "number" ? 1 : value.counts.length + 2);

/** In this order. */
const hasLabels = ({ names, values }: KnownSample, labels: MetricSample["labels"]): boolean => {
  let count = 0;
  for (const name in labels) {
    if (names[count] !== name || values[count] !== labels[name]) return false;
    count += 1;
  }
  return count === names.length;
};

const keyOf = (name: string, labels: Readonly<Record<string, string>>): string => {
  let key = name;
  for (const label in labels) key += `\u0000${label}\u0001${labels[label] as string}`;
  return key;
};
