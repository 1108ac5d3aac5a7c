import type { Autoscaler, Condition, Decision, MetricsApi, ScaleView } from "../controlplane/autoscaler.ts";
import type { ControlLoop } from "../controlplane/control-loop.ts";
import { FaultPlan } from "../controlplane/faults/fault-plan.ts";
import { HorizontalPodAutoscaler } from "../controlplane/hpa/horizontal-pod-autoscaler.ts";
import { kedaMetricsApi } from "../controlplane/keda/metrics-server.ts";
import type { ScaledObject } from "../controlplane/keda/scaled-object.ts";
import { PlainMetricsApi } from "../controlplane/metrics/metrics-api.ts";
import type { MonitoringServer } from "../controlplane/monitoring-server.ts";
import type { Fact, SyncMetric } from "../model/fact.ts";
import type { MetricRow } from "../report/metric.ts";
import {
  autoscalerMetrics,
  gatewayMetrics,
  pageOf,
  placeOf,
  replicaMetrics,
  workloadMetrics,
} from "../report/metrics/index.ts";
import type { AutoscalerView, GatewayView, ReplicaView, WorkloadView } from "../report/world-view.ts";
import { invariant } from "../sim/invariant.ts";
import type { Streams } from "../sim/rng.ts";
import { after, micros, type SimTime, START } from "../sim/time.ts";
import { controlLoopsOf, hasHpa, scaledObjectsOf } from "./control-loops.ts";
import type { TwinEvent } from "./event.ts";
import { metricNames } from "./metric-names.ts";
import { Monitoring, type Page, type TargetSaid } from "./monitoring.ts";
import type { AutoscalerScenario, Scenario } from "./scenario.ts";

/** What the control loop needs of the world it runs in. */
export interface AutoscalingHost {
  readonly now: SimTime;
  tell(fact: Fact): void;
  plan(at: SimTime, event: TwinEvent): void;
  /** The scale of a workload of this world. */
  scaleOf(workload: string): ScaleView;
  /** Writes it. */
  scale(workload: string, replicas: number, by: string, reason: string): void;
  /** What a pod shows now that has an engine. */
  replica(pod: string): ReplicaView;
  workloads(): readonly WorkloadView[];
  gateway(model: string): GatewayView | undefined;
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

/** Labels of kube-state-metrics' own pod, as the chart kube-prometheus-stack has them. */
const KUBE_STATE_METRICS = {
  job: "kube-state-metrics",
  namespace: "monitoring",
  service: "kube-state-metrics",
  container: "kube-state-metrics",
} as const;

/**
 * The control loop of a world: what is scraped of it, what autoscalers read of that, and what they want. It acts through
 * its host and at the instants that it plans there.
 */
export class Autoscaling {
  readonly #host: AutoscalingHost;
  readonly #scalers: readonly Scaler[];
  readonly #objects: ReadonlyMap<string, ScaledObject>;
  readonly #loops: readonly ControlLoop[];
  readonly #monitoring: Monitoring;
  readonly #faults: FaultPlan;
  readonly #replicaRows: readonly MetricRow<ReplicaView>[];

  constructor(scenario: Scenario, streams: Streams, host: AutoscalingHost) {
    this.#host = host;
    this.#faults = new FaultPlan(scenario.faults);
    this.#objects = scaledObjectsOf(scenario);
    this.#loops = controlLoopsOf(this.#objects, streams, ({ spec }) => this.#conditionsOf(spec.name));
    const simulated = scenario.autoscalers.filter(({ driver }) => driver === "Simulated");
    const queries = [
      ...simulated.flatMap(({ spec }) => metricNames.neededSeries(spec)),
      ...this.#loops.flatMap((loop) => loop.queries),
    ];
    this.#monitoring = new Monitoring(scenario.metrics, queries, this.#faults);
    this.#replicaRows = this.#monitoring.wantedRows(replicaMetrics);
    this.#scalers = scenario.autoscalers.map((scaler, index) => this.#enlist(scaler, index, streams));
    for (const until of this.#faults.restarts("controllers")) host.plan(until, { kind: "controllers-started" });
    this.#watchGateways(scenario);
    this.#watchKubernetes();
    this.#loops.forEach((loop, index) => {
      host.plan(after(START, loop.firstAfter), { kind: "control-due", loop: index });
      const page = loop.families?.bind(loop);
      if (page !== undefined) this.#watch(loop.name, { labels: { job: loop.name }, page });
    });
  }

