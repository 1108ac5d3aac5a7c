import type { LengthHistogram, ObservedClass, ObservedNotes, ObservedStep } from "./observed-step.ts";
import { boundsDiffer, pooled } from "./pooled-lengths.ts";
import type { TrafficFamilies } from "./production.ts";

/** A series as Prometheus has it: its labels with `__name__`, and raw samples in order of time, in Unix seconds. */
export interface RawSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [unixSeconds: number, value: number])[];
}

export interface FoldOptions {
  readonly families: TrafficFamilies;
  /** Unix seconds at which the first step begins. */
  readonly startSeconds: number;
  readonly stepSeconds: number;
  /** Models whose requests are wanted; requests of others are left out, and counted. Left out: of all. */
  readonly models?: readonly string[];
}

/** After so long without a sample Prometheus itself takes a series for gone (its lookback). */
const GAP_SECONDS = 300;
/** Labels that split one target's count, and say nothing of the target. */
const SPLITTING = [
  "__name__",
  "le",
  "finished_reason",
  "streaming",
  "response_code",
  "error_code",
  "envoy_response_code",
];

/**
 * Turns raw samples into steps of traffic. Samples may come in pieces, as time goes on; a sample that came before is
 * passed over. What a counter rose by between two samples is spread evenly over the time between them. As in Prometheus'
 * own `increase`, a series' first sample tells nothing, and one below the sample before it is a restart from 0; nothing is
 * extrapolated.
 */
export class TrafficFold {
  readonly #options: FoldOptions;
  readonly #counters = new Map<string, { at: number; value: number }>();
  readonly #arrivals = new Map<string, Arrivals>();
  readonly #open = new Map<number, Map<string, OpenClass>>();
  readonly #covered = new Map<number, Map<string, number>>();
  readonly #targets = new Set<string>();
  readonly #otherModels = new Map<string, number>();
  readonly #withoutInf = new Set<string>();
  #closed = 0;
  #resets = 0;
  #gaps = 0;
  #badSamples = 0;
  #late = 0;
  #mixedBounds = false;

  constructor(options: FoldOptions) {
    this.#options = options;
  }

  get notes(): ObservedNotes {
    return {
      targets: this.#targets.size,
      resets: this.#resets,
      gaps: this.#gaps,
      badSamples: this.#badSamples,
      withoutInf: this.#withoutInf.size,
      mixedBounds: this.#mixedBounds,
      late: Math.round(this.#late),
    };
  }

  /** Requests of models that aren't wanted, by model; not whole where a scrape crossed a step's end. */
  get otherModels(): ReadonlyMap<string, number> {
    return this.#otherModels;
  }

  add(series: readonly RawSeries[]): void {
    const { families } = this.#options;
    const sound = series.map((one) => this.#sound(one));
    this.#addArrivals(sound.filter(({ labels }) => isOf(labels, [families.requests, ...families.underWay])));
    for (const [name, which] of [
      [families.prompts, "prompts"],
      [families.outputs, "outputs"],
    ] as const) {
      if (name !== undefined) this.#addLengths(name, which, sound);
    }
    for (const [name, which] of [
      [families.queried, "queried"],
      [families.found, "found"],
    ] as const) {
      for (const one of sound.filter(({ labels }) => name !== undefined && labels["__name__"] === name)) {
        this.#rises(one, textOf(one.labels), (step, amount) => {
          const open = this.#openClass(step, one.labels);
          if (open !== undefined) open[which] += amount;
        });
      }
    }
  }

