import type { Fact, PodPhase } from "../model/fact.ts";
import type { MetricFamily } from "../model/metric-family.ts";
import type { Outcome, Request } from "../model/request.ts";
import { elapsed, instant, type SimTime, START, toSeconds } from "../sim/time.ts";
import { EngineTotals } from "./engine-totals.ts";
import { Level } from "./level.ts";
import type { Kpis, Report, ScaleEvent, Timeline } from "./report.ts";
import { QuantileSketch } from "./sketch.ts";
import { summaryOf, summaryOfHistogram } from "./summary.ts";
import { TimelineFold } from "./timeline-fold.ts";
import type { ReplicaView, WorldView } from "./world-view.ts";

export interface FoldOptions {
  /** undefined: endless. */
  readonly horizonMicros: number | undefined;
  readonly warmUpMicros: number;
  /** GPUs of one replica, by name of the workload. */
  readonly gpusPerReplica: Readonly<Record<string, number>>;
}

/** What only the world knows about a run. */
export type Identity = Pick<Report, "scenario" | "seed" | "scenarioDigest" | "version" | "notes">;

const SCALE_EVENTS = 200;
type End = "completed" | "rejected" | "overloaded" | "timedOut" | "aborted";
const END_OF: Record<Outcome, End> = {
  stop: "completed",
  length: "completed",
  rejected: "rejected",
  overloaded: "overloaded",
  "timed-out": "timedOut",
  unroutable: "rejected",
  aborted: "aborted",
};

/**
 * Folds the facts of a run into KPIs and courses over time, in memory that grows neither with requests nor with time.
 *
 * KPIs leave the warm-up out: requests and their latencies belong to it if they arrived in it, so that
 * arrived = completed + rejected + overloaded + timed out + aborted + in flight; rates, replica-hours, tokens and preemptions by when they happened.
 * TTFT is of every request that got a first token; end-to-end time of completed ones; queue time of all that were
 * scheduled. Inter-token latencies are told by no fact: they come from the engines' histograms (`summaryOfHistogram`).
 * A replica is counted while it is ready; replica-hours and GPU-hours while it holds its GPUs, from being scheduled until gone.
 * The timeline has it all, warm-up too.
 */
export class ReportFold {
  readonly #options: FoldOptions;
  readonly #warmUp: SimTime;
  readonly #timeline: TimelineFold;
  #arrived = 0;
  readonly #ends: Record<End, number> = { completed: 0, rejected: 0, overloaded: 0, timedOut: 0, aborted: 0 };
  #completedSince = 0;
  readonly #ttft = new QuantileSketch();
  readonly #e2e = new QuantileSketch();
  readonly #queue = new QuantileSketch();
  /** Pods that are not gone, and whether they hold GPUs. */
  readonly #pods = new Map<string, { phase: PodPhase; holds: boolean }>();
  readonly #ready: Level;
  readonly #holding: Level;
  readonly #gpus: Level;
  #wanted = 0;
  readonly #retired = new EngineTotals();
  /** At the end of the warm-up. */
  #before: EngineTotals | undefined;
  #scaleUps = 0;
  #scaleDowns = 0;
  readonly #scaleEvents: ScaleEvent[] = [];

  constructor(options: FoldOptions) {
    this.#options = options;
    this.#warmUp = instant(options.warmUpMicros);
    this.#timeline = new TimelineFold(options.horizonMicros);
    this.#ready = new Level(this.#warmUp);
    this.#holding = new Level(this.#warmUp);
    this.#gpus = new Level(this.#warmUp);
    if (this.#warmUp === START) this.#before = new EngineTotals();
  }

  /** When `sample` is to be called next, after all else of that instant; NEVER after the horizon's. */
  get nextSample(): SimTime {
    const next = this.#timeline.nextLook;
    return this.#before === undefined ? (Math.min(next, this.#warmUp) as SimTime) : next;
  }

  /** Looks at the gauges, and at the counters where the warm-up ends. */
  sample(view: WorldView): void {
    const { now, replicas } = view;
    if (this.#before === undefined && now >= this.#warmUp) this.#before = this.#totals(view);
    this.#want(sum(view.workloads.map((workload) => workload.specReplicas)), now);
    const states = replicas.map((replica) => replica.state);
    this.#timeline.look(now, {
      waiting: sum(states.map((state) => state.waiting)),
      running: sum(states.map((state) => state.running)),
      kvUsageRatio: states.length === 0 ? 0 : sum(states.map((state) => state.kvUsage)) / states.length,
      generationTokens: this.#retired.generationTokens + sum(states.map((state) => state.counters.generationTokens)),
    });
  }

  /** The last state of a replica that ends, so that what it counted stays counted. */
  retire({ state }: ReplicaView): void {
    this.#retired.add(state);
  }

