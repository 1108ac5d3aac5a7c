import type { EngineSight } from "../controlplane/controller.ts";
import { FaultPlan } from "../controlplane/faults/fault-plan.ts";
import { type ContainerUsage, engineUsage } from "../controlplane/metrics-server/engine-usage.ts";
import {
  type OrdinalPolicy,
  ordinalStep,
  type PodStart,
  planGroupStart,
  planStart,
  planStop,
  ROLLOUT_DEFAULT,
  rolloutStep,
  type StartPlan,
  scaleInOrder,
} from "../controlplane/pods/index.ts";
import { createEngine } from "../engine/create-engine.ts";
import type { EngineConfig, EngineListener } from "../engine/engine.ts";
import { latencyModels } from "../latency/models/index.ts";
import { perRank } from "../latency/per-rank.ts";
import type { DecisionTap } from "../model/decision.ts";
import type { Fact, ServedFact } from "../model/fact.ts";
import type { Request } from "../model/request.ts";
import { ReportFold } from "../report/fold.ts";
import { familiesOf } from "../report/metrics/index.ts";
import type { Report } from "../report/report.ts";
import type {
  EngineRoom,
  GatewayView,
  Glance,
  ReplicaGlance,
  ReplicaView,
  WorkloadView,
  WorldView,
} from "../report/world-view.ts";
import { Agenda } from "../sim/agenda.ts";
import { Alarms } from "../sim/alarms.ts";
import { invariant } from "../sim/invariant.ts";
import { type Rng, rngOf, type Streams } from "../sim/rng.ts";
import { after, instant, NEVER, type SimTime, START, seconds } from "../sim/time.ts";
import type { EndedRequest, WorkloadSource } from "../workload/source.ts";
import { Autoscaling, type AutoscalingHost } from "./autoscaling.ts";
import { ALARM_RANK, RANK, type TwinEvent } from "./event.ts";
import { Fleet, type WantedPods } from "./fleet.ts";
import { KvStores, type KvStoresHost } from "./kv-stores.ts";
import { loopSetups } from "./loop-setups.ts";
import { Monitoring } from "./monitoring.ts";
import { NodePlacement } from "./node-placement.ts";
import type { PathHost } from "./path-host.ts";
import { PickerPaths } from "./picker-paths.ts";
import type { PlacementHost } from "./placement-host.ts";
import type { Pod } from "./pod.ts";
import { PodQuota } from "./pod-quota.ts";
import type { RequestPath } from "./request-path.ts";
import type { Scenario } from "./scenario.ts";
import { Scraping, type ScrapingHost } from "./scraping.ts";
import { scenarioSource } from "./traffic.ts";
import { roleOf } from "./workload-role.ts";

/**
 * The running simulation. It owns no loop and no clock: a preview drains it, a shadow paces it, a test steps it by hand.
 * Driven by events put into it, seen only through the facts it tells and `view`.
 */
export class World {
  readonly scenario: Scenario;
  readonly #agenda = new Agenda<TwinEvent>(START);
  /** For the next events of engines. */
  readonly #alarms = new Alarms<Pod>();
  /** The source's next request, and when it comes. */
  #arriving: Request | undefined;
  #arrival: SimTime = NEVER;
  readonly #streams: Streams;
  readonly #source: WorkloadSource;
  /** By the model that is served: a pool serves one, behind a gateway of its own. */
  readonly #models: ReadonlyMap<string, PickerPaths>;
  readonly #firstModel: PickerPaths | undefined;
  /** All of theirs, as events name them. */
  readonly #paths: readonly RequestPath[];
  readonly #fleets = new Map<string, Fleet>();
  /** Every pod that is not gone, in order of creation. */
  readonly #pods = new Map<string, Pod>();
  /** Where nodes are simulated. */
  readonly #placement: NodePlacement | undefined;
  readonly #faults: FaultPlan;
  readonly #quota: PodQuota | undefined;
  readonly #autoscaling: Autoscaling;
  readonly #monitoring: Monitoring;
  readonly #scraping: Scraping;
  readonly #kvStores: KvStores;
  readonly #fold: ReportFold;
  readonly #tellOthers: ((fact: Fact) => void) | undefined;
  readonly #horizon: SimTime;
  #starved = false;
  #arrived = 0;
  #unserved = 0;

  /** Who wants to see how requests are routed. */
  readonly decisions: DecisionTap | undefined;

