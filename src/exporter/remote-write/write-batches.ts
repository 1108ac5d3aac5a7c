import type { MetricFamily, MetricSample } from "../../model/metric-family.ts";
import { floatText } from "../float-text.ts";
import type { WriteBatch, WrittenPoint, WrittenSeries } from "./write-batch.ts";

/** Prometheus' own `max_samples_per_send` (3.15). */
const MOST_SAMPLES = 2000;
/** What is held before it is cut: so that a request has several samples of a series, and its labels once. */
const HELD_SAMPLES = 100_000;
/** Prometheus takes no sample older than half a block (an hour) behind its newest; requests stay well within that. */
const HELD_MILLIS = 300_000;

interface Open {
  readonly labels: readonly string[];
  readonly type: MetricFamily["type"];
  readonly help: string;
  points: WrittenPoint[];
}

/** The series of one labelset: one, or those of a histogram's buckets, count and sum. */
interface Slot {
  readonly series: readonly Open[];
  /** When it was seen last. */
  atMillis: number;
}

/** Families at instant after instant, cut into requests of remote write. A series that is there no more gets a stale marker. */
export class WriteBatches {
  readonly #slots = new Map<string, Slot>();
  #ready: WriteBatch[] = [];
  #held = 0;
  #sinceMillis: number | undefined;
  #lastMillis = 0;

  /** Whether there are requests to be taken. */
  get ready(): boolean {
    return this.#ready.length > 0;
  }

  /** @param atMillis Unix milliseconds, later than those before */
  add(families: Iterable<MetricFamily>, atMillis: number): void {
    this.#sinceMillis ??= atMillis;
    this.#lastMillis = atMillis;
    for (const family of families) for (const sample of family.samples) this.#record(family, sample, atMillis);
    // What has ended is forgotten once its last points are cut.
    for (const slot of this.#slots.values()) if (slot.atMillis !== atMillis) this.#endSeries(slot, atMillis);
    if (this.#held >= HELD_SAMPLES || atMillis - this.#sinceMillis >= HELD_MILLIS) this.#cut();
  }

  /** Nothing comes any more: all series end, `afterMillis` behind their last sample. */
  end(afterMillis: number): void {
    for (const slot of this.#slots.values()) this.#endSeries(slot, this.#lastMillis + afterMillis);
    this.#cut();
    this.#slots.clear();
  }

  /** Requests that are whole, in the order in which they have to be sent. */
  take(): readonly WriteBatch[] {
    const taken = this.#ready;
    this.#ready = [];
    return taken;
  }

  #record(family: MetricFamily, { labels, value }: MetricSample, atMillis: number): void {
    const key = family.name + JSON.stringify(labels);
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { series: seriesOf(family, labels, value), atMillis };
      this.#slots.set(key, slot);
    }
    slot.atMillis = atMillis;
    const values = valuesOf(value);
    slot.series.forEach(({ points }, i) => points.push([atMillis, values[i] as number]));
    this.#held += values.length;
  }

  #endSeries({ series }: Slot, atMillis: number): void {
    for (const { points } of series) {
      if (points.at(-1)?.[1] === null) continue;
      points.push([atMillis, null]);
      this.#held += 1;
    }
  }

  #cut(): void {
    let batch: WrittenSeries[] = [];
    let room = MOST_SAMPLES;
    const close = (): void => {
      if (batch.length > 0) this.#ready.push(batch);
      batch = [];
      room = MOST_SAMPLES;
    };
    for (const [key, slot] of this.#slots) {
      for (const one of slot.series) {
        const { points, ...series } = one;
        for (let from = 0; from < points.length; ) {
          const part = points.slice(from, from + room);
          batch.push({ ...series, points: part });
          room -= part.length;
          from += part.length;
          if (room === 0) close();
        }
        one.points = [];
      }
      if (slot.atMillis !== this.#lastMillis) this.#slots.delete(key);
    }
    close();
    this.#held = 0;
    this.#sinceMillis = undefined;
  }
}

const valuesOf = (value: MetricSample["value"]): readonly number[] => {
  if (typeof value === "number") return [value];
  let below = 0;
  const buckets = value.counts.map((count) => {
    below += count;
    return below;
  });
  return [...buckets, below, value.sum];
};

const seriesOf = (
  { name, type, help }: MetricFamily,
  labels: MetricSample["labels"],
  value: MetricSample["value"],
): readonly Open[] => {
  const open = (suffix: string, more: Readonly<Record<string, string>> = {}): Open => ({
    labels: sorted({ ...labels, ...more, __name__: name + suffix }),
    type,
    help,
    points: [],
  });
  if (typeof value === "number") return [open(type === "counter" ? "_total" : "")];
  const bounds = [...value.bounds, Number.POSITIVE_INFINITY];
  return [...bounds.map((bound) => open("_bucket", { le: floatText(bound) })), open("_count"), open("_sum")];
};

/** By code units, as Go compares strings of ASCII; to Prometheus a label without a value is none. */
const sorted = (labels: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(labels)
    .filter(([, value]) => value !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flat();
