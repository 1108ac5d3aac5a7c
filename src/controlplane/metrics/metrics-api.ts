import type { SimTime } from "../../sim/time.ts";
import type { MetricsApi, MetricValue } from "../autoscaler.ts";
import type { MonitoringServer, QueryElement, SeriesLabels } from "../monitoring-server.ts";
import type { MetricNames } from "./metric-names.ts";

/** The window that the HPA assumes of a metric whose API names none. */
const DEFAULT_WINDOW_SECONDS = 60;

/**
 * The custom and external metrics APIs as an adapter over Prometheus answers them at one instant: live instant queries,
 * which see what was scraped last. There is no metrics.k8s.io: CPU and memory have no model.
 *
 * Without an adapter's configuration, queries are taken to be the plain ones: a pod's own series for Pods metrics, the sum
 * over the target's pods for Object metrics, and every matching series for External metrics (the HPA sums them).
 * Source: prometheus-adapter v0.12.
 */
export class PlainMetricsApi implements MetricsApi {
  readonly #monitoring: MonitoringServer;
  readonly #names: MetricNames;
  readonly #now: SimTime;
  readonly #pods: readonly string[];

  /** @param pods names of the pods that exist and that the scale target's selector matches */
  constructor(monitoring: MonitoringServer, names: MetricNames, now: SimTime, pods: readonly string[]) {
    this.#monitoring = monitoring;
    this.#names = names;
    this.#now = now;
    this.#pods = pods;
  }

  pods(metric: string, selector: SeriesLabels): ReadonlyMap<string, MetricValue> | undefined {
    const values = new Map<string, MetricValue>();
    for (const { labels, value } of this.#ofPods(metric, selector)) {
      values.set(labels.pod as string, valueOf(value, this.#now));
    }
    return values.size === 0 ? undefined : values;
  }

  object(metric: string, _object: string, selector: SeriesLabels): MetricValue | undefined {
    const ofPods = this.#ofPods(metric, selector);
    if (ofPods.length === 0) return undefined;
    return valueOf(
      ofPods.reduce((sum, { value }) => sum + value, 0),
      this.#now,
    );
  }

  external(metric: string, selector: SeriesLabels): readonly MetricValue[] | undefined {
    const series = this.#names.seriesOf(metric);
    const found = series === undefined ? [] : this.#elements(selectorText(series, selector));
    return found.length === 0 ? undefined : found.map(({ value }) => valueOf(value, this.#now));
  }

  /** In the order of the pods. */
  #ofPods(metric: string, selector: SeriesLabels): readonly QueryElement[] {
    const series = this.#names.seriesOf(metric);
    if (series === undefined) return [];
    const found = this.#elements(`sum by (pod) (${selectorText(series, selector)})`);
    const byPod = new Map(found.map((element) => [element.labels.pod, element]));
    return this.#pods.flatMap((pod) => byPod.get(pod) ?? []);
  }

  #elements(query: string): readonly QueryElement[] {
    const answer = this.#monitoring.query(query, this.#now);
    return answer.ok ? answer.elements : [];
  }
}

const selectorText = (series: string, labels: SeriesLabels): string => {
  const matchers = Object.entries(labels).map(([name, value]) => `${nameText(name)}=${JSON.stringify(value)}`);
  return matchers.length === 0 ? series : `${series}{${matchers.join(",")}}`;
};

const nameText = (name: string): string => (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name));

/** The adapter's `NewMilliQuantity(int64(value * 1000))`: finer parts are cut off, and NaN is 0. Its time is the query's. */
const valueOf = (value: number, at: SimTime): MetricValue => ({
  valueMilli: Number.isNaN(value) ? 0n : BigInt(Math.trunc(value * 1000)),
  at,
  windowSeconds: DEFAULT_WINDOW_SECONDS,
});
