import type { MetricRow } from "../report/metric.ts";
import {
  autoscalerMetrics,
  dated,
  gatewayMetrics,
  kedaMetrics,
  nodeMetrics,
  pageOf,
  placeOf,
  podMetrics,
  replicaMetrics,
  workloadMetrics,
} from "../report/metrics/index.ts";
import type { GatewayView, ReplicaView, WorkloadView, WorldView } from "../report/world-view.ts";
import type { SimTime } from "../sim/time.ts";
import type { Autoscaling } from "./autoscaling.ts";
import type { TwinEvent } from "./event.ts";
import type { Monitoring, Page, TargetSaid } from "./monitoring.ts";
import type { Scenario } from "./scenario.ts";
import { plannedScrapes, type ScrapablePod } from "./scrape-plan.ts";

/** What scraping needs of the world it runs in. */
export interface ScrapingHost {
  readonly now: SimTime;
  plan(at: SimTime, event: TwinEvent): void;
  /** What a pod shows now that has an engine. */
  replica(pod: string): ReplicaView;
  workloads(): readonly WorkloadView[];
  /** Where nodes are simulated. */
  placed(): Pick<WorldView, "nodes" | "pods">;
  /** What each endpoint picker shows when it is asked. */
  gateways(): readonly (() => GatewayView | undefined)[];
}

/** Labels of kube-state-metrics' own pod, as the chart kube-prometheus-stack has them. */
const KUBE_STATE_METRICS = {
  job: "kube-state-metrics",
  namespace: "monitoring",
  service: "kube-state-metrics",
  container: "kube-state-metrics",
} as const;

/** Likewise of KEDA's operator, by KEDA's chart; its series' own namespaces become exported ones. */
const KEDA_OPERATOR = {
  job: "keda-operator",
  namespace: "keda",
  service: "keda-operator",
  container: "keda-operator",
} as const;

/** Who in a world is scraped: engines, endpoint pickers, kube-state-metrics, KEDA, controllers with a page of their own. */
export class Scraping {
  readonly #scenario: Scenario;
  readonly #monitoring: Monitoring;
  readonly #host: ScrapingHost;
  readonly #replicaRows: readonly MetricRow<ReplicaView>[];
  /** Names of the targets of each pod. */
  readonly #targets = new Map<string, readonly string[]>();

  constructor(scenario: Scenario, monitoring: Monitoring, host: ScrapingHost) {
    this.#scenario = scenario;
    this.#monitoring = monitoring;
    this.#host = host;
    this.#replicaRows = monitoring.wantedRows(replicaMetrics);
    this.#watchGateways();
    monitoring.firstRules(host.now).forEach((at, group) => host.plan(at, { kind: "rules-due", group }));
  }

  watchCluster(autoscaling: Pick<Autoscaling, "views" | "kedaPart" | "loops">): void {
    const ofWorkloads = this.#monitoring.wantedRows(workloadMetrics);
    const ofAutoscalers = this.#monitoring.wantedRows(autoscalerMetrics);
    const ofNodes = this.#monitoring.wantedRows(nodeMetrics);
    const ofPods = this.#monitoring.wantedRows(podMetrics);
    if (ofWorkloads.length + ofAutoscalers.length + ofNodes.length + ofPods.length > 0) {
      const page: Page = () => {
        const { nodes = [], pods = [] } = this.#host.placed();
        return [
          ...dated(nodes).flatMap((node) => pageOf(ofNodes, node)),
          ...dated(pods).flatMap((pod) => pageOf(ofPods, pod)),
          ...this.#host.workloads().flatMap((workload) => pageOf(ofWorkloads, workload)),
          ...autoscaling.views().flatMap((autoscaler) => pageOf(ofAutoscalers, autoscaler)),
        ];
      };
      // Its series speak of others: the chart sets honorLabels.
      this.#watch("kube-state-metrics", { labels: KUBE_STATE_METRICS, honorLabels: true, page });
    }
    const ofKeda = this.#monitoring.wantedRows(kedaMetrics);
    if (ofKeda.length > 0 && autoscaling.kedaPart().keda !== undefined) {
      const page: Page = () => {
        const { keda } = autoscaling.kedaPart();
        return keda === undefined ? [] : pageOf(ofKeda, keda);
      };
      this.#watch("keda-operator", { labels: KEDA_OPERATOR, page });
    }
    for (const loop of autoscaling.loops) {
      const page = loop.families?.bind(loop);
      if (page !== undefined) this.#watch(loop.name, { labels: loop.labels ?? { job: loop.name }, page });
    }
  }

  /** A pod's engine is up. */
  join(pod: string): void {
    if (!this.#monitoring.reads(replicaMetrics)) return;
    const view = this.#host.replica(pod);
    const page: Page = () => pageOf(this.#replicaRows, this.#host.replica(pod));
    this.#watchPod({ name: pod, of: { role: "engine", name: view.workload } }, { labels: placeOf(view), page });
  }

  /** A pod is gone. */
  leave(pod: string): void {
    for (const target of this.#targets.get(pod) ?? []) this.#monitoring.leave(target);
    this.#targets.delete(pod);
  }

  scrape(target: string): void {
    const next = this.#monitoring.scrape(target, this.#host.now);
    if (next !== undefined) this.#host.plan(next, { kind: "scrape-due", target });
  }

  evaluateRules(group: number): void {
    const next = this.#monitoring.evaluateRules(group, this.#host.now);
    this.#host.plan(next, { kind: "rules-due", group });
  }

  #watchGateways(): void {
    if (!this.#monitoring.reads(gatewayMetrics)) return;
    const rows = this.#monitoring.wantedRows(gatewayMetrics);
    for (const shown of this.#host.gateways()) {
      const view = shown();
      if (view === undefined) continue;
      const labels = { ...placeOf(view), service: view.service, job: view.service };
      const page: Page = () => {
        const now = shown();
        return now === undefined ? [] : pageOf(rows, now);
      };
      this.#watchPod({ name: view.pod, of: { role: "endpoint-picker", name: view.service } }, { labels, page });
    }
  }

  /** As the monitors say that find it, or else once, with the labels that are usual. */
  #watchPod(pod: ScrapablePod, usual: TargetSaid): void {
    const planned = plannedScrapes(this.#scenario.metrics, pod) ?? [{ ...usual, name: pod.name }];
    for (const { name, ...said } of planned) this.#watch(name, { ...said, page: usual.page });
    this.#targets.set(
      pod.name,
      planned.map(({ name }) => name),
    );
  }

  #watch(target: string, said: TargetSaid): void {
    const first = this.#monitoring.join(target, said, this.#host.now);
    this.#host.plan(first, { kind: "scrape-due", target });
  }
}
