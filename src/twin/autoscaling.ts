import type { Autoscaler, Condition, Decision, MetricsApi, ScaleView } from "../controlplane/autoscaler.ts";
import type { ControlLoop } from "../controlplane/control-loop.ts";
import type { FaultPlan } from "../controlplane/faults/fault-plan.ts";
import { HorizontalPodAutoscaler } from "../controlplane/hpa/horizontal-pod-autoscaler.ts";
import { kedaMetricsApi } from "../controlplane/keda/metrics-server.ts";
import type { ScaledObject } from "../controlplane/keda/scaled-object.ts";
import { PlainMetricsApi } from "../controlplane/metrics/metrics-api.ts";
import type { ContainerUsage, MetricsServer } from "../controlplane/metrics-server/metrics-server.ts";
import type { MonitoringServer } from "../controlplane/monitoring-server.ts";
import type { PrometheusAdapter } from "../controlplane/prometheus-adapter/index.ts";
import { syncFactOf } from "../controlplane/sync-fact.ts";
import type { Fact, SyncMetric } from "../model/fact.ts";
import type { AutoscalerView, WorkloadView, WorldView } from "../report/world-view.ts";
import { invariant } from "../sim/invariant.ts";
import type { Streams } from "../sim/rng.ts";
import { after, micros, type SimTime, START } from "../sim/time.ts";
import {
  activationLoopsOf,
  adapterOf,
  controllersOf,
  hasHpa,
  metricsServerOf,
  scaledObjectsOf,
  type WorldSight,
} from "./control-loops.ts";
import type { TwinEvent } from "./event.ts";
import { metricNames } from "./metric-names.ts";
import type { AutoscalerScenario, Scenario } from "./scenario.ts";

/** What autoscalers need of the world they run in. */
export interface AutoscalingHost extends WorldSight {
  readonly now: SimTime;
  tell(fact: Fact): void;
  plan(at: SimTime, event: TwinEvent): void;
  /** The scale of a workload of this world. */
  scaleOf(workload: string): ScaleView;
  /** Writes it. */
  scale(workload: string, replicas: number, by: string, reason: string): void;
  workloads(): readonly WorkloadView[];
  /** What the kubelet tells of a pod's engine; undefined: it doesn't run. */
  usage(pod: string): ContainerUsage | undefined;
}

/** What answers queries, and what it would answer if nothing came late. */
export interface Measured extends MonitoringServer {
  truth(now: SimTime): MonitoringServer;
}

interface Scaler {
  readonly scenario: AutoscalerScenario;
  readonly id: string;
  autoscaler: Autoscaler;
  decision: Decision | undefined;
  /** Another one for each start of its controller. */
  generation: number;
}

/** Nobody answers. */
const NO_METRICS: MetricsApi = { pods: () => undefined, object: () => undefined, external: () => undefined };

/**
 * Who decides how many replicas a world wants: HPAs with the servers of their metrics, KEDA, and controllers beside them. It
 * acts through its host and at the instants that it plans there.
 */
export class Autoscaling {
  readonly #host: AutoscalingHost;
  readonly #faults: FaultPlan;
  readonly #objects: ReadonlyMap<string, ScaledObject>;
  readonly #adapter: PrometheusAdapter | undefined;
  readonly #metricsServer: MetricsServer | undefined;
  readonly #scalers: readonly Scaler[];
  readonly loops: readonly ControlLoop[];