  /** @param listener hears every fact after the report's fold; for tests and traces */
  constructor(scenario: Scenario, listener?: (fact: Fact) => void, decisions?: DecisionTap) {
    this.scenario = scenario;
    this.decisions = decisions;
    this.#tellOthers = listener;
    this.#horizon = scenario.horizonMicros === undefined ? NEVER : (scenario.horizonMicros as SimTime);
    this.#streams = rngOf(scenario.seed);
    this.#source = scenarioSource(scenario, this.#streams);
    this.#models = this.#makePaths();
    [this.#firstModel] = this.#models.values();
    this.#paths = [...this.#models.values()].flatMap(({ all }) => all);
    this.#fold = new ReportFold({
      horizonMicros: scenario.horizonMicros,
      warmUpMicros: scenario.warmUpMicros,
      gpusPerReplica: Object.fromEntries(scenario.workloads.map((w) => [w.name, w.gpusPerReplica])),
      roles: Object.fromEntries(scenario.workloads.map(({ name, podLabels }) => [name, roleOf(podLabels)])),
      loops: loopSetups(scenario),
      ...(scenario.slo === undefined ? {} : { slo: scenario.slo }),
      ...(scenario.saturation === undefined ? {} : { saturation: scenario.saturation }),
      ...(scenario.nodes === undefined ? {} : { nodePools: scenario.nodes.pools }),
    });
    for (const workload of scenario.workloads) {
      this.#fleets.set(workload.name, new Fleet(workload, this.#streams.stream(`pods/${workload.name}/scale-in`)));
    }
    this.#faults = new FaultPlan(scenario.faults);
    this.#quota = scenario.quotas && new PodQuota(scenario.quotas, (workload) => this.#fleet(workload).pods.length);
    this.#placement = scenario.nodes && new NodePlacement(scenario.nodes, this.#placementHost());
    this.#kvStores = new KvStores(scenario.kvStores ?? [], this.#kvStoresHost());
    const host = this.#controlHost();
    this.#autoscaling = new Autoscaling(scenario, this.#streams, this.#faults, host);
    this.#monitoring = new Monitoring(scenario.metrics, this.#autoscaling.queries, this.#faults);
    this.#scraping = new Scraping(scenario, this.#monitoring, host);
    this.#scraping.watchCluster(this.#autoscaling);
    for (const fleet of this.#byPriority()) {
      const { name, rollouts } = fleet.workload;
      for (const at of rollouts?.atMicros ?? []) this.#plan(instant(at), { kind: "rollout-due", workload: name });
      for (let i = 0; i < fleet.workload.replicas; i += 1) {
        if (!this.#admits(fleet, fleet.workload.replicas - i)) break;
        const pod = this.#createPod(fleet, i);
        if (this.#placement?.place(pod) ?? true) this.#becomeReady(pod, START);
        else if (fleet.workload.ordinals === "OrderedReady") break;
      }
    }
    this.#plan(this.#fold.nextSample, { kind: "sample-due" });
    this.#drawArrival();
  }

  /** The instant of the next event; undefined when nothing will happen any more. */
  get next(): SimTime | undefined {
    const next = Math.min(this.#agenda.next, this.#alarms.next, this.#arrival) as SimTime;
    return next === NEVER || next > this.#horizon ? undefined : next;
  }

  get now(): SimTime {
    return this.#agenda.now;
  }

  /** Requests that have arrived so far. */
  get arrived(): number {
    return this.#arrived;
  }

  /** True while the source waits for more of its trace: `feed` before the next `step`. */
  get starved(): boolean {
    return this.#starved;
  }

  /** Text of the trace as it was read; undefined: there is no more. @throws TraceError */
  feed(text: string | undefined): void {
    invariant(this.#source.feed !== undefined, "this source reads nothing");
    this.#source.feed(text);
    if (this.#starved) this.#drawArrival();
  }

  /** Lets something outside happen at `at`, which must not lie in the past. */
  inject(at: SimTime, event: TwinEvent): void {
    this.#plan(at, event);
  }

  /** Takes everything up to and including `until`; stops early when starved. */
  runUntil(until: SimTime): void {
    for (let some = true; some && !this.#starved; ) some = this.step(until);
  }

  /** Takes the next event, if there is one up to and including `until`. @returns whether there is */
  step(until: SimTime = NEVER): boolean {
    invariant(!this.#starved, "feed the source first");
    const last = Math.min(until, this.#horizon);
    const { next: alarm, rank } = this.#alarms;
    const arrival = this.#arrival;
    // Ranks are compared each time, though few come at once: V8 compiles all this anew where it meets what is new to it.
    const isBefore = rank < ALARM_RANK.arrival;
    const isEngine = alarm < arrival || (alarm === arrival && isBefore);
    const time = isEngine ? alarm : arrival;
    if (this.#isNext(time, isEngine ? rank : ALARM_RANK.arrival)) {
      if (time > last) return false;
      this.#agenda.passTo(time);
      if (isEngine) this.#advance(this.#alarms.ring());
      else this.#arrive();
      return true;
    }
    const event = this.#agenda.next > last ? undefined : this.#agenda.pop();
    if (event !== undefined) this.#take(event);
    return event !== undefined;
  }

  /** Whether it comes before the agenda's next event. */
  #isNext(time: SimTime, rank: number): boolean {
    const { next, rank: other = 0 } = this.#agenda;
    const isBefore = rank < other;
    return time < next || (time === next && time !== NEVER && isBefore);
  }

  #arrive(): void {
    const request = this.#arriving as Request;
    this.#drawArrival();
    this.#admit(request);
  }

  #take(event: TwinEvent): void {
    switch (event.kind) {
      case "pod-starting":
        return this.#startPhase(this.#podOf(event), event.phase);
      case "placement-due":
        return this.#placement?.due(event.event);
      case "node-autoscaler-due":
        return this.#placement?.look();
      case "pod-stopping":
        return this.#stopStage(this.#podOf(event), event.stage);
      case "rollout-due":
        return this.#rollOut(this.#fleet(event.workload));
      case "workload-due":
        return this.#reconcile(this.#fleet(event.workload));
      case "round-arrived":
        return this.#admit(event.request);
      case "client-gone":
        return this.#path(event.path).clientGone(event.request);
      case "window-due":
        return this.#path(event.path).windowDue();
      case "gateway-scrape-due":
        return this.#path(event.path).scrapeDue(event.pod);
      case "gate-due":
        return this.#path(event.path).gateDue(event.generation);
      case "gauges-due":
        return this.#path(event.path).gaugesDue();
      case "transfer-started":
        return this.#path(event.path).transferStarted(event.request, event.bytes);
      case "transfer-due":
        return this.#path(event.path).transferDue(event.generation);
      case "kv-store-due":
        return this.#kvStores.due(event.place, event.generation);
      case "scale-written":
        return this.#scale(event.workload, event.replicas, event.by, event.reason ?? "written from outside");
      case "scrape-due":
        return this.#scraping.scrape(event.target);
      case "rules-due":
        return this.#scraping.evaluateRules(event.group);
      case "control-due":
        return this.#autoscaling.control(event.loop, this.#monitoring);
      case "sync-due":
        return this.#autoscaling.sync(event.autoscaler, event.generation, this.#monitoring);
      case "controllers-started":
        return this.#autoscaling.restart(this.#monitoring);
      case "sample-due":
        return this.#sample();
      default:
        return event satisfies never;
    }
  }

  /** The state as of `at`, which lies not before now and not after the next event. */
  view(at: SimTime = this.now): WorldView {
    const gateways = this.#paths.flatMap((path) => path.view(at) ?? []);
    return {
      ...(gateways.length === 0 ? {} : { gateways }),
      ...this.#engineRoom(at),
      autoscalers: this.#autoscaling.views(),
      ...this.#autoscaling.kedaPart(),
      controllers: this.#autoscaling.loops.flatMap((loop) => loop.families?.() ?? []),
      ...this.#placed(),
    };
  }

  /** What is looked at all the time. */
  #glance(now: SimTime): Glance {
    const replicas: ReplicaGlance[] = [];
    for (const pod of this.#pods.values()) {
      const { engine, name } = pod;
      if (engine === undefined) continue;
      if (!engine.foresees(now)) this.#beforeLook(pod, now);
      const generationTokens = engine.generated(now);
      const { waiting, running, kvUsage } = engine.gauges(now);
      replicas.push({ pod: name, waiting, running, kvUsage, generationTokens });
    }
    const workloads = [...this.#fleets.values()].map(({ workload: { name }, specReplicas }) => ({
      name,
      specReplicas,
    }));
    return { now, replicas, workloads };
  }

  #engineRoom(at: SimTime): EngineRoom {
    const serving = [...this.#pods.values()].filter((pod) => pod.engine !== undefined);
    return {
      now: at,
      replicas: serving.map((pod) => this.#viewOf(pod, at)),
      workloads: this.#workloadViews(at),
    };
  }

  /** What has come of it until `at`. @param identity seed, digest and version for the report's head */
  report(identity: Pick<Report, "scenarioDigest" | "version">, at: SimTime = this.#end()): Report {
    const view = this.view(at);
    const { startUnixSeconds } = this.scenario;
    return this.#fold.report(
      {
        ...identity,
        ...(startUnixSeconds === undefined ? {} : { startUnixSeconds }),
        scenario: this.scenario.name,
        seed: this.scenario.seed,
        notes: this.#notes(),
      },
      view,
      familiesOf(view, startUnixSeconds),
    );
  }

  /** KPIs, saturation and timeline so far, for those who watch a running world. */
  progress(at: SimTime): Pick<Report, "kpis" | "saturation" | "timeline"> {
    const view = this.view(at);
    return {
      kpis: this.#fold.kpis(view),
      saturation: this.#fold.saturation,
      timeline: this.#fold.timeline(at),
    };
  }

  /** What its control loops came to so far, likewise. */
  loops(at: SimTime): Pick<Report, "findings" | "syncs"> {
    return this.#fold.loops(this.view(at));
  }

  #end(): SimTime {
    return this.#horizon === NEVER ? this.now : this.#horizon;
  }