  /** A pod's engine is up. */
  join(pod: string): void {
    if (!this.#monitoring.reads(replicaMetrics)) return;
    const labels = placeOf(this.#host.replica(pod));
    this.#watch(pod, { labels, page: () => pageOf(this.#replicaRows, this.#host.replica(pod)) });
  }

  /** A pod is gone. */
  leave(pod: string): void {
    this.#monitoring.leave(pod);
  }

  scrape(target: string): void {
    const next = this.#monitoring.scrape(target, this.#host.now);
    if (next !== undefined) this.#host.plan(next, { kind: "scrape-due", target });
  }

  /** One pass of a control loop. */
  control(index: number): void {
    const loop = this.#loops[index];
    invariant(loop !== undefined, "a control loop of this world");
    const { now } = this.#host;
    const step = loop.run({
      now,
      monitoring: this.#monitoring,
      scale: (workload) => this.#host.scaleOf(workload),
    });
    for (const { workload, replicas, reason } of step.scales) this.#host.scale(workload, replicas, loop.name, reason);
    this.#host.plan(after(now, step.againAfter), { kind: "control-due", loop: index });
  }

  /** One reconcile of an HPA. */
  sync(index: number, generation: number): void {
    const scaler = this.#scalers[index];
    invariant(scaler !== undefined, "an autoscaler of this world");
    const { now } = this.#host;
    if (generation !== scaler.generation || this.#faults.stopped("controllers", now) !== undefined) return;
    const { workload } = scaler.scenario;
    const scale = this.#host.scaleOf(workload);
    const decision = scaler.autoscaler.sync(now, scale, this.#apiOf(this.#monitoring, scaler, scale, "metrics"));
    scaler.decision = decision;
    this.#host.tell({
      kind: "synced",
      at: now,
      autoscaler: scaler.id,
      sync: {
        currentReplicas: scale.specReplicas,
        desiredReplicas: decision.desiredReplicas,
        metrics: this.#withTruth(decision.metrics, scaler, scale),
        reason: decision.reason,
        ...(decision.error === undefined ? {} : { error: decision.error }),
      },
    });
    // It read the scale before it looked at metrics, and writes it after.
    const written = after(now, micros(2 * this.#faults.apiServerMicros(now)));
    if (decision.rescale) this.#write(scaler, decision, written);
    const next = after(written, micros(scaler.scenario.syncPeriodMicros));
    this.#host.plan(next, { kind: "sync-due", autoscaler: index, generation });
  }

  /** Its controllers start with what is in the objects' status, and reconcile every HPA at once. */
  restart(): void {
    this.#scalers.forEach((scaler, index) => {
      if (scaler.scenario.driver !== "Simulated" || !hasHpa(scaler.scenario)) return;
      scaler.generation += 1;
      scaler.autoscaler = hpaOf(scaler.scenario, scaler.decision);
      this.sync(index, scaler.generation);
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

  /** What each metric would have come to, had nothing been late. */
  #withTruth(metrics: readonly SyncMetric[], scaler: Scaler, scale: ScaleView): readonly SyncMetric[] {
    if (metrics.length === 0) return metrics;
    const { now } = this.#host;
    const truths = scaler.autoscaler.look(now, scale, this.#apiOf(this.#monitoring.truth(now), scaler, scale, "look"));
    return metrics.map((metric, i) => {
      const truth = truths[i]?.seen;
      return truth === undefined ? metric : { ...metric, truth };
    });
  }

  /** External metrics of an HPA that KEDA made are KEDA's to answer. @param ask what a ScaledObject is asked by */
  #apiOf(monitoring: MonitoringServer, { scenario }: Scaler, scale: ScaleView, ask: "metrics" | "look"): MetricsApi {
    if (monitoring === this.#monitoring && this.#faults.stopped("adapter", this.#host.now) !== undefined)
      return NO_METRICS;
    if (scenario.keda !== undefined) {
      const view = { now: this.#host.now, monitoring, scale };
      return kedaMetricsApi(this.#objects, (object, metric) => object[ask](metric, view));
    }
    const pods = scale.pods.map(({ name }) => name);
    return new PlainMetricsApi(monitoring, metricNames, this.#host.now, pods);
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

  #watchGateways({ gateway, workloads }: Scenario): void {
    if (gateway.kind !== "epp" || !this.#monitoring.reads(gatewayMetrics)) return;
    const rows = this.#monitoring.wantedRows(gatewayMetrics);
    for (const model of new Set(workloads.map(({ modelName }) => modelName))) {
      const view = this.#host.gateway(model);
      if (view === undefined) continue;
      const labels = { ...placeOf(view), service: view.service, job: view.service };
      const page: Page = () => {
        const now = this.#host.gateway(model);
        return now === undefined ? [] : pageOf(rows, now);
      };
      this.#watch(`gateway/${view.pool}`, { labels, page });
    }
  }

  #watchKubernetes(): void {
    const ofWorkloads = this.#monitoring.wantedRows(workloadMetrics);
    const ofAutoscalers = this.#monitoring.wantedRows(autoscalerMetrics);
    if (ofWorkloads.length + ofAutoscalers.length === 0) return;
    const page: Page = () => [
      ...this.#host.workloads().flatMap((workload) => pageOf(ofWorkloads, workload)),
      ...this.views().flatMap((autoscaler) => pageOf(ofAutoscalers, autoscaler)),
    ];
    // Its series speak of others: the chart sets honorLabels.
    this.#watch("kube-state-metrics", { labels: KUBE_STATE_METRICS, honorLabels: true, page });
  }

  #watch(target: string, said: TargetSaid): void {
    const first = this.#monitoring.join(target, said, this.#host.now);
    this.#host.plan(first, { kind: "scrape-due", target });
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

const autoscalerView = ({ scenario, autoscaler, decision }: Scaler, workload: WorkloadView): AutoscalerView => ({
  namespace: scenario.namespace,
  name: scenario.name,
  targetApiVersion: "apps/v1",
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
