import type { Fact, PodPhase, ServedFact } from "../model/fact.ts";
import type { MetricFamily } from "../model/metric-family.ts";
import type { Request } from "../model/request.ts";
import { invariant } from "../sim/invariant.ts";
import { elapsed, instant, type SimTime, START, toSeconds } from "../sim/time.ts";
import { LoopFold } from "./control-loop/loop-fold.ts";
import type { LoopSetup } from "./control-loop/loop-setup.ts";
import { SloMinutes } from "./control-loop/slo-minutes.ts";
import { StartUps } from "./control-loop/start-ups.ts";
import { DeniedPods } from "./denied-pods.ts";
import { EngineTotals } from "./engine-totals.ts";
import { findingsOf } from "./findings/index.ts";
import { GateFold } from "./gate-fold.ts";
import { GroupFold } from "./group-fold.ts";
import { Level } from "./level.ts";
import { type FoldedPool, NodeFold } from "./node-fold.ts";
import type { Role } from "./pool-fold.ts";
import { QueueMeans } from "./queue-means.ts";
import type { Kpis, Report, Saturation, ScaleEvent, Timeline } from "./report.ts";
import { Rollouts } from "./rollouts.ts";
import { SATURATION_DEFAULTS, SaturationFold, type SaturationOptions } from "./saturation/saturation-fold.ts";
import { QuantileSketch } from "./sketch.ts";
import type { SloTargets } from "./slo.ts";
import { summaryOf, summaryOfHistogram } from "./summary.ts";
import { END_OF, sloKpis } from "./tally.ts";
import { TimelineFold } from "./timeline-fold.ts";
import { Uncounted } from "./uncounted.ts";
import type { EngineRoom, Glance, ReplicaView, WorldView } from "./world-view.ts";

export interface FoldOptions {
  /** undefined: endless. */
  readonly horizonMicros: number | undefined;
  readonly warmUpMicros: number;
  /** GPUs of one replica, by name of the workload. */
  readonly gpusPerReplica: Readonly<Record<string, number>>;
  /** Targets by class; left out: none but the requests' own. */
  readonly slo?: Readonly<Record<string, SloTargets>>;
  /** Of workloads that compute prompts for others, or tokens after others. */
  readonly roles?: Readonly<Record<string, Role>>;
  readonly saturation?: SaturationOptions;
  readonly loops?: readonly LoopSetup[];
  /** Left out: no nodes are simulated. */
  readonly nodePools?: readonly FoldedPool[];
}

/** What only the world knows about a run. */
export type Identity = Pick<Report, "scenario" | "seed" | "scenarioDigest" | "version" | "startUnixSeconds" | "notes">;

const SCALE_EVENTS = 200;
/**
 * Folds the facts of a run into KPIs and courses over time, in memory that grows neither with requests nor with time.
 *
 * KPIs leave the warm-up out: requests and their latencies belong to it if they arrived in it, so that
 * arrived = completed + rejected + overloaded + timed out + aborted + shed + expired + in flight; rates, replica-hours, tokens and preemptions by when they happened.
 * TTFT is of every request that got a first token; end-to-end time of completed ones; queue time of all that were
 * scheduled. Inter-token latencies are told by no fact: they come from the engines' histograms (`summaryOfHistogram`).
 * A replica is counted while it is ready; replica-hours and GPU-hours while it holds its GPUs, from being scheduled until gone.
 * The timeline has it all, warm-up too.
 */
export class ReportFold {
  readonly #options: FoldOptions;
  readonly #uncounted = new Uncounted<ServedFact>((facts, size) => this.#countAll(facts, size));
  readonly #warmUp: SimTime;
  readonly #timeline: TimelineFold;
  readonly #groups: GroupFold;
  readonly #gate = new GateFold();
  readonly #nodes: NodeFold | undefined;
  readonly #saturation: SaturationFold;
  readonly #queueMeans = new QueueMeans();
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
  readonly #loops: readonly LoopFold[];
  readonly #startUps = new StartUps();
  readonly #rollouts = new Rollouts();
  readonly #deniedPods = new DeniedPods();
  readonly #sloMinutes = new SloMinutes();
  #scaleUps = 0;
  #scaleDowns = 0;
  readonly #scaleEvents: ScaleEvent[] = [];