  #notes(): string[] {
    const notes: string[] = [...this.#models.values()].flatMap(({ notes: own }) => own);
    for (const [passed, how] of [
      [this.#source.skipped, "were skipped"],
      [this.#source.dropped, "made no request"],
    ] as const) {
      if (passed === undefined || passed.lines === 0) continue;
      notes.push(`${passed.lines} lines of the trace ${how}, the first is line ${passed.firstLine}: ${passed.why}`);
    }
    const { retried = 0 } = this.#source;
    if (retried > 0) notes.push(`${retried} retries of failed requests were sent; they count as arrivals too`);
    if (this.#unserved > 0)
      notes.push(`${this.#unserved} requests asked for a model that no workload serves (HTTP 404)`);
    if (this.#arrived === 0) notes.push("no request arrived before the horizon");
    return notes;
  }

  // ---- traffic

  #drawArrival(): void {
    const drawn = this.#source.next();
    this.#starved = drawn.kind === "starved";
    this.#arriving = drawn.kind === "request" && drawn.request.arrival <= this.#horizon ? drawn.request : undefined;
    this.#arrival = this.#notPast(this.#arriving?.arrival ?? NEVER);
  }

  #notPast(at: SimTime): SimTime {
    if (!(at >= this.now)) throw new RangeError(`${at} us lies before now, ${this.now} us`);
    return at;
  }

  #admit(sent: Request): void {
    this.#arrived += 1;
    const path = this.#modelFor(sent)?.enter(sent.id);
    const request = path?.withDeadline(sent) ?? sent;
    this.#tellServed({ kind: "arrived", at: this.now, request });
    if (path !== undefined) return path.arrive(request);
    // Nobody serves this model: HTTP 404.
    this.#unserved += 1;
    this.#tell({ kind: "refused", at: this.now, request, outcome: "unroutable" });
    this.#goOn({ request, outcome: "unroutable", outputTokens: 0 });
  }

  /** The first model's path draws from streams of the plain names, so that a world of one model does. */
  #makePaths(): ReadonlyMap<string, PickerPaths> {
    const { gateway, workloads } = this.scenario;
    const { pickers = 1 } = gateway;
    const models = [...new Set(workloads.map(({ modelName }) => modelName))];
    return new Map(
      models.map((model, i) => {
        const streams =
          i === 0 ? this.#streams : { stream: (name: string) => this.#streams.stream(`${name}/${model}`) };
        const own = i === 0 || gateway.kind === "policy" ? gateway : { ...gateway, pool: `${gateway.pool}/${model}` };
        return [model, new PickerPaths(own, streams, (picker) => this.#pathHost(model, i * pickers + picker))];
      }),
    );
  }

  #pathsTo(model: string): PickerPaths {
    const paths = this.#models.size === 1 ? this.#firstModel : this.#models.get(model);
    invariant(paths !== undefined, "a model that is served");
    return paths;
  }

  #path(index: number): RequestPath {
    return this.#paths[index] as RequestPath;
  }

