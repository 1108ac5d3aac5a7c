import type { MetricFamily, MetricSample } from "../../model/metric-family.ts";
import type { ControllerTarget } from "../controller.ts";

/** What an HPA may read of it. */
export const VARIANT_GAUGES: readonly string[] = ["wva_desired_replicas", "wva_current_replicas", "wva_desired_ratio"];
/** Without `_total`. */
export const VARIANT_COUNTERS: readonly string[] = ["wva_replica_scaling"];

interface Published {
  readonly labels: Readonly<Record<string, string>>;
  readonly current: number;
  readonly desired: number;
}

/**
 * The controller's metrics page (llm-d WVA, internal/metrics). A gauge stays as it was set last. Prometheus calls the label
 * `namespace` `exported_namespace` where the scraped target has one of its own.
 */
export class VariantMetrics {
  readonly #published = new Map<string, Published>();
  readonly #scaled = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>();

  set({ name, namespace, accelerator }: ControllerTarget, current: number, desired: number): void {
    const labels = { variant_name: name, namespace, accelerator_type: accelerator };
    this.#published.set(`${namespace}/${name}`, { labels, current, desired });
  }

  count({ name, namespace }: ControllerTarget, direction: "scale-up" | "scale-down", reason: string): void {
    const key = `${namespace}/${name}/${direction}/${reason}`;
    const labels = { variant_name: name, namespace, direction, reason };
    const counter = this.#scaled.get(key) ?? { labels, value: 0 };
    counter.value += 1;
    this.#scaled.set(key, counter);
  }

  families(): readonly MetricFamily[] {
    const gauge = (name: string, help: string, value: (one: Published) => number): MetricFamily => ({
      name,
      type: "gauge",
      help,
      samples: [...this.#published.values()].map((one) => ({ labels: one.labels, value: value(one) })),
    });
    const counts: readonly MetricSample[] = [...this.#scaled.values()].map(({ labels, value }) => ({ labels, value }));
    return [
      gauge("wva_desired_replicas", "Desired number of replicas for each variant", ({ desired }) => desired),
      gauge("wva_current_replicas", "Current number of replicas for each variant", ({ current }) => current),
      gauge(
        "wva_desired_ratio",
        "Ratio of the desired number of replicas and the current number of replicas for each variant",
        ({ desired, current }) => (current === 0 ? desired : desired / current),
      ),
      {
        name: "wva_replica_scaling",
        type: "counter",
        help: "Total number of replica scaling operations",
        samples: counts,
      },
    ].filter(({ samples }) => samples.length > 0) as readonly MetricFamily[];
  }
}