  constructor(scenario: Scenario, streams: Streams, faults: FaultPlan, host: AutoscalingHost) {
    this.#host = host;
    this.#faults = faults;
    this.#objects = scaledObjectsOf(scenario);
    this.#adapter = adapterOf(scenario);
    this.#metricsServer = metricsServerOf(scenario, this.#adapter, (pod) => host.usage(pod));
    this.loops = [
      ...(this.#metricsServer === undefined ? [] : [this.#metricsServer]),
      ...(this.#adapter === undefined ? [] : [this.#adapter]),
      ...activationLoopsOf(this.#objects, streams, ({ spec }) => this.#conditionsOf(spec.name)),
      ...controllersOf(scenario, streams, host),
    ];
    this.#scalers = scenario.autoscalers.map((scaler, index) => this.#enlist(scaler, index, streams));
    for (const until of faults.restarts("controllers")) host.plan(until, { kind: "controllers-started" });
    this.loops.forEach((loop, index) => {
      host.plan(after(START, loop.firstAfter), { kind: "control-due", loop: index });
    });
  }

  /** All queries that will ever be asked, or selectors of what they will read. */
  get queries(): readonly string[] {
    const plain = this.#scalers.filter(
      ({ scenario: { driver, keda } }) => driver === "Simulated" && keda === undefined && this.#adapter === undefined,
    );
    return [
      ...plain.flatMap(({ scenario: { spec } }) => metricNames.neededSeries(spec)),
      ...this.loops.flatMap(({ queries }) => queries),
    ];
  }

  /** One pass of a control loop. */
  control(index: number, monitoring: Measured): void {
    const loop = this.loops[index];
    invariant(loop !== undefined, "a control loop of this world");
    const { now } = this.#host;
    const step = loop.run({ now, monitoring, scale: (workload) => this.#host.scaleOf(workload) });
    for (const { workload, replicas, reason } of step.scales) this.#host.scale(workload, replicas, loop.name, reason);
    this.#host.plan(after(now, step.againAfter), { kind: "control-due", loop: index });
  }

  /** One reconcile of an HPA. */
  sync(index: number, generation: number, monitoring: Measured): void {
    const scaler = this.#scalers[index];
    invariant(scaler !== undefined, "an autoscaler of this world");
    const { now } = this.#host;
    if (generation !== scaler.generation || this.#faults.stopped("controllers", now)) return;
    const { workload } = scaler.scenario;
    const scale = this.#host.scaleOf(workload);
    const decision = scaler.autoscaler.sync(now, scale, this.#apiOf(monitoring, scaler, scale, "metrics"));
    scaler.decision = decision;
    this.#host.tell({
      kind: "synced",
      at: now,
      autoscaler: scaler.id,
      sync: {
        ...syncFactOf(scale.specReplicas, decision),
        metrics: this.#withTruth(decision.metrics, scaler, scale, monitoring),
      },
    });
    // It read the scale before it looked at metrics, and writes it after.
    const written = after(now, micros(2 * this.#faults.apiServerMicros(now)));
    if (decision.rescale) this.#write(scaler, decision, written);
    const next = after(written, micros(scaler.scenario.syncPeriodMicros));
    this.#host.plan(next, { kind: "sync-due", autoscaler: index, generation });
  }

  /** Its controllers start with what is in the objects' status, and reconcile every HPA at once. */
  restart(monitoring: Measured): void {
    this.#scalers.forEach((scaler, index) => {
      if (scaler.scenario.driver !== "Simulated" || !hasHpa(scaler.scenario)) return;
      scaler.generation += 1;
      scaler.autoscaler = hpaOf(scaler.scenario, scaler.decision);
      this.sync(index, scaler.generation, monitoring);
    });
  }

  #write({ id, scenario: { workload } }: Scaler, { desiredReplicas, reason }: Decision, at: SimTime): void {
    const by = `HorizontalPodAutoscaler/${id}`;
    if (at === this.#host.now) this.#host.scale(workload, desiredReplicas, by, reason);
    else this.#host.plan(at, { kind: "scale-written", workload, replicas: desiredReplicas, by, reason });
  }

  views(): readonly AutoscalerView[] {
    const workloads = new Map(this.#host.workloads().map((workload) => [workload.name, workload]));
    return this.#scalers.map((scaler) => {
      const workload = workloads.get(scaler.scenario.workload);
      invariant(workload !== undefined, "an autoscaler's workload is of this world");
      return autoscalerView(scaler, workload);
    });
  }

  /** What KEDA's operator shows, where there is one. */
  kedaPart(): Pick<WorldView, "keda"> {
    if (this.#objects.size === 0) return {};
    const objects = [...this.#objects.values()].map(({ spec, published }) => {
      const { paused, pausedScaleIn, pausedScaleOut } = spec.annotations;
      return {
        namespace: spec.namespace,
        name: spec.name,
        triggerTypes: spec.triggers.map(({ type }) => type),
        paused: paused || pausedScaleIn || pausedScaleOut,
        errors: published.errors,
        metrics: published.metrics,
        empty: published.empty,
      };
    });
    return { keda: { objects } };
  }

  /** What each metric would have come to, had nothing been late. */
  #withTruth(
    metrics: readonly SyncMetric[],
    scaler: Scaler,
    scale: ScaleView,
    monitoring: Measured,
  ): readonly SyncMetric[] {
    if (metrics.length === 0) return metrics;
    const { now } = this.#host;
    const truths = scaler.autoscaler.look(now, scale, this.#apiOf(monitoring.truth(now), scaler, scale, "look"));
    const { keda } = scaler.scenario;
    const object = keda === undefined ? undefined : this.#objects.get(keda.name);
    return metrics.map((metric, i) => {
      const truth = truths[i]?.seen;
      const elements = object?.elementsOf(metric.name) ?? 1;
      const seen = elements === 1 ? metric : { ...metric, elements };
      return truth === undefined ? seen : { ...seen, truth };
    });
  }

  #apiOf(monitoring: MonitoringServer, scaler: Scaler, scale: ScaleView, ask: "metrics" | "look"): MetricsApi {
    const api = this.#askedApi(monitoring, scaler, scale, ask);
    if (this.#metricsServer === undefined) return api;
    return {
      pods: (...asked) => api.pods(...asked),
      object: (...asked) => api.object(...asked),
      external: (...asked) => api.external(...asked),
      resource: this.#metricsServer.resourceOf(scale.pods.map(({ name }) => name)),
    };
  }

  /** External metrics of an HPA that KEDA made are KEDA's to answer. @param ask what a ScaledObject is asked by */
  #askedApi(monitoring: MonitoringServer, { scenario }: Scaler, scale: ScaleView, ask: "metrics" | "look"): MetricsApi {
    const { now } = this.#host;
    if (ask === "metrics" && this.#faults.stopped("adapter", now)) return NO_METRICS;
    const { namespace, keda } = scenario;
    if (keda !== undefined) {
      const view = { now, monitoring, scale };
      return kedaMetricsApi(this.#objects, (object, metric) => object[ask](metric, view));
    }
    if (this.#adapter !== undefined) return this.#adapter.api({ monitoring, now, namespace, pods: scale.pods });
    const pods = scale.pods.map(({ name }) => name);
    return new PlainMetricsApi(monitoring, metricNames, now, pods);
  }

  #enlist(scenario: AutoscalerScenario, index: number, streams: Streams): Scaler {
    const id = `${scenario.namespace}/${scenario.name}`;
    if (scenario.driver === "Simulated" && hasHpa(scenario)) {
      // The controller's delaying queue isn't aligned to anything: each HPA has a phase of its own.
      const phase = streams.stream(`hpa/${id}`).below(scenario.syncPeriodMicros);
      this.#host.plan(after(START, micros(phase)), { kind: "sync-due", autoscaler: index, generation: 0 });
    }
    return { scenario, id, autoscaler: hpaOf(scenario, undefined), decision: undefined, generation: 0 };
  }

  #conditionsOf(scaledObject: string): readonly Condition[] {
    return this.#scalers.find(({ scenario }) => scenario.keda?.name === scaledObject)?.decision?.conditions ?? [];
  }
}

/** @param before what the object's status says of the last reconcile */
const hpaOf = (scenario: AutoscalerScenario, before: Decision | undefined): Autoscaler => {
  const { syncPeriodMicros, downscaleStabilizationSeconds, tolerance } = scenario;
  return new HorizontalPodAutoscaler(
    scenario.spec,
    { syncPeriodMicros, downscaleStabilizationSeconds, tolerance },
    before === undefined ? {} : { conditions: before.conditions, desiredReplicas: before.desiredReplicas },
  );
};

/** Of kinds that are not among Kubernetes' own. */
const API_VERSIONS: Readonly<Record<string, string>> = {
  LeaderWorkerSet: "leaderworkerset.x-k8s.io/v1",
  Rollout: "argoproj.io/v1alpha1",
};

const autoscalerView = ({ scenario, autoscaler, decision }: Scaler, workload: WorkloadView): AutoscalerView => ({
  namespace: scenario.namespace,
  name: scenario.name,
  targetApiVersion: API_VERSIONS[workload.kind] ?? "apps/v1",
  targetKind: workload.kind,
  targetName: workload.name,
  minReplicas: autoscaler.minReplicas,
  maxReplicas: autoscaler.maxReplicas,
  currentReplicas: workload.statusReplicas,
  desiredReplicas: decision?.desiredReplicas ?? workload.specReplicas,
  conditions: decision?.conditions ?? [],
  metrics: (decision?.metrics ?? []).map((metric) => ({
    name: metric.name,
    targetType: metric.targetType,
    target: metric.target,
    current: metric.seen,
  })),
});