  /** By the model that a request asks for, where several are served; one that names none is for the first. */
  #modelFor({ model }: Request): PickerPaths | undefined {
    return this.#models.size === 1 || model === undefined ? this.#firstModel : this.#models.get(model);
  }

  #pathHost(model: string, path: number): PathHost {
    return {
      model,
      path,
      clock: this,
      decisions: this.decisions,
      tell: (fact) => this.#tell(fact),
      tellServed: (fact) => this.#tellServed(fact),
      plan: (at, event) => this.#plan(at, event),
      pod: (name) => this.#pods.get(name),
      engine: (pod) => {
        this.#beforeLook(pod, this.now);
        return engineOf(pod);
      },
      replan: (pod) => this.#replan(pod),
      over: (ended) => {
        this.#pathsTo(model).over(ended.request.id);
        this.#goOn(ended);
      },
      ...(this.scenario.gateway.pickers === undefined
        ? {}
        : { look: (pod, before) => this.#pathsTo(model).look(pod, before) }),
    };
  }

  /** Lets come what follows from an ended request: its retry, its session's next round. */
  #goOn(ended: EndedRequest): void {
    const following = this.#source.ended?.(ended, this.now);
    if (following === undefined) return;
    for (const request of following) {
      if (request.arrival <= this.#horizon) this.#plan(request.arrival, { kind: "round-arrived", request });
    }
  }

  // ---- engines

  /** An engine that was looked at doesn't show earlier states any more, so the gateway's last scrape comes first. */
  #beforeLook(pod: Pod, at: SimTime): void {
    if (at > pod.scrapedUntil) this.#pathsTo(pod.workload.modelName).beforeLook(pod, at);
  }

  #viewOf(pod: Pod, at: SimTime): ReplicaView {
    this.#beforeLook(pod, at);
    return replicaView(pod, at);
  }

  #advance(pod: Pod): void {
    const engine = engineOf(pod);
    this.#beforeLook(pod, this.now);
    engine.advance(this.now);
    this.#replan(pod);
    if (pod.draining && engine.held === 0) this.#remove(pod);
  }

  #replan(pod: Pod): void {
    this.#alarms.set(pod.alarm, this.#notPast(engineOf(pod).due));
  }

  // ---- pods

  #createPod(fleet: Fleet, ordinal = 0, revision = fleet.revision): Pod {
    const pod = fleet.newPod(this.now, ordinal, revision);
    fleet.pods.push(pod);
    this.#pods.set(pod.name, pod);
    this.#tellPhase(pod, "pending");
    return pod;
  }

  #startPod(fleet: Fleet, ordinal?: number, revision?: number): void {
    const pod = this.#createPod(fleet, ordinal, revision);
    if (this.#placement !== undefined) return this.#placement.start(pod);
    const plan = this.#startPlan(pod);
    const { incarnation } = pod.identity;
    this.#plan(plan.scheduled, { kind: "pod-starting", pod: pod.name, incarnation, phase: "pulling" });
    this.#plan(plan.started, { kind: "pod-starting", pod: pod.name, incarnation, phase: "starting" });
    this.#plan(plan.ready, { kind: "pod-starting", pod: pod.name, incarnation, phase: "ready" });
  }

  #startPlan(pod: Pod): StartPlan {
    const { group } = pod.workload;
    const start = this.#slowed(pod.workload.start);
    const streamOf = (member?: string): Rng => this.#streams.stream(`${pod.streamName(member)}/start`);
    if (group === undefined) return planStart(this.now, start, streamOf());
    const workers = Array.from({ length: group.size - 1 }, (_, i) => streamOf(`${pod.name}-${i + 1}`));
    return planGroupStart(this.now, start, [streamOf(), ...workers], group.workersAfterLeader);
  }

  /** By a registry that is slow now. */
  #slowed({ imagePullSeconds: pull, ...start }: PodStart): PodStart {
    const factor = this.#faults.imagePullFactor(this.now);
    return { ...start, imagePullSeconds: { mean: pull.mean * factor, deviation: pull.deviation * factor } };
  }

  #startPhase(pod: Pod | undefined, phase: "pulling" | "starting" | "ready"): void {
    if (pod === undefined || pod.phase === "terminating") return;
    if (phase === "ready") {
      this.#becomeReady(pod, this.now);
      return this.#goOnAfter(pod);
    }
    if (phase === "starting") {
      pod.started = this.now;
      pod.readyChanged = this.now;
    }
    this.#tellPhase(pod, phase);
  }

  #becomeReady(pod: Pod, now: SimTime): void {
    const { shape, hardware, parallelism, engine, latency, eager = false } = pod.workload;
    const { mode, asyncScheduling, ranks = 1 } = engine;
    const whole = latencyModels.create(latency, { shape, hardware, parallelism, mode, eager, asyncScheduling });
    const model = mode === "blis" ? whole : perRank(whole, ranks);
    pod.started ??= now;
    pod.readyChanged = now;
    pod.since = now;
    pod.engine = createEngine(this.#seeded(engine, pod), model, this.#listenerOf(pod), now);
    pod.alarm = this.#alarms.join(pod, mode === "blis" ? ALARM_RANK.blisEngine : ALARM_RANK.engine);
    this.#tellPhase(pod, "ready");
    this.#pathsTo(pod.workload.modelName).join(pod);
    this.#scraping.join(pod.name);
    this.#placement?.becameReady();
  }

  /** Each replica draws the acceptance of its drafts by itself. */
  #seeded(engine: EngineConfig, pod: Pod): EngineConfig {
    const { speculation } = engine;
    if (speculation === undefined) return engine;
    const seed = this.#streams.stream(`${pod.streamName()}/speculation`).below(2 ** 31);
    return { ...engine, speculation: { ...speculation, seed } };
  }

  #listenerOf(pod: Pod): EngineListener {
    const paths = this.#pathsTo(pod.workload.modelName);
    const kvTier = this.#kvStores.tierOf(pod);
    return {
      ...(kvTier === undefined ? {} : { kvTier }),
      firstToken: (request, at) => paths.of(request.id).firstToken(pod, request, at),
      finished: (facts) => paths.of(facts.request.id).finished(pod, facts),
      kvWanted: (request, at, tokens) => paths.of(request.id).kvWanted(pod, request, at, tokens),
      ...(paths.hearsKv ? { kvCached: (kind, ...blocks) => paths.kvCached(pod, kind, ...blocks) } : {}),
    };
  }

  #stopPod(pod: Pod): void {
    const wasServing = pod.ready;
    this.#tellPhase(pod, "terminating");
    if (!wasServing) return this.#remove(pod);
    pod.readyChanged = this.now;
    this.#pathsTo(pod.workload.modelName).leave(pod);
    const plan = planStop(this.now, pod.workload.stop);
    const { incarnation } = pod.identity;
    this.#plan(plan.sigterm, { kind: "pod-stopping", pod: pod.name, incarnation, stage: "sigterm" });
    this.#plan(plan.abort, { kind: "pod-stopping", pod: pod.name, incarnation, stage: "abort" });
    this.#plan(plan.sigkill, { kind: "pod-stopping", pod: pod.name, incarnation, stage: "sigkill" });
  }

  #stopStage(pod: Pod | undefined, stage: "sigterm" | "abort" | "sigkill"): void {
    if (pod === undefined) return;
    if (stage === "sigterm") pod.draining = true;
    else {
      this.#pathsTo(pod.workload.modelName).lost(pod);
      this.#kvStores.lost(pod, false);
      engineOf(pod).abortAll(this.now);
    }
    if (engineOf(pod).held === 0) this.#remove(pod);
    else this.#replan(pod);
  }

  #remove(pod: Pod): void {
    this.#pathsTo(pod.workload.modelName).lost(pod);
    this.#kvStores.lost(pod, true);
    if (pod.engine !== undefined) this.#retire(pod);
    this.#tellPhase(pod, "gone");
    this.#pods.delete(pod.name);
    const fleet = this.#fleet(pod.workload.name);
    fleet.pods.splice(fleet.pods.indexOf(pod), 1);
    this.#placement?.release(pod);
    // Its ordinal is free, and the next may go; a rollout may wait for it.
    if (pod.workload.ordinals !== undefined || fleet.rolling !== undefined) this.#reconcile(fleet);
  }

  /** Its engine is gone at once, with all that it ran. */
  #killEngine(pod: Pod, phase: "starting" | "terminating"): void {
    const paths = this.#pathsTo(pod.workload.modelName);
    const wasReady = pod.ready;
    if (pod.phase !== phase) this.#tellPhase(pod, phase);
    pod.readyChanged = this.now;
    if (wasReady) paths.leave(pod);
    paths.lost(pod);
    engineOf(pod).abortAll(this.now);
  }

  /** The pod is gone at once, as its node is. */
  #lose(pod: Pod): void {
    if (this.#pods.get(pod.name) !== pod) return;
    if (pod.engine !== undefined) this.#killEngine(pod, "terminating");
    this.#remove(pod);
    this.#reconcile(this.#fleet(pod.workload.name));
  }

  /** The engine's container will start again in the same pod. */
  #crash(pod: Pod): void {
    this.#killEngine(pod, "starting");
    this.#retire(pod);
    pod.engine = undefined;
  }

  /** Its engine is gone; what it counted stays counted. */
  #retire(pod: Pod): void {
    this.#fold.retire(this.#viewOf(pod, this.now));
    this.#scraping.leave(pod.name);
    this.#alarms.leave(pod.alarm);
  }

  #placementHost(): PlacementHost {
    const now = (): SimTime => this.now;
    return {
      get now() {
        return now();
      },
      streams: this.#streams,
      faults: this.#faults,
      tell: (fact) => this.#tell(fact),
      later: (at, event) => this.#plan(at, { kind: "placement-due", event }),
      lookAt: (at) => this.#plan(at, { kind: "node-autoscaler-due" }),
      enter: (pod, phase) => this.#startPhase(pod, phase),
      evict: (pod) => {
        this.#stopPod(pod);
        this.#reconcile(this.#fleet(pod.workload.name));
      },
      lose: (pod) => this.#lose(pod),
      crash: (pod) => this.#crash(pod),
      scaleOf: (workload) => {
        const { specReplicas, pods } = this.#fleet(workload);
        return { expected: specReplicas, pods };
      },
    };
  }

  #tellPhase(pod: Pod, phase: Pod["phase"]): void {
    pod.phase = phase;
    const { name } = pod.workload;
    this.#tell({ kind: "pod", at: this.now, workload: name, pod: pod.name, phase });
    // A pod that changes lets its controller look again.
    if (phase !== "pending" && this.#quota?.owes(name) === true)
      this.#plan(this.now, { kind: "workload-due", workload: name });
  }

  // ---- scale

  #scale(workload: string, replicas: number, by: string, reason: string): void {
    const fleet = this.#fleets.get(workload);
    if (fleet === undefined || fleet.specReplicas === replicas) return;
    this.#tell({ kind: "scaled", at: this.now, workload, from: fleet.specReplicas, to: replicas, by, reason });
    fleet.specReplicas = replicas;
    this.#reconcile(fleet);
  }

  /** Lets pods come and go as the workload's controller does, until there are as many as are wanted. */
  #reconcile(fleet: Fleet): void {
    const { ordinals } = fleet.workload;
    if (ordinals !== undefined) return this.#stepOrdinals(fleet, ordinals);
    if (fleet.rolling !== undefined) return this.#stepRollout(fleet);
    this.#bringTo(fleet, fleet.standing, fleet.specReplicas);
  }

  /** Whether a quota has room for one more; if not, its controller tries again later. @param missing pods, this one too */
  #admits(fleet: Fleet, missing: number): boolean {
    const workload = fleet.workload.name;
    const quota = this.#quota?.refusing(workload);
    if (this.#quota === undefined || quota === undefined) {
      if (missing === 1) this.#quota?.settled(workload);
      return true;
    }
    const { at, isNew } = this.#quota.refused(workload, this.now);
    this.#tell({ kind: "create-refused", at: this.now, workload, missing, quota: quota.name, again: at });
    if (isNew) this.#plan(at, { kind: "workload-due", workload });
    return false;
  }

  /** The most important pods first: they have their nodes already. */
  #byPriority(): readonly Fleet[] {
    const priorityOf = ({ workload: { name } }: Fleet): number =>
      this.scenario.nodes?.pods[name]?.placement.priority ?? 0;
    return [...this.#fleets.values()].sort((a, b) => priorityOf(b) - priorityOf(a));
  }

  /** Starts and stops pods as a ReplicaSet does that has these. */
  #bringTo(fleet: Fleet, pods: readonly Pod[], wanted: number, revision = fleet.revision): void {
    const surplus = pods.length - wanted;
    for (let missing = -surplus; missing > 0 && this.#admits(fleet, missing); missing -= 1)
      this.#startPod(fleet, undefined, revision);
    if (surplus >= 0 && revision === fleet.revision) this.#quota?.settled(fleet.workload.name);
    if (surplus <= 0) return;
    const views = pods.map((pod) => this.#placement?.scaleInView(pod) ?? pod.view());
    for (const name of scaleInOrder(views, this.now, fleet.rng).slice(0, surplus)) {
      const pod = this.#pods.get(name);
      // One that is gone at once lets a rollout go on.
      if (pod !== undefined && pod.phase !== "terminating") this.#stopPod(pod);
    }
  }

  /** Its template changes: all of its pods are old ones from now on. */
  #rollOut(fleet: Fleet): void {
    fleet.revision += 1;
    const { revision, rolling } = fleet;
    fleet.rolling = { fresh: 0, old: rolling === undefined ? fleet.specReplicas : rolling.fresh + rolling.old };
    this.#tell({ kind: "rollout", at: this.now, workload: fleet.workload.name, revision, phase: "begun" });
    this.#stepRollout(fleet);
  }

  /** Passes of the Deployment controller, until it has to wait; its ReplicaSets follow. */
  #stepRollout(fleet: Fleet): void {
    const { strategy = ROLLOUT_DEFAULT } = fleet.workload.rollouts ?? {};
    for (let before = fleet.rolling; before !== undefined; ) {
      const next = rolloutStep(fleet.rolloutState(this.now, before), strategy);
      fleet.rolling = next;
      this.#bringTo(fleet, fleet.ofRevision(true), next.fresh);
      // A pod that was gone at once has let it go on already.
      if (fleet.rolling !== next) return;
      this.#bringTo(fleet, fleet.ofRevision(false), next.old, fleet.revision - 1);
      if (fleet.rolling !== next) return;
      if (next.fresh === before.fresh && next.old === before.old) break;
      before = next;
    }
    const { fresh, old } = fleet.rolloutState(this.now, fleet.rolling ?? NO_PODS);
    if (old.pods > 0 || old.replicas > 0 || fresh.available < fleet.specReplicas) return;
    fleet.rolling = undefined;
    const { revision, workload } = fleet;
    this.#tell({ kind: "rollout", at: this.now, workload: workload.name, revision, phase: "complete" });
  }

  #stepOrdinals(fleet: Fleet, policy: OrdinalPolicy): void {
    const { create, remove } = ordinalStep(fleet.ordinalPods(this.now), fleet.specReplicas, policy);
    if (create.length === 0) this.#quota?.settled(fleet.workload.name);
    for (const [i, ordinal] of create.entries()) {
      if (!this.#admits(fleet, create.length - i)) break;
      this.#startPod(fleet, ordinal);
    }
    for (const ordinal of remove) {
      const pod = fleet.pods.find(({ identity }) => identity.ordinal === ordinal);
      // One that is gone at once takes those below it along.
      if (pod !== undefined && pod.phase !== "terminating") this.#stopPod(pod);
    }
  }

  /** A StatefulSet waits for each pod to be available before it turns to the next, and a rollout for its new ones. */
  #goOnAfter({ workload: { name, ordinals, minReadySeconds } }: Pod): void {
    const fleet = this.#fleet(name);
    if (ordinals !== "OrderedReady" && fleet.rolling === undefined) return;
    if (minReadySeconds === 0) return this.#reconcile(fleet);
    this.#plan(after(this.now, seconds(minReadySeconds)), { kind: "workload-due", workload: name });
  }

  #kvStoresHost(): KvStoresHost {
    const now = (): SimTime => this.now;
    return {
      get now() {
        return now();
      },
      plan: (at, event) => this.#plan(at, event),
      told: (name, tell) => {
        const pod = this.#pods.get(name);
        if (pod?.engine === undefined) return;
        this.#beforeLook(pod, this.now);
        tell(pod.engine);
        this.#replan(pod);
      },
    };
  }

  #controlHost(): AutoscalingHost & ScrapingHost {
    const now = (): SimTime => this.now;
    return {
      get now() {
        return now();
      },
      tell: (fact) => this.#tell(fact),
      plan: (at, event) => this.#plan(at, event),
      scaleOf: (workload) => this.#fleet(workload).scale(),
      scale: (workload, replicas, by, reason) => this.#scale(workload, replicas, by, reason),
      replica: (pod) => this.#viewOf(this.#pod(pod), this.now),
      workloads: () => this.#workloadViews(this.now),
      placed: () => this.#placed(),
      gateways: () => this.#paths.map((path) => () => path.view(this.now)),
      usage: (pod) => this.#usageOf(pod),
      engines: (workload) => this.#fleet(workload).pods.flatMap((pod) => this.#sightOf(pod)),
      queuedAtPicker: (model) => queuedIn(this.#models.get(model)?.views(this.now) ?? []),
    };
  }

  /** A container that still loads is taken to use no CPU. */
  #usageOf(name: string): ContainerUsage | undefined {
    const pod = this.#pods.get(name);
    if (pod?.started === undefined) return undefined;
    const { container, engine, parallelism } = pod.workload;
    const busyMicros = pod.engine === undefined ? 0 : this.#viewOf(pod, this.now).state.counters.busyMicros;
    const ranks = parallelism.tp * parallelism.pp * (engine.ranks ?? 1);
    return engineUsage({ container, busyMicros, ranks, hostCacheBytes: 0 });
  }

  /** A pod that holds GPUs as the reference simulator's autoscaler sees it. */
  #sightOf(pod: Pod): readonly EngineSight[] {
    if (pod.phase === "pending") return [];
    const { numGpuBlocks, blockSize, ranks = 1 } = pod.workload.engine;
    const state = pod.phase === "ready" ? "ready" : pod.phase === "terminating" ? "draining" : "loading";
    const { usedBlocks = 0, waiting = 0 } = pod.engine === undefined ? {} : this.#viewOf(pod, this.now).state;
    const kvTokens = numGpuBlocks * blockSize * ranks;
    return [{ state, kvTokens, kvTokensInUse: usedBlocks * blockSize, queued: waiting }];
  }

  #placed(): Pick<WorldView, "nodes" | "pods"> {
    const placement = this.#placement;
    return placement === undefined ? {} : { nodes: placement.nodeViews(), pods: placement.podViews() };
  }

  #workloadViews(at: SimTime): readonly WorkloadView[] {
    return [...this.#fleets.values()].map((fleet) => fleet.view(at));
  }

  #sample(): void {
    this.#fold.sample(this.#glance(this.now), () => this.#engineRoom(this.now));
    this.#plan(this.#fold.nextSample, { kind: "sample-due" });
  }

  // ---- small things

  #plan(at: SimTime, event: TwinEvent): void {
    if (at !== NEVER) this.#agenda.at(at, RANK[event.kind], event);
  }

  #tell(fact: Fact): void {
    this.#fold.tell(fact);
    this.#tellOthers?.(fact);
  }

  #tellServed(fact: ServedFact): void {
    this.#fold.tellServed(fact);
    this.#tellOthers?.(fact);
  }

  /** undefined: it is gone, be there another with its name or not. */
  #podOf({ pod: name, incarnation }: { readonly pod: string; readonly incarnation: number }): Pod | undefined {
    const pod = this.#pods.get(name);
    return pod?.identity.incarnation === incarnation ? pod : undefined;
  }

  #pod(name: string): Pod {
    const pod = this.#pods.get(name);
    invariant(pod !== undefined, `pod ${name} exists`);
    return pod;
  }

  #fleet(workload: string): Fleet {
    const fleet = this.#fleets.get(workload);
    invariant(fleet !== undefined, `workload ${workload} exists`);
    return fleet;
  }
}

const NO_PODS: WantedPods = { fresh: 0, old: 0 };

/** Requests in pickers' flow control. */
const queuedIn = (pickers: readonly GatewayView[]): number =>
  pickers.flatMap(({ counted }) => counted.queues).reduce((sum, { size }) => sum + size, 0);

const engineOf = (pod: Pod): NonNullable<Pod["engine"]> => {
  invariant(pod.engine !== undefined, "a pod that serves");
  return pod.engine;
};

const replicaView = (pod: Pod, at: SimTime): ReplicaView => ({
  namespace: pod.workload.namespace,
  workload: pod.workload.name,
  pod: pod.name,
  container: pod.workload.container,
  modelName: pod.workload.modelName,
  blockSize: pod.workload.engine.blockSize,
  numGpuBlocks: pod.workload.engine.numGpuBlocks,
  gpuMemoryUtilization: pod.workload.gpuMemoryUtilization,
  prefixCaching: pod.workload.engine.prefixCaching,
  maxModelLen: pod.workload.engine.maxModelLen,
  since: pod.since ?? START,
  state: engineOf(pod).look(at),
});