  /** Closes every step that ends at or before `untilSeconds`: what comes to be known of it later is left out. */
  take(untilSeconds: number): ObservedStep[] {
    const { startSeconds, stepSeconds } = this.#options;
    const steps: ObservedStep[] = [];
    for (; startSeconds + (this.#closed + 1) * stepSeconds <= untilSeconds + 1e-3; this.#closed += 1) {
      const classes = [...(this.#open.get(this.#closed) ?? [])].flatMap(([, open]) => this.#close(open));
      classes.sort((a, b) => (a.name < b.name ? -1 : 1));
      const covered = Math.max(0, ...(this.#covered.get(this.#closed)?.values() ?? []));
      const coverage = Math.min(1, covered / stepSeconds);
      steps.push({ fromMicros: Math.round(this.#closed * stepSeconds * 1e6), classes, coverage });
      this.#open.delete(this.#closed);
      this.#covered.delete(this.#closed);
    }
    return steps;
  }

  #sound({ labels, points }: RawSeries): RawSeries {
    const good = points.filter(([, value]) => Number.isFinite(value) && value >= 0);
    this.#badSamples += points.length - good.length;
    return { labels, points: good };
  }

  // ---- arrivals

  /** By target: samples of one scrape have one instant, and belong together. */
  #addArrivals(series: readonly RawSeries[]): void {
    const { families } = this.#options;
    const targets = new Map<string, RawSeries[]>();
    for (const one of series) {
      const key = targetOf(one.labels);
      const same = targets.get(key);
      if (same === undefined) targets.set(key, [one]);
      else same.push(one);
    }
    for (const [key, own] of targets) {
      const state = this.#arrivals.get(key) ?? new Arrivals();
      this.#arrivals.set(key, state);
      const [labels] = own.map((one) => one.labels) as [RawSeries["labels"]];
      for (const { at, ended, underWay } of scrapesOf(own, families)) {
        if (at <= state.at) continue;
        const from = state.at;
        const { amount, reset } = state.next(at, ended, underWay);
        if (from === Number.NEGATIVE_INFINITY) continue;
        this.#targets.add(key);
        if (reset) this.#resets += 1;
        if (at - from > GAP_SECONDS) this.#gaps += 1;
        this.#spread(from, at, amount, (step, part) => {
          const open = this.#openClass(step, labels, part);
          if (open !== undefined) open.requests += part;
        });
        this.#late += amount * this.#lateShare(from, at);
        this.#cover(key, from, at);
      }
    }
  }

  /** A step is covered as far as the samples of one target reach over it; a gap is no cover. */
  #cover(target: string, from: number, to: number): void {
    if (to - from > GAP_SECONDS) return;
    this.#spread(from, to, to - from, (step, seconds) => {
      const covered = this.#covered.get(step) ?? new Map<string, number>();
      this.#covered.set(step, covered);
      covered.set(target, (covered.get(target) ?? 0) + seconds);
    });
  }

  // ---- lengths

  #addLengths(name: string, which: "prompts" | "outputs", series: readonly RawSeries[]): void {
    const targets = new Map<string, { buckets: RawSeries[]; sum?: RawSeries; count?: RawSeries }>();
    for (const one of series) {
      const part = one.labels["__name__"]?.startsWith(`${name}_`) ? one.labels["__name__"].slice(name.length + 1) : "";
      if (part !== "bucket" && part !== "sum" && part !== "count") continue;
      const key = targetOf(one.labels);
      const own = targets.get(key) ?? { buckets: [] };
      targets.set(key, own);
      if (part === "bucket") own.buckets.push(one);
      else own[part] = one;
    }
    for (const { buckets, sum, count } of targets.values()) this.#addHistogram(which, buckets, sum, count);
  }