  tell(fact: Fact): void {
    switch (fact.kind) {
      case "arrived":
        this.#timeline.arrived(fact.at);
        if (this.#counts(fact.request)) this.#arrived += 1;
        return;
      case "refused":
        return this.#ended(fact.request, fact.outcome);
      case "first-token":
        return this.#firstToken(fact);
      case "finished":
        return this.#finished(fact.facts);
      case "pod":
        return this.#pod(fact);
      case "synced":
        return;
      case "scaled":
        return this.#scaled(fact);
      default:
        return fact satisfies never;
    }
  }

  /** @param view the world at the end, or as it is now; changes nothing */
  kpis(view: WorldView): Kpis {
    const { now } = view;
    const window = now > this.#warmUp ? toSeconds(elapsed(this.#warmUp, now)) : 0;
    const perSecond = (amount: number): number => (window === 0 ? 0 : amount / window);
    const totals = this.#totals(view);
    const engines = totals.since(this.#before ?? totals);
    const inFlightAtEnd = this.#arrived - sum(Object.values(this.#ends));
    return {
      requests: { arrived: this.#arrived, ...this.#ends, inFlightAtEnd },
      ttftSeconds: summaryOf(this.#ttft),
      itlSeconds: summaryOfHistogram(engines.interToken ?? { bounds: [], counts: [], sum: 0 }),
      e2eSeconds: summaryOf(this.#e2e),
      queueSeconds: summaryOf(this.#queue),
      requestsPerSecond: perSecond(this.#completedSince),
      promptTokensPerSecond: perSecond(engines.promptTokens),
      outputTokensPerSecond: perSecond(engines.generationTokens),
      prefixCacheHitRatio: engines.prefixQueries === 0 ? 0 : engines.prefixHits / engines.prefixQueries,
      preemptions: engines.preemptions,
      replicas: {
        min: this.#ready.min(now),
        mean: this.#ready.mean(now),
        max: this.#ready.max(now),
        atEnd: this.#ready.value,
      },
      scaleUps: this.#scaleUps,
      scaleDowns: this.#scaleDowns,
      replicaHours: this.#holding.area(now) / 3600,
      gpuHours: this.#gpus.area(now) / 3600,
    };
  }

  /** Changes nothing. */
  timeline(at: SimTime): Timeline {
    return this.#timeline.timeline(at);
  }

  report(identity: Identity, view: WorldView, families: readonly MetricFamily[]): Report {
    const kpis = this.kpis(view);
    const { inFlightAtEnd } = kpis.requests;
    const unfinished =
      inFlightAtEnd === 0
        ? []
        : [`${inFlightAtEnd} ${inFlightAtEnd === 1 ? "request was" : "requests were"} in flight at the end`];
    return {
      scenario: identity.scenario,
      seed: identity.seed,
      scenarioDigest: identity.scenarioDigest,
      version: identity.version,
      horizonSeconds: (this.#options.horizonMicros ?? view.now) / 1e6,
      warmUpSeconds: this.#options.warmUpMicros / 1e6,
      kpis,
      timeline: this.timeline(view.now),
      scaleEvents: [...this.#scaleEvents],
      notes: [...identity.notes, ...unfinished],
      families,
    };
  }

  #totals(view: WorldView): EngineTotals {
    return this.#retired.with(view.replicas.map((replica) => replica.state));
  }

  #counts(request: Request): boolean {
    return request.arrival >= this.#warmUp;
  }

  #ended(request: Request, outcome: Outcome): void {
    if (this.#counts(request)) this.#ends[END_OF[outcome]] += 1;
  }

  #firstToken({ at, request }: Extract<Fact, { kind: "first-token" }>): void {
    const ttft = toSeconds(elapsed(request.arrival, at));
    this.#timeline.firstToken(at, ttft);
    if (this.#counts(request)) this.#ttft.observe(ttft);
  }

  #finished({ request, outcome, queued, scheduled, end }: Extract<Fact, { kind: "finished" }>["facts"]): void {
    this.#ended(request, outcome);
    const completed = END_OF[outcome] === "completed";
    if (completed) {
      this.#timeline.completed(end);
      if (end >= this.#warmUp) this.#completedSince += 1;
    }
    if (!this.#counts(request)) return;
    if (completed) this.#e2e.observe(toSeconds(elapsed(request.arrival, end)));
    if (scheduled !== undefined) this.#queue.observe(toSeconds(elapsed(queued, scheduled)));
  }

  #pod({ at, workload, pod, phase }: Extract<Fact, { kind: "pod" }>): void {
    const before = this.#pods.get(pod) ?? { phase: "pending", holds: false };
    const holds =
      phase === "pulling" || phase === "starting" || phase === "ready" || (phase === "terminating" && before.holds);
    if (phase === "gone") this.#pods.delete(pod);
    else this.#pods.set(pod, { phase, holds });
    const held = Number(holds) - Number(before.holds);
    this.#holding.add(held, at);
    this.#gpus.add(held * (this.#options.gpusPerReplica[workload] ?? 0), at);
    this.#ready.add(Number(phase === "ready") - Number(before.phase === "ready"), at);
    this.#timeline.hold("replicasReady", this.#ready.value, at);
  }

  #scaled({ at, workload, from, to, by, reason }: Extract<Fact, { kind: "scaled" }>): void {
    this.#want(this.#wanted + to - from, at);
    if (at >= this.#warmUp) {
      if (to > from) this.#scaleUps += 1;
      if (to < from) this.#scaleDowns += 1;
    }
    if (this.#scaleEvents.length < SCALE_EVENTS) {
      this.#scaleEvents.push({ atSeconds: toSeconds(at), workload, from, to, by, reason });
    }
  }

  #want(replicas: number, at: SimTime): void {
    this.#wanted = replicas;
    this.#timeline.hold("replicasWanted", replicas, at);
  }
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
