import { type Micros, micros, type SimTime } from "../../sim/time.ts";
import type { MetricsApi, MetricValue, PodView } from "../autoscaler.ts";
import type { ControlLoop, ControlStep, ControlView } from "../control-loop.ts";
import { scrapePhase } from "../metrics/scrape-schedule.ts";
import type { MonitoringServer, SeriesLabels } from "../monitoring-server.ts";
import { type AdapterRules, queriesOf } from "./adapter-rules.ts";
import { customKey, customMetrics, externalMetrics, type FindSeries, type MetricList } from "./metric-lists.ts";
import { metricValue } from "./metric-values.ts";
import { podUsage } from "./pod-usage.ts";
import { NAMESPACES, PODS, resourcesOfKind } from "./resource-kinds.ts";

export interface AdapterOptions {
  /** --metrics-relist-interval */
  readonly relistInterval: Micros;
  /** --metrics-max-age: a series counts for the list if it had a sample since. Not less than the interval. */
  readonly maxAge: Micros;
}

/** Of whom metrics are asked, and when. */
export interface MetricsQuestion {
  readonly monitoring: MonitoringServer;
  readonly now: SimTime;
  /** Of the HPA. */
  readonly namespace: string;
  /** All that the scale target's selector matches. */
  readonly pods: readonly Pick<PodView, "name" | "phase">[];
}

/**
 * prometheus-adapter: answers custom.metrics.k8s.io, external.metrics.k8s.io and metrics.k8s.io by queries of its rules. Which
 * metrics there are it looks up at its relist interval only; their values it queries for every request.
 *
 * It is taken to have been running before the world began, so it knows the metrics of what runs at the start: up to its first
 * pass, one interval and its own phase after the start, it looks them up for every request. A metric whose first series comes
 * later is there from the next pass on.
 * Source: kubernetes-sigs/prometheus-adapter v0.12.0, pkg/custom-provider, pkg/external-provider, pkg/resourceprovider.
 */
export class PrometheusAdapter implements ControlLoop {
  readonly name = "prometheus-adapter";
  readonly queries: readonly string[];
  readonly firstAfter: Micros;
  readonly #rules: AdapterRules;
  readonly #options: AdapterOptions;
  #custom: MetricList = new Map();
  #external: MetricList = new Map();
  /** Whether it has had a pass of its own. */
  #passed = false;
  #listedAt: SimTime | undefined;

  constructor(rules: AdapterRules, options: AdapterOptions) {
    this.#rules = rules;
    this.#options = options;
    this.queries = queriesOf(rules);
    this.firstAfter = micros(options.relistInterval + scrapePhase(this.name, options.relistInterval));
  }

  /** Whether it answers metrics.k8s.io, in place of metrics-server. */
  get measuresUsage(): boolean {
    return this.#rules.usage !== undefined;
  }

  /** Looks up which metrics there are. Scales nothing. */
  run({ monitoring, now }: Pick<ControlView, "monitoring" | "now">): ControlStep {
    this.#passed = true;
    this.#list(monitoring, now);
    return { scales: [], againAfter: this.#options.relistInterval };
  }

  /** What the APIs answer at `now`. */
  api(question: MetricsQuestion): MetricsApi {
    if (!this.#passed && this.#listedAt !== question.now) this.#list(question.monitoring, question.now);
    return new AdapterMetricsApi(this.#rules, this.#custom, this.#external, question);
  }

  /** A list of which a query fails stays as it was. */
  #list(monitoring: MonitoringServer, now: SimTime): void {
    const find: FindSeries = (seriesQuery) => monitoring.series([seriesQuery], this.#options.maxAge, now);
    this.#custom = customMetrics(this.#rules.custom, find) ?? this.#custom;
    this.#external = externalMetrics(this.#rules.external, find) ?? this.#external;
    this.#listedAt = now;
  }
}

class AdapterMetricsApi implements MetricsApi {
  readonly resource?: NonNullable<MetricsApi["resource"]>;
  readonly #custom: MetricList;
  readonly #external: MetricList;
  readonly #question: MetricsQuestion;

  constructor({ usage }: AdapterRules, custom: MetricList, external: MetricList, question: MetricsQuestion) {
    this.#custom = custom;
    this.#external = external;
    this.#question = question;
    if (usage === undefined) return;
    const { monitoring, now, namespace, pods } = question;
    const running = pods.filter(({ phase }) => phase === "Running").map(({ name }) => name);
    this.resource = (resource, container) =>
      podUsage(usage, { resource, container, namespace, pods: running }, monitoring, now);
  }

  pods(metric: string, selector: SeriesLabels): ReadonlyMap<string, MetricValue> | undefined {
    const { namespace, pods } = this.#question;
    const names = pods.map(({ name }) => name).sort();
    const values = names.length === 0 ? undefined : this.#objects([PODS], metric, names, namespace, selector);
    if (values === undefined) return undefined;
    const ofPods = new Map(names.flatMap((name) => pairOf(name, values.get(name))));
    return ofPods.size === 0 ? undefined : ofPods;
  }

  /** A Namespace is described from outside of all namespaces, anything else in that of the HPA. */
  object(metric: string, object: string, selector: SeriesLabels, kind: string): MetricValue | undefined {
    const resources = resourcesOfKind(kind);
    const namespace = resources.includes(NAMESPACES) ? "" : this.#question.namespace;
    return this.#objects(resources, metric, [object], namespace, selector)?.get(object);
  }

  external(metric: string, selector: SeriesLabels): readonly MetricValue[] | undefined {
    const { monitoring, now, namespace } = this.#question;
    const listed = this.#external.get(metric);
    const query = listed?.rule.queryForExternal(listed.series, selector, namespace);
    const answer = query === undefined ? undefined : monitoring.query(query, now);
    if (!answer?.ok || answer.elements.length === 0) return undefined;
    return answer.elements.map(({ value }) => metricValue(value, now));
  }

  /**
   * Values by the name that the label of the resource holds; where several bear one, the last. NaN is 0.
   *
   * @param resources of which the first counts that the metric is listed for
   */
  #objects(
    resources: readonly string[],
    metric: string,
    names: readonly string[],
    namespace: string,
    selector: SeriesLabels,
  ): ReadonlyMap<string, MetricValue> | undefined {
    const { monitoring, now } = this.#question;
    for (const resource of resources) {
      const listed = this.#custom.get(customKey(resource, namespace !== "", metric));
      if (listed === undefined) continue;
      const { series, rule } = listed;
      const query = rule.queryForObjects(series, selector, { resource, names, namespace });
      const answer = query === undefined ? undefined : monitoring.query(query, now);
      if (!answer?.ok || answer.type !== "vector") return undefined;
      const label = rule.labels.labelFor(resource) ?? "";
      return new Map(
        answer.elements.map(({ labels, value }) => [
          labels[label] ?? "",
          metricValue(Number.isNaN(value) ? 0 : value, now),
        ]),
      );
    }
    return undefined;
  }
}

const pairOf = <T>(name: string, value: T | undefined): readonly (readonly [string, T])[] =>
  value === undefined ? [] : [[name, value]];
