import { FaultPlan } from "../controlplane/faults/fault-plan.ts";
import { nextScrape } from "../controlplane/metrics/scrape-schedule.ts";
import type { MonitoringServer, QueryAnswer, SeriesAnswer } from "../controlplane/monitoring-server.ts";
import { madeOnce } from "../model/made-once.ts";
import type { MetricFamily } from "../model/metric-family.ts";
import { type Answer, type Expr, type Labels, type Prepared, prepare, RuleGroup, Store } from "../promql/index.ts";
import { isInstant } from "../promql/reach.ts";
import { type ScrapeRules, ScrapeTarget } from "../promql/scrape-target.ts";
import { invariant } from "../sim/invariant.ts";
import { instant, type Micros, micros, NEVER, type SimTime } from "../sim/time.ts";
import { ReadSeries } from "./read-series.ts";
import type { MetricsScenario } from "./scenario.ts";

/** What a target shows when it is scraped: families without the labels that the scrape adds, those at least that are read. */
export type Page = (reads: ReadSeries) => readonly MetricFamily[];

export interface TargetSaid {
  /** That the scrape adds. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether a label of the page goes before one of the target's. */
  readonly honorLabels?: boolean;
  readonly page: Page;
  /** Left out: the world's. */
  readonly interval?: Micros;
  readonly relabel?: (labels: Labels) => Labels | undefined;
  readonly sampleLimit?: number;
}

interface Target {
  readonly interval: Micros;
  readonly labels: Readonly<Record<string, string>>;
  readonly rules: Omit<ScrapeRules, "wants">;
  page: Page;
  readonly scraped: ScrapeTarget;
  /** The same target without lag, for those who compare. */
  true: ScrapeTarget;
  gone: boolean;
}

/** For pages that are wanted whole. */
const readEverything = madeOnce(() => new ReadSeries(['{__name__!=""}']));

/** Queries kept with what they have found out: those of a loop that asks the same each period. */
const MOST_PREPARED = 512;

/**
 * The Prometheus server of a world: targets that are scraped at their own phase of the interval, and instant queries over
 * what was scraped. Only series that somebody's queries read are kept. Times are milliseconds of Unix time, of which the
 * world's start is 0 if nobody says otherwise.
 */
export class Monitoring implements MonitoringServer {
  readonly #faults: FaultPlan;
  readonly #startMs: number;
  readonly #interval: Micros;
  readonly #lookBackMs: number;
  /** What is kept of the scrapes. */
  readonly reads: ReadSeries;
  readonly #store: Store;
  readonly #trueStore: Store;
  /** What all that was asked of the truth so far reads. */
  readonly #trueReads = new ReadSeries();
  /** Queries that are among it. */
  readonly #trulyRead = new WeakSet<Expr>();
  readonly #rules: readonly RuleGroup[];
  readonly #targets = new Map<string, Target>();
  readonly #prepared = new Map<string, Prepared>();
  readonly #preparedTrue = new Map<string, Prepared>();

  /** @param queries all that will ever be asked, or selectors of what they will read */
  constructor(
    { scrapeIntervalMicros, lookBackMicros, startUnixSeconds = 0, ruleGroups = [] }: MetricsScenario,
    queries: readonly string[],
    faults: FaultPlan = new FaultPlan(),
  ) {
    this.#faults = faults;
    this.#startMs = Math.floor(startUnixSeconds * 1000);
    this.#interval = micros(scrapeIntervalMicros);
    this.#lookBackMs = lookBackMicros / 1000;
    this.reads = new ReadSeries([...queries, ...ruleGroups.flatMap(({ rules }) => rules.map(({ expr }) => expr))]);
    const offsetMs = Math.max(0, ...ruleGroups.map(({ queryOffsetMs }) => queryOffsetMs));
    this.#store = new Store({ retentionMs: this.#lookBackMs + this.reads.reachMs + offsetMs });
    this.#rules = ruleGroups.map((group) => new RuleGroup(group, this.#store, { lookBackMs: this.#lookBackMs }));
    this.#trueStore = new Store({ retentionMs: this.#lookBackMs });
  }

  /** Series that are kept. */
  get size(): number {
    return this.#store.size;
  }