  #addHistogram(
    which: "prompts" | "outputs",
    buckets: readonly RawSeries[],
    sum: RawSeries | undefined,
    count: RawSeries | undefined,
  ): void {
    const finite = buckets
      .map((one) => ({ one, bound: Number(one.labels["le"]) }))
      .filter(({ bound, one }) => Number.isFinite(bound) && one.labels["le"] !== "")
      .sort((a, b) => a.bound - b.bound);
    const bounds = finite.map(({ bound }) => bound);
    const infinite = buckets.find(({ labels }) => labels["le"] === "+Inf");
    if (bounds.length === 0) return;
    const [first] = finite.map(({ one }) => one) as [RawSeries];
    const key = `${which} ${textOf(first.labels)} ${bounds.join(",")}`;
    if (infinite === undefined) this.#withoutInf.add(key);
    const total = infinite ?? count;
    const parts = [...finite.map(({ one }) => one), ...(total === undefined ? [] : [total])];
    const place = (step: number): OpenHistogram | undefined => {
      const open = this.#openClass(step, first.labels);
      if (open === undefined) return undefined;
      const known = open[which].get(key) ?? new OpenHistogram(bounds);
      open[which].set(key, known);
      return known;
    };
    parts.forEach((one, i) => {
      this.#rises(one, `${key} ${i}`, (step, amount) => place(step)?.rise(i, amount));
    });
    if (sum !== undefined) {
      this.#rises(sum, `${key} sum`, (step, amount) => place(step)?.add(amount));
    }
  }

  // ---- counters and steps

  #rises(series: RawSeries, key: string, tell: (step: number, amount: number) => void): void {
    for (const [at, value] of series.points) {
      const before = this.#counters.get(key);
      if (before !== undefined && at <= before.at) continue;
      this.#counters.set(key, { at, value });
      if (before === undefined) continue;
      const rise = value < before.value ? value : value - before.value;
      if (rise > 0) this.#spread(before.at, at, rise, tell);
    }
  }

  /** Hands each step its part of what came between two instants; of steps that are closed, nothing. */
  #spread(from: number, to: number, amount: number, tell: (step: number, part: number) => void): void {
    const { startSeconds, stepSeconds } = this.#options;
    const first = Math.max(this.#closed, Math.floor((from - startSeconds) / stepSeconds));
    const last = Math.ceil((to - startSeconds) / stepSeconds);
    for (let step = first; step < last; step += 1) {
      const start = Math.max(from, startSeconds + step * stepSeconds);
      const end = Math.min(to, startSeconds + (step + 1) * stepSeconds);
      if (end > start) tell(step, (amount * (end - start)) / (to - from));
    }
  }

  /** Share of the time between two instants that lies in steps which are closed already. */
  #lateShare(from: number, to: number): number {
    const { startSeconds, stepSeconds } = this.#options;
    const closed = startSeconds + this.#closed * stepSeconds;
    return Math.max(0, Math.min(to, closed) - Math.max(from, startSeconds)) / (to - from);
  }

  #openClass(step: number, labels: RawSeries["labels"], requests = 0): OpenClass | undefined {
    const { families, models } = this.#options;
    const model = families.model.map((label) => labels[label] ?? "").find((value) => value !== "");
    if (models !== undefined && model !== undefined && !models.includes(model)) {
      if (requests > 0) this.#otherModels.set(model, (this.#otherModels.get(model) ?? 0) + requests);
      return undefined;
    }
    // Lengths and hits that an engine tells for a gateway bear no priority: they are of the model as a whole.
    const priority = families.priority === undefined ? undefined : labels[families.priority];
    const name = `${model ?? "all"}${priority === undefined ? "" : `/priority=${priority}`}`;
    const classes = this.#open.get(step) ?? new Map<string, OpenClass>();
    this.#open.set(step, classes);
    const known = classes.get(name) ?? openClass(name, model, priority);
    classes.set(name, known);
    return known;
  }

  #close({ name, model, priority, requests, prompts, outputs, queried, found }: OpenClass): readonly ObservedClass[] {
    const lengths = (which: OpenClass["prompts"]): LengthHistogram | undefined => {
      const all = [...which.values()].map((open) => open.value()).filter(({ counts }) => counts.some((n) => n > 0));
      if (boundsDiffer(all)) this.#mixedBounds = true;
      return pooled(all);
    };
    const [prompt, output] = [lengths(prompts), lengths(outputs)];
    if (requests <= 0 && prompt === undefined && output === undefined && queried <= 0) return [];
    return [
      {
        name,
        ...(model === undefined ? {} : { model }),
        ...(priority === undefined || !/^-?\d+$/.test(priority) ? {} : { priority: Number(priority) }),
        requests,
        ...(prompt === undefined ? {} : { prompts: prompt }),
        ...(output === undefined ? {} : { outputs: output }),
        ...(queried > 0 ? { prefix: { queried, found: Math.min(found, queried) } } : {}),
      },
    ];
  }
}

