import { elapsed, instant, NEVER, type SimTime, START, toSeconds } from "../sim/time.ts";
import type { Timeline, TimelineColumn } from "./report.ts";
import { QuantileSketch } from "./sketch.ts";

const MAX_BUCKETS = 360;
/** Looks at the engines' gauges per bucket; between two looks a gauge is taken to run straight. */
const LOOKS_PER_BUCKET = 4;
/** Bucket lengths that people can read off, in seconds. */
const READABLE = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
];
const ACCURACY = 0.01;

/** What the engines show at one instant, all of them together. */
export interface Gauges {
  readonly waiting: number;
  readonly running: number;
  /** Mean over the replicas that serve. */
  readonly kvUsageRatio: number;
  /** Tokens generated since the start, those of ended replicas too. */
  readonly generationTokens: number;
}

/** Columns that are integrals over time, divided by the length of the bucket at the end. */
const AREAS = [
  "replicasWanted",
  "replicasReady",
  "waiting",
  "running",
  "kvUsageRatio",
  "outputTokensPerSecond",
] as const;
type Area = (typeof AREAS)[number];
type Held = "replicasWanted" | "replicasReady";
type Counted = "arrivalsPerSecond" | "completionsPerSecond";

/**
 * Courses over time in at most 360 equal buckets. With a horizon, their length is a readable one; without, it starts
 * at a second and doubles whenever all are used, neighbours being merged: nothing is lost but resolution.
 */
export class TimelineFold {
  readonly #horizon: SimTime;
  #bucketMicros: number;
  readonly #areas: Record<Area, Float64Array>;
  readonly #counts: Record<Counted, Float64Array>;
  #ttft: (QuantileSketch | undefined)[] = [];
  readonly #levels: Record<Held, number> = { replicasWanted: 0, replicasReady: 0 };
  /** The bucket that the horizon cuts off; -1: there is no horizon. */
  readonly #last: number;
  /** The bucket asked for last, where the next instant mostly lies as well; its begin, and its end, which isn't in it. */
  #bucket = 0;
  #begins: number = NEVER;
  #ends: number = NEVER;
  #weighed = START;
  #looked: { at: SimTime; gauges: Gauges } | undefined;

  /** @param horizonMicros undefined: endless */
  constructor(horizonMicros: number | undefined) {
    this.#horizon = horizonMicros === undefined ? NEVER : instant(horizonMicros);
    this.#bucketMicros = horizonMicros === undefined ? 1e6 : bucketSecondsFor(horizonMicros / 1e6) * 1e6;
    this.#last = this.#horizon === NEVER ? -1 : Math.ceil(this.#horizon / this.#bucketMicros) - 1;
    const column = (): Float64Array => new Float64Array(MAX_BUCKETS);
    this.#areas = Object.fromEntries(AREAS.map((name) => [name, column()])) as Record<Area, Float64Array>;
    this.#counts = { arrivalsPerSecond: column(), completionsPerSecond: column() };
  }