  constructor(options: FoldOptions) {
    this.#options = options;
    this.#warmUp = instant(options.warmUpMicros);
    this.#timeline = new TimelineFold(options.horizonMicros);
    const plain = Object.keys(options.gpusPerReplica).map((name): [string, Role] => [name, "both"]);
    this.#groups = new GroupFold(this.#warmUp, options.slo, { ...Object.fromEntries(plain), ...options.roles });
    this.#nodes = options.nodePools && new NodeFold(this.#warmUp, options.nodePools);
    this.#saturation = new SaturationFold(options.saturation ?? SATURATION_DEFAULTS);
    this.#ready = new Level(this.#warmUp);
    this.#holding = new Level(this.#warmUp);
    this.#loops = (options.loops ?? []).map((setup) => new LoopFold(setup, this.#warmUp));
    this.#gpus = new Level(this.#warmUp);
    if (this.#warmUp === START) this.#before = new EngineTotals();
  }

  /** When `sample` is to be called next, after all else of that instant; NEVER after the horizon's. */
  get nextSample(): SimTime {
    this.#uncounted.settle();
    const next = this.#timeline.nextLook;
    return this.#before === undefined ? (Math.min(next, this.#warmUp) as SimTime) : next;
  }

  /** Looks at the gauges. @param whole looked at where the warm-up ends, for the counters */
  sample({ now, replicas, workloads }: Glance, whole: () => EngineRoom): void {
    this.#uncounted.settle();
    if (this.#before === undefined && now >= this.#warmUp) this.#before = this.#totals(whole());
    this.#want(sum(workloads.map((workload) => workload.specReplicas)), now);
    for (const loop of this.#loops) {
      const of = workloads.find(({ name }) => name === loop.setup.workload);
      if (of !== undefined) loop.look(of.specReplicas, now);
    }
    this.#queueMeans.look(replicas);
    this.#saturation.look(now);
    const all = { waiting: 0, running: 0, kvUsage: 0, generationTokens: 0 };
    for (const { waiting, running, kvUsage, generationTokens } of replicas) {
      all.waiting += waiting;
      all.running += running;
      all.kvUsage += kvUsage;
      all.generationTokens += generationTokens;
    }
    this.#timeline.look(now, {
      waiting: all.waiting,
      running: all.running,
      kvUsageRatio: replicas.length === 0 ? 0 : all.kvUsage / replicas.length,
      generationTokens: this.#retired.generationTokens + all.generationTokens,
    });
  }

  /** The last state of a replica that ends, so that what it counted stays counted. */
  retire({ state }: ReplicaView): void {
    this.#retired.add(state);
  }

  tell(fact: Fact): void {
    this.#uncounted.settle();
    this.#fold(fact);
  }

  /** The same for those that are many: they are counted later, and by code that meets no others. */
  tellServed(fact: ServedFact): void {
    this.#uncounted.add(fact);
  }