interface OpenClass {
  readonly name: string;
  readonly model: string | undefined;
  readonly priority: string | undefined;
  requests: number;
  readonly prompts: Map<string, OpenHistogram>;
  readonly outputs: Map<string, OpenHistogram>;
  queried: number;
  found: number;
}

const openClass = (name: string, model: string | undefined, priority: string | undefined): OpenClass => ({
  name,
  model,
  priority,
  requests: 0,
  prompts: new Map(),
  outputs: new Map(),
  queried: 0,
  found: 0,
});

/** Cumulative counts of one target's buckets within a step. */
class OpenHistogram {
  readonly #bounds: readonly number[];
  readonly #cumulative: Float64Array;
  #sum: number | undefined;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#cumulative = new Float64Array(bounds.length + 1);
  }

  rise(bucket: number, amount: number): void {
    this.#cumulative[bucket] = (this.#cumulative[bucket] as number) + amount;
  }

  add(amount: number): void {
    this.#sum = (this.#sum ?? 0) + amount;
  }

  /** A bucket that fell behind the one below it (a torn scrape, a sample that was left out) is lifted to it, as histogram_quantile does. */
  value(): LengthHistogram {
    let below = 0;
    const counts = [...this.#cumulative].map((upTo) => {
      const count = Math.max(0, upTo - below);
      below += count;
      // Rounding when parts are spread leaves crumbs.
      return count < 1e-9 ? 0 : count;
    });
    return { bounds: this.#bounds, counts, sum: this.#sum };
  }
}

/** Arrivals at one target: its requests that ended and those under way, together. */
class Arrivals {
  at = Number.NEGATIVE_INFINITY;
  #ended = 0;
  #most = 0;

  /** @returns how many arrived since the last scrape */
  next(at: number, ended: number, underWay: number): { amount: number; reset: boolean } {
    const reset = ended < this.#ended;
    const total = ended + underWay;
    // A count that falls although none ended (an abort that isn't counted) is made up for before more are told.
    const amount = reset ? total : Math.max(0, total - this.#most);
    this.#most = reset ? total : Math.max(this.#most, total);
    this.#ended = ended;
    this.at = at;
    return { amount, reset };
  }
}

interface ScrapeCount {
  readonly at: number;
  readonly ended: number;
  readonly underWay: number;
}

/** A scrape that lacks one of the target's series (a sample that was no number) is passed over: its sum would be a fall. */
const scrapesOf = (own: readonly RawSeries[], { requests }: TrafficFamilies): readonly ScrapeCount[] => {
  const scrapes = new Map<number, { ended: number; underWay: number; of: number }>();
  for (const { labels, points } of own) {
    for (const [at, value] of points) {
      const scrape = scrapes.get(at) ?? { ended: 0, underWay: 0, of: 0 };
      scrapes.set(at, scrape);
      if (labels["__name__"] === requests) scrape.ended += value;
      else scrape.underWay += value;
      scrape.of += 1;
    }
  }
  const begins = own.map(({ points }) => points[0]?.[0] ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  return [...scrapes]
    .map(([at, { of, ...counts }]) => ({ at, of, ...counts }))
    .sort((a, b) => a.at - b.at)
    .filter(({ at, of }) => of >= begins.filter((begin) => begin <= at).length)
    .map(({ at, ended, underWay }) => ({ at, ended, underWay }));
};

const isOf = (labels: RawSeries["labels"], names: readonly string[]): boolean =>
  names.includes(labels["__name__"] ?? "");

const targetOf = (labels: RawSeries["labels"]): string =>
  Object.keys(labels)
    .filter((name) => !SPLITTING.includes(name))
    .sort()
    .map((name) => `${name}=${labels[name]}`)
    .join(",");

const textOf = (labels: RawSeries["labels"]): string =>
  `${labels["__name__"]}{${targetOf(labels)},${labels["finished_reason"] ?? ""}}`;
