import type { MetricFamily, MetricSample } from "../model/metric-family.ts";

/** One labelset of a family, over time. */
export interface RecordedSeries {
  readonly labels: MetricSample["labels"];
  /** Unix milliseconds, ascending, and the value then. */
  readonly points: { readonly atMillis: number; readonly value: MetricSample["value"] }[];
}

export interface RecordedFamily extends Pick<MetricFamily, "name" | "type" | "help"> {
  readonly series: Iterable<RecordedSeries>;
}

interface Recorded {
  readonly family: MetricFamily;
  readonly series: Map<string, RecordedSeries>;
}

/** Families as they were at several instants, put in order by series: what formats ask for that tell one series after the other. */
export class History {
  readonly #families = new Map<string, Recorded>();
  #samples = 0;

  /** Single values that are held: of a histogram its buckets, sum and count. */
  get samples(): number {
    return this.#samples;
  }

  /** @param atMillis Unix milliseconds, later than those before */
  add(families: Iterable<MetricFamily>, atMillis: number): void {
    for (const family of families) {
      let recorded = this.#families.get(family.name);
      if (recorded === undefined) {
        recorded = { family, series: new Map() };
        this.#families.set(family.name, recorded);
      }
      for (const { labels, value } of family.samples) {
        const key = JSON.stringify(labels);
        let series = recorded.series.get(key);
        if (series === undefined) {
          series = { labels, points: [] };
          recorded.series.set(key, series);
        }
        series.points.push({ atMillis, value });
        this.#samples += typeof value === "number" ? 1 : value.counts.length + 2;
      }
    }
  }

  *families(): Generator<RecordedFamily> {
    for (const { family, series } of this.#families.values()) {
      const { name, type, help } = family;
      yield { name, type, help, series: series.values() };
    }
  }
}
