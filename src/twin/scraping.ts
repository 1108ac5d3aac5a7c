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
  /** Names of the targets of each pod. */
  readonly #targets = new Map<string, readonly string[]>();

  constructor(scenario: Scenario, monitoring: Monitoring, host: ScrapingHost) {
    this.#scenario = scenario;
    this.#monitoring = monitoring;
    this.#host = host;
    this.#watchGateways();
    monitoring.firstRules(host.now).forEach((at, group) => host.plan(at, { kind: "rules-due", group }));
  }

  watchCluster(autoscaling: Pick<Autoscaling, "views" | "kedaPart" | "loops">): void {
    const { reads } = this.#monitoring;
    const ofCluster = [workloadMetrics, autoscalerMetrics, nodeMetrics, podMetrics];
    if (ofCluster.some((rows: readonly MetricRow<never>[]) => reads.rows(rows).length > 0)) {
      const page: Page = (read) => {
        const { nodes = [], pods = [] } = this.#host.placed();
        return [
          ...dated(nodes).flatMap((node) => pageOf(read.rows(nodeMetrics), node)),
          ...dated(pods).flatMap((pod) => pageOf(read.rows(podMetrics), pod)),
          ...this.#host.workloads().flatMap((workload) => pageOf(read.rows(workloadMetrics), workload)),
          ...autoscaling.views().flatMap((autoscaler) => pageOf(read.rows(autoscalerMetrics), autoscaler)),
        ];
      };
      // Its series speak of others: the chart sets honorLabels.
      this.#watch("kube-state-metrics", { labels: KUBE_STATE_METRICS, honorLabels: true, page });
    }
    if (reads.rows(kedaMetrics).length > 0 && autoscaling.kedaPart().keda !== undefined) {
      const page: Page = (read) => {
        const { keda } = autoscaling.kedaPart();
        return keda === undefined ? [] : pageOf(read.rows(kedaMetrics), keda);
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
    if (!this.#isRead(replicaMetrics)) return;
    const view = this.#host.replica(pod);
    const page: Page = (read) => pageOf(read.rows(replicaMetrics), this.#host.replica(pod));
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
    if (!this.#isRead(gatewayMetrics)) return;
    for (const shown of this.#host.gateways()) {
      const view = shown();
      if (view === undefined) continue;
      const labels = { ...placeOf(view), service: view.service, job: view.service };
      const page: Page = (read) => {
        const now = shown();
        return now === undefined ? [] : pageOf(read.rows(gatewayMetrics), now);
      };
      this.#watchPod({ name: view.pod, of: { role: "endpoint-picker", name: view.service } }, { labels, page });
    }
  }

  /** Whether a target with these rows need be scraped at all. */
  #isRead<View>(rows: readonly MetricRow<View>[]): boolean {
    const { reads } = this.#monitoring;
    return reads.wants("up") || reads.rows(rows).length > 0;
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