  #countAll(facts: readonly ServedFact[], size: number): void {
    for (let i = 0; i < size; i += 1) this.#foldServed(facts[i] as ServedFact);
  }

  #foldServed(fact: ServedFact): void {
    switch (fact.kind) {
      case "arrived":
        return this.#arrived(fact);
      case "routed":
        return this.#counts(fact.request) ? this.#gate.routed(fact) : undefined;
      case "first-token":
        return this.#firstToken(fact);
      case "finished":
        return this.#finished(fact);
      default:
        return fact satisfies never;
    }
  }

  #fold(fact: Fact): void {
    switch (fact.kind) {
      case "gate":
        return this.#atGate(fact);
      case "transfer":
        return this.#counts(fact.request) ? this.#gate.transfer(fact) : undefined;
      case "prefilled":
        return this.#groups.prefilled(fact);
      case "refused":
        return this.#refused(fact);
      case "pod":
        return this.#pod(fact);
      case "node":
        return this.#nodes?.node(fact);
      case "binding":
        return this.#nodes?.binding(fact);
      case "preempted":
        return this.#deniedPods.preempted(fact);
      case "create-refused":
        return this.#deniedPods.refused(fact);
      case "synced":
        return this.#synced(fact);
      case "scaled":
        return this.#scaled(fact);
      case "rollout":
        return this.#rollouts.rollout(fact);
      default:
        return this.#foldServed(fact);
    }
  }

  /** @param view the world at the end, or as it is now; changes nothing */
  kpis(view: WorldView): Kpis {
    this.#uncounted.settle();
    const { now } = view;
    const window = now > this.#warmUp ? toSeconds(elapsed(this.#warmUp, now)) : 0;
    const perSecond = (amount: number): number => (window === 0 ? 0 : amount / window);
    const totals = this.#totals(view);
    const engines = totals.since(this.#before ?? totals);
    const { all } = this.#groups;
    const { shed, expired, ...ends } = all.ends;
    const inFlightAtEnd = all.arrived - all.ended;
    const fairness = this.#groups.fairness();
    const groups = this.#groups.kpis(window);
    const turnedAway = this.#gate.turnedAway();
    return {
      requests: { arrived: all.arrived, ...ends, ...(this.#gate.told ? { shed, expired } : {}), inFlightAtEnd },
      ttftSeconds: summaryOf(all.ttft),
      itlSeconds: summaryOfHistogram(engines.interToken ?? { bounds: [], counts: [], sum: 0 }),
      tpotSeconds: summaryOf(all.tpot),
      e2eSeconds: summaryOf(all.e2e),
      queueSeconds: summaryOf(this.#queue),
      requestsPerSecond: perSecond(all.completedSince),
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
      ...(all.targeted === 0 ? {} : { slo: sloKpis(all, window) }),
      ...(fairness === undefined ? {} : { fairness }),
      ...(groups === undefined ? {} : { groups }),
      ...(turnedAway.length === 0 ? {} : { turnedAway }),
      ...(this.#gate.told ? { gateway: this.#gate.kpis() } : {}),
      ...(this.#loops.length === 0
        ? {}
        : { controlLoops: Object.fromEntries(this.#loops.map((loop) => [loop.setup.autoscaler, loop.kpis(now)])) }),
      ...(all.targeted === 0
        ? {}
        : {
            sloMinutes: {
              violation: this.#sloMinutes.violation,
              violationWhileStarting: this.#sloMinutes.whileStarting,
            },
          }),
      ...(this.#nodes === undefined ? {} : { nodes: this.#nodes.kpis(now) }),
      ...(this.#queueMeans.replicas < 2 ? {} : { headOfLineBlockedReplicas: this.#queueMeans.blocked }),
    };
  }

  /** So far; changes nothing. */
  get saturation(): Saturation {
    this.#uncounted.settle();
    return this.#saturation.saturation;
  }

  /** Changes nothing. */
  timeline(at: SimTime): Timeline {
    this.#uncounted.settle();
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
      ...(identity.startUnixSeconds === undefined ? {} : { startUnixSeconds: identity.startUnixSeconds }),
      horizonSeconds: (this.#options.horizonMicros ?? view.now) / 1e6,
      warmUpSeconds: this.#options.warmUpMicros / 1e6,
      kpis,
      saturation: this.saturation,
      timeline: this.timeline(view.now),
      scaleEvents: [...this.#scaleEvents],
      ...this.#told(kpis, view.now),
      notes: [
        ...identity.notes,
        ...unfinished,
        ...this.#rollouts.notes(view.now),
        ...this.#deniedPods.notes(),
        ...this.#groups.notes(),
      ],
      families,
    };
  }

  /** What the control loops came to so far; changes nothing. */
  loops(view: WorldView): Pick<Report, "findings" | "syncs"> {
    return this.#loops.length === 0 ? {} : this.#told(this.kpis(view), view.now);
  }

  #told(kpis: Kpis, now: SimTime): Pick<Report, "findings" | "syncs"> {
    const syncs = this.#loops.length === 0 ? {} : { syncs: this.#loops.map((loop) => loop.timeline()) };
    return { ...this.#findings(kpis, now), ...syncs };
  }

  #findings(kpis: Kpis, now: SimTime): Pick<Report, "findings"> {
    const { rejected, overloaded, timedOut, shed = 0, expired = 0 } = kpis.requests;
    const suffering =
      this.saturation.level !== "STABLE" ||
      (kpis.sloMinutes?.violation ?? 0) > 0 ||
      rejected + overloaded + timedOut + shed + expired > 0;
    const findings = findingsOf(this.#loops.map((loop) => loop.evidence(now, suffering)));
    return findings.length === 0 ? {} : { findings };
  }

  #totals(view: EngineRoom): EngineTotals {
    return this.#retired.with(view.replicas.map((replica) => replica.state));
  }

  #counts(request: Request): boolean {
    return request.arrival >= this.#warmUp;
  }

  #arrived({ at, request }: Extract<Fact, { kind: "arrived" }>): void {
    this.#timeline.arrived(at);
    if (!this.#counts(request)) return;
    this.#groups.arrived(request);
    this.#saturation.arrived(at);
  }

  #atGate(fact: Extract<Fact, { kind: "gate" }>): void {
    if (!this.#counts(fact.request)) return;
    const end = this.#gate.gate(fact);
    if (end === undefined) return;
    this.#groups.turnedAway(fact.request, end);
    this.#judge(fact.request, fact.at, false);
    this.#saturation.ended(fact.at, undefined);
  }

  #refused({ at, request, outcome }: Extract<Fact, { kind: "refused" }>): void {
    if (!this.#counts(request)) return;
    const how = END_OF[outcome];
    invariant(how !== "completed", "who is refused gets no answer");
    this.#groups.turnedAway(request, how);
    this.#judge(request, at, false);
    this.#gate.away(request, how, outcome);
    this.#saturation.ended(at, undefined);
  }

  #firstToken({ at, request }: Extract<Fact, { kind: "first-token" }>): void {
    const ttft = toSeconds(elapsed(request.arrival, at));
    this.#timeline.firstToken(at, ttft);
    if (this.#counts(request)) this.#groups.firstToken(request, ttft);
  }

  #finished(fact: Extract<Fact, { kind: "finished" }>): void {
    const { request, outcome, queued, scheduled, end } = fact.facts;
    const met = this.#groups.finished(fact);
    const how = END_OF[outcome];
    if (how === "aborted") this.#aborted(fact);
    if (how === "completed") this.#timeline.completed(end);
    if (!this.#counts(request)) return;
    if (how !== "completed") this.#gate.away(request, how, outcome);
    this.#judge(request, end, met);
    this.#saturation.ended(end, how === "completed" ? elapsed(request.arrival, end) : undefined);
    if (scheduled !== undefined) this.#queue.observe(toSeconds(elapsed(queued, scheduled)));
  }

  #aborted({ workload, pod, facts: { end } }: Extract<Fact, { kind: "finished" }>): void {
    this.#loopsOf(workload, (loop) => loop.aborted(pod, end));
  }

  /** A request that has ended, against its targets. */
  #judge(request: Request, end: SimTime, met: boolean): void {
    if (!this.#groups.hasTargets(request)) return;
    this.#sloMinutes.ended(end, !met, !met && this.#startUps.since(request.arrival));
  }

  #loopsOf(workload: string, tell: (loop: LoopFold) => void): void {
    for (const loop of this.#loops) if (loop.setup.workload === workload) tell(loop);
  }

  #pod(fact: Extract<Fact, { kind: "pod" }>): void {
    const { at, workload, pod, phase } = fact;
    this.#startUps.pod(pod, phase, at);
    this.#loopsOf(workload, (loop) => loop.pod(fact, at));
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

  // Apart, as is `#aborted`: a closure where all facts pass would cost each of them a context of its own.
  #synced({ autoscaler, sync, at }: Extract<Fact, { kind: "synced" }>): void {
    this.#loops.find(({ setup }) => setup.autoscaler === autoscaler)?.synced(sync, at);
  }

  #scaled(fact: Extract<Fact, { kind: "scaled" }>): void {
    const { at, workload, from, to, by, reason } = fact;
    this.#loopsOf(workload, (loop) => loop.scaled(fact, at));
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