  /** When `look` is to be called next: at once, four times per bucket, and at the horizon; NEVER after that. */
  get nextLook(): SimTime {
    if (this.#looked === undefined) return START;
    const { at } = this.#looked;
    if (at >= this.#horizon) return NEVER;
    const step = this.#bucketMicros / LOOKS_PER_BUCKET;
    return Math.min((Math.floor(at / step) + 1) * step, this.#horizon) as SimTime;
  }

  arrived(at: SimTime): void {
    this.#count(this.#counts.arrivalsPerSecond, at);
  }

  completed(at: SimTime): void {
    this.#count(this.#counts.completionsPerSecond, at);
  }

  firstToken(at: SimTime, ttftSeconds: number): void {
    const bucket = this.#bucketOf(at);
    let sketch = this.#ttft[bucket];
    if (sketch === undefined) {
      sketch = new QuantileSketch(ACCURACY);
      this.#ttft[bucket] = sketch;
    }
    sketch.observe(ttftSeconds);
  }

  /** These hold until they are set anew. */
  hold(name: Held, value: number, at: SimTime): void {
    this.#weigh(at);
    this.#levels[name] = value;
  }

  look(at: SimTime, gauges: Gauges): void {
    this.#weigh(at);
    const last = this.#looked;
    if (last !== undefined && at > last.at) {
      for (const name of ["waiting", "running", "kvUsageRatio"] as const) {
        this.#spread(name, last.at, at, (last.gauges[name] + gauges[name]) / 2);
      }
      const tokens = gauges.generationTokens - last.gauges.generationTokens;
      this.#spread("outputTokensPerSecond", last.at, at, tokens / toSeconds(elapsed(last.at, at)));
    }
    this.#looked = { at, gauges };
  }

  /** The buckets until `at`. The last one may be shorter; means of gauges in it reach to the last look. */
  timeline(at: SimTime): Timeline {
    const length = this.#bucketMicros;
    const count = Math.min(MAX_BUCKETS, Math.ceil(at / length));
    const buckets = Array.from({ length: count }, (_, i) => i);
    const end = (i: number, until: SimTime): SimTime =>
      Math.min((i + 1) * length, Math.max(until, i * length)) as SimTime;
    const rate = (name: Counted) =>
      buckets.map((i) => perSecond(this.#counts[name][i] as number, i * length, end(i, at)));
    const mean = (name: Area, until: SimTime, present: number) =>
      buckets.map((i) => {
        const to = end(i, until);
        return to > i * length ? perSecond(this.#areas[name][i] as number, i * length, to) : present;
      });
    const looked = this.#looked?.at ?? START;
    const gauges = this.#looked?.gauges;
    const columns: Record<TimelineColumn, readonly number[]> = {
      arrivalsPerSecond: rate("arrivalsPerSecond"),
      completionsPerSecond: rate("completionsPerSecond"),
      replicasWanted: mean("replicasWanted", this.#weighed, this.#levels.replicasWanted),
      replicasReady: mean("replicasReady", this.#weighed, this.#levels.replicasReady),
      waiting: mean("waiting", looked, gauges?.waiting ?? 0),
      running: mean("running", looked, gauges?.running ?? 0),
      kvUsageRatio: mean("kvUsageRatio", looked, gauges?.kvUsageRatio ?? 0),
      ttftMeanSeconds: buckets.map((i) => this.#ttft[i]?.mean ?? 0),
      ttftP50Seconds: buckets.map((i) => this.#ttft[i]?.quantile(0.5) ?? 0),
      ttftP99Seconds: buckets.map((i) => this.#ttft[i]?.quantile(0.99) ?? 0),
      outputTokensPerSecond: mean("outputTokensPerSecond", looked, 0),
    };
    return { bucketSeconds: length / 1e6, atSeconds: buckets.map((i) => (i * length) / 1e6), columns };
  }

  #count(column: Float64Array, at: SimTime): void {
    const bucket = this.#bucketOf(at);
    column[bucket] = (column[bucket] as number) + 1;
  }

  #weigh(at: SimTime): void {
    if (at <= this.#weighed) return;
    this.#spread("replicasWanted", this.#weighed, at, this.#levels.replicasWanted);
    this.#spread("replicasReady", this.#weighed, at, this.#levels.replicasReady);
    this.#weighed = at;
  }

  /** Adds `value` times seconds to the buckets that `from` to `to` touches. */
  #spread(name: Area, from: SimTime, to: SimTime, value: number): void {
    this.#bucketOf(to);
    let begin = from;
    while (begin < to) {
      const bucket = this.#bucketOf(begin);
      const bucketEnd = bucket === this.#last ? to : (((bucket + 1) * this.#bucketMicros) as SimTime);
      const end = Math.min(bucketEnd, to) as SimTime;
      this.#areas[name][bucket] = (this.#areas[name][bucket] as number) + value * toSeconds(elapsed(begin, end));
      begin = end;
    }
  }

  /** Clients see tokens a little later than the engine made them: what lies past the horizon belongs to the last bucket. */
  #bucketOf(at: SimTime): number {
    if (at >= this.#begins && at < this.#ends) return this.#bucket;
    if (this.#horizon === NEVER) while (at >= MAX_BUCKETS * this.#bucketMicros) this.#halve();
    const bucket = Math.floor(at / this.#bucketMicros);
    this.#bucket = this.#horizon === NEVER ? bucket : Math.min(this.#last, bucket);
    this.#begins = this.#bucket * this.#bucketMicros;
    this.#ends = this.#bucket === this.#last ? NEVER : this.#begins + this.#bucketMicros;
    return this.#bucket;
  }

  #halve(): void {
    for (const column of [...Object.values(this.#areas), ...Object.values(this.#counts)]) {
      for (let i = 0; i < MAX_BUCKETS; i += 1) {
        column[i] = i < MAX_BUCKETS / 2 ? (column[2 * i] as number) + (column[2 * i + 1] as number) : 0;
      }
    }
    this.#ttft = Array.from({ length: MAX_BUCKETS / 2 }, (_, i) => merged(this.#ttft[2 * i], this.#ttft[2 * i + 1]));
    this.#bucketMicros *= 2;
    this.#ends = 0;
  }
}

const bucketSecondsFor = (horizonSeconds: number): number => {
  const least = horizonSeconds / MAX_BUCKETS;
  return READABLE.find((length) => length >= least) ?? Math.ceil(least / 86_400) * 86_400;
};

const perSecond = (amount: number, fromMicros: number, toMicros: number): number =>
  toMicros > fromMicros ? (amount * 1e6) / (toMicros - fromMicros) : 0;

const merged = (a: QuantileSketch | undefined, b: QuantileSketch | undefined): QuantileSketch | undefined => {
  if (a === undefined || b === undefined) return a ?? b;
  a.merge(b);
  return a;
};
