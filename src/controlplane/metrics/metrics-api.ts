import type { SimTime } from "../../sim/time.ts";
import type { MetricsApi, MetricValue } from "../autoscaler.ts";
import { seriesOf } from "./metric-names.ts";
import type { Labels, Sample, ScrapedSeries } from "./scraped-series.ts";

export { metricProblem, metricProblems, neededSeries, seriesOf } from "./metric-names.ts";

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
export class ScrapedMetricsApi implements MetricsApi {
  readonly #series: ScrapedSeries;
  readonly #now: SimTime;
  readonly #pods: readonly string[];

  /** @param pods names of the pods that exist and that the scale target's selector matches */
  constructor(series: ScrapedSeries, now: SimTime, pods: readonly string[]) {
    this.#series = series;
    this.#now = now;
    this.#pods = pods;
  }

  pods(metric: string, selector: Labels): ReadonlyMap<string, MetricValue> | undefined {
    const series = seriesOf(metric);
    if (series === undefined) return undefined;
    const samples = this.#series.matching(series, selector, this.#now);
    const values = new Map<string, MetricValue>();
    for (const pod of this.#pods) {
      const sample = samples.get(pod);
      if (sample !== undefined) values.set(pod, valueOf(sample.value, this.#now));
    }
    return values.size === 0 ? undefined : values;
  }

  object(metric: string, _object: string, selector: Labels): MetricValue | undefined {
    const series = seriesOf(metric);
    if (series === undefined) return undefined;
    const samples = this.#series.matching(series, selector, this.#now);
    const ofPods = this.#pods.map((pod) => samples.get(pod)).filter((sample) => sample !== undefined);
    if (ofPods.length === 0) return undefined;
    return valueOf(
      ofPods.reduce((sum, { value }) => sum + value, 0),
      this.#now,
    );
  }

  external(metric: string, selector: Labels): readonly MetricValue[] | undefined {
    const series = seriesOf(metric);
    if (series === undefined) return undefined;
    const samples: readonly Sample[] = [...this.#series.matching(series, selector, this.#now).values()];
    return samples.length === 0 ? undefined : samples.map(({ value }) => valueOf(value, this.#now));
  }
}

/** The adapter's `NewMilliQuantity(int64(value * 1000))`: finer parts are cut off, and NaN is 0. Its time is the query's. */
const valueOf = (value: number, at: SimTime): MetricValue => ({
  valueMilli: Number.isNaN(value) ? 0n : BigInt(Math.trunc(value * 1000)),
  at,
  windowSeconds: DEFAULT_WINDOW_SECONDS,
});