  /** @returns when it is scraped first; NEVER where it was gone for less than a scrape: then its scrapes go on */
  join(name: string, said: TargetSaid, now: SimTime): SimTime {
    const { labels, page, honorLabels = false, interval = this.#interval, relabel, sampleLimit } = said;
    const before = this.#targets.get(name);
    // All series of a page count towards the limit, those that nobody reads too.
    const shown: Page = sampleLimit === undefined ? page : () => page(readEverything());
    if (before !== undefined) {
      before.page = shown;
      before.gone = false;
      return NEVER;
    }
    const rules = {
      honorLabels,
      ...(relabel === undefined ? {} : { relabel }),
      ...(sampleLimit === undefined ? {} : { sampleLimit }),
    };
    this.#targets.set(name, {
      labels,
      rules,
      page: shown,
      interval,
      scraped: new ScrapeTarget(this.#store, labels, { ...rules, wants: this.reads.wants }),
      true: new ScrapeTarget(this.#trueStore, labels, { ...rules, wants: this.#trueReads.wants }),
      gone: false,
    });
    return nextScrape(name, now, interval);
  }

  /** The target is gone: its series end when its next scrape would have come. */
  leave(name: string): void {
    const target = this.#targets.get(name);
    if (target !== undefined) target.gone = true;
  }

  /** @returns when it is scraped next; undefined: never again */
  scrape(name: string, now: SimTime): SimTime | undefined {
    const target = this.#targets.get(name);
    if (target === undefined) return undefined;
    const fate = this.#faults.scrape(target.labels, now);
    if (target.gone) {
      // A server that is away itself sets no markers: what it stored is seen for the look-back.
      if (fate !== "missed") target.scraped.end(this.#ms(now));
      target.true.end(this.#ms(now));
      this.#targets.delete(name);
      return undefined;
    }
    if (fate === "failed") target.scraped.fail(this.#ms(now));
    if (fate === undefined) {
      target.scraped.scrape(this.#faults.shown(name, target.page(this.reads), now), this.#ms(now));
    }
    return nextScrape(name, now, target.interval);
  }

  /** @returns when each group of rules is evaluated first */
  firstRules(now: SimTime): readonly SimTime[] {
    return this.#rules.map((group) => this.#instantOf(group.next(this.#ms(now))));
  }

  /** Evaluates a group of rules. @returns when it is evaluated next */
  evaluateRules(index: number, now: SimTime): SimTime {
    const group = this.#rules[index];
    invariant(group !== undefined, "a group of rules of this world");
    // A server that can't be reached is taken to be down.
    if (this.#faults.answer(now)?.why !== "unreachable") group.evaluate(this.#ms(now));
    return this.#instantOf(group.next(this.#ms(now)));
  }

  query(text: string, now: SimTime): QueryAnswer {
    const failure = this.#faults.answer(now);
    return failure ?? answered(this.#ask(text, this.#store, this.#prepared, this.#lookBackMs), this.#ms(now));
  }

  series(selectors: readonly string[], within: Micros, now: SimTime): SeriesAnswer {
    // Each series has one object for its labels, however often it is found.
    const found = new Set<Readonly<Record<string, string>>>();
    for (const selector of selectors) {
      // Any sample within the range, whatever came after it.
      const answer = this.query(`last_over_time(${selector}[${Math.max(1, Math.round(within / 1000))}ms])`, now);
      if (!answer.ok) return answer;
      for (const { labels } of answer.elements) found.add(labels);
    }
    return { ok: true, series: [...found] };
  }

  /**
   * What the queries would answer if nothing came late: every target is asked at `now`, for what they read. Those that look
   * back refuse, since what they average over time has no value of one instant. Whoever asks for an earlier instant, as KEDA
   * does for the full second, is told of `now`.
   */
  truth(now: SimTime): MonitoringServer {
    let shown = false;
    return {
      query: (text) => {
        const prepared = this.#ask(text, this.#trueStore, this.#preparedTrue, 1);
        if (!prepared.ok) return refused(prepared.message);
        const { expr } = prepared.query;
        if (!isInstant(expr)) return refused("it looks back over time");
        const isNew = !this.#trulyRead.has(expr) && this.#readTruly(expr);
        if (isNew || !shown) this.#showTruth(now);
        shown = true;
        return answered(prepared, this.#ms(now));
      },
      series: (selectors, within, at) => this.series(selectors, within, at),
    };
  }

  /** Targets are asked for it from now on. @returns whether they weren't before */
  #readTruly(query: Expr): boolean {
    this.#trulyRead.add(query);
    if (!this.#trueReads.add(query)) return false;
    const { wants } = this.#trueReads;
    for (const target of this.#targets.values())
      target.true = new ScrapeTarget(this.#trueStore, target.labels, { ...target.rules, wants });
    return true;
  }

  #showTruth(now: SimTime): void {
    for (const target of this.#targets.values()) {
      if (target.gone) target.true.end(this.#ms(now));
      else target.true.scrape(target.page(this.#trueReads), this.#ms(now));
    }
  }

  /** Unix time, of which Prometheus keeps milliseconds. */
  #ms(at: SimTime): number {
    return this.#startMs + Math.floor(at / 1000);
  }

  #instantOf(unixMs: number): SimTime {
    return instant((unixMs - this.#startMs) * 1000);
  }

  #ask(text: string, store: Store, kept: Map<string, Prepared>, lookBackMs: number): Prepared {
    let prepared = kept.get(text);
    if (prepared === undefined) {
      prepared = prepare(text, store, { lookBackMs });
      const [oldest] = kept.keys();
      if (kept.size >= MOST_PREPARED && oldest !== undefined) kept.delete(oldest);
      kept.set(text, prepared);
    }
    return prepared;
  }
}

const refused = (message: string): QueryAnswer & { ok: false } => ({ ok: false, why: "refused", message });

const answered = (prepared: Prepared, atMs: number): QueryAnswer => {
  if (!prepared.ok) return refused(prepared.message);
  const answer: Answer = prepared.query.instant(atMs);
  if (!answer.ok) return refused(answer.message);
  const { value } = answer;
  switch (value.kind) {
    case "scalar":
      return { ok: true, type: "scalar", elements: [{ labels: {}, value: value.value }] };
    case "vector":
      return {
        ok: true,
        type: "vector",
        elements: value.samples.map(({ labels, value: one }) => ({ labels: labels.record(), value: one })),
      };
    default:
      return refused(`it gives a ${value.kind}, neither a scalar nor a vector`);
  }
};
