import type { Endpoint } from "../../model/endpoint.ts";
import { Histogram, type MetricFamily, type MetricSample } from "../../model/metric-family.ts";
import { type Micros, type SimTime, toSeconds } from "../../sim/time.ts";
import type { SaturationDetector } from "../detector.ts";
import type { FlowControl } from "../flow-control/flow-control.ts";
import type { QueueOutcome } from "../flow-control/queue-listener.ts";
import { saturationByStage } from "../saturation-stages.ts";

const QUEUE_BOUNDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What became of the requests of one flow. */
interface FlowRecord {
  readonly fairnessId: string;
  readonly priority: number;
  readonly waits: Map<QueueOutcome, Histogram>;
}

/** How long requests waited and what became of them, by flow. A flow that is forgotten takes its series along, as in the EPP. */
export class QueueRecord {
  readonly #flows = new Map<string, FlowRecord>();
  readonly #requests = new Map<string, { readonly priority: number; readonly outcome: QueueOutcome; count: number }>();

  ended(fairnessId: string, priority: number, outcome: QueueOutcome, waited: Micros): void {
    const { waits } = this.#flowOf(fairnessId, priority);
    const histogram = waits.get(outcome) ?? new Histogram(QUEUE_BOUNDS);
    waits.set(outcome, histogram);
    histogram.observe(toSeconds(waited));
    const key = `${priority} ${outcome}`;
    const total = this.#requests.get(key) ?? { priority, outcome, count: 0 };
    total.count += 1;
    this.#requests.set(key, total);
  }

  forget(fairnessId: string, priority: number): void {
    this.#flows.delete(keyOf(fairnessId, priority));
  }

  /** How many ended so, whatever their flow. */
  count(outcome: QueueOutcome): number {
    let count = 0;
    for (const total of this.#requests.values()) if (total.outcome === outcome) count += total.count;
    return count;
  }

  families({ model, pool }: MetricNames): MetricFamily[] {
    const waits = [...this.#flows.values()].flatMap(({ fairnessId, priority, waits: ofOutcome }) =>
      [...ofOutcome].map(([outcome, histogram]) => ({
        labels: { fairness_id: fairnessId, priority: `${priority}`, outcome, inference_pool: pool, ...model },
        value: histogram.value(),
      })),
    );
    const requests = [...this.#requests.values()].map(({ priority, outcome, count }) => ({
      labels: { outcome, priority: `${priority}`, inference_pool: pool },
      value: count,
    }));
    return [
      {
        name: "llm_d_epp_flow_control_request_queue_duration_seconds",
        type: "histogram",
        help: "Distribution of total time requests spend in the Flow Control layer (from enqueue to final outcome).",
        samples: waits,
      },
      {
        name: "llm_d_epp_flow_control_requests",
        type: "counter",
        help: "Total number of requests processed by the Flow Control layer.",
        samples: requests,
      },
    ];
  }

  #flowOf(fairnessId: string, priority: number): FlowRecord {
    const key = keyOf(fairnessId, priority);
    const flow = this.#flows.get(key) ?? { fairnessId, priority, waits: new Map() };
    this.#flows.set(key, flow);
    return flow;
  }
}

const keyOf = (fairnessId: string, priority: number): string => `${priority} ${fairnessId}`;

/** Labels that are the same on all series. */
export interface MetricNames {
  readonly pool: string;
  readonly model: { readonly model_name: string; readonly target_model_name: string };
}

/**
 * Gauges of the queue and of the pool, by the EPP's names. Its queue size and bytes leave out requests whose clients are gone,
 * its capacity utilisation has them until they are swept. Source: llm-d-router (August 2026), pkg/epp/metrics.
 */
export const queueGauges = (queue: FlowControl, { pool, model }: MetricNames): MetricFamily[] => {
  const flows = queue.bands.flatMap((band) => [...band.flows.values()]);
  const ofFlows = (of: (flow: (typeof flows)[number]) => number): MetricSample[] =>
    flows.map((flow) => ({
      labels: { fairness_id: flow.id, priority: `${flow.band.priority}`, inference_pool: pool, ...model },
      value: of(flow),
    }));
  const ofBands = (of: (band: (typeof queue.bands)[number]) => number): MetricSample[] =>
    queue.bands.map((band) => ({ labels: { priority: `${band.priority}`, inference_pool: pool }, value: of(band) }));
  const ofAll = (used: number, most: number): MetricSample[] =>
    most === 0 ? [] : [{ labels: { inference_pool: pool }, value: used / most }];
  return [
    gauge(
      "queue_size",
      "Current number of requests actively held in the Flow Control queue.",
      ofFlows((f) => f.requests),
    ),
    gauge(
      "queue_bytes",
      "Current total size in bytes of requests actively held in the Flow Control queue.",
      ofFlows((flow) => flow.bytes),
    ),
    gauge(
      "capacity_utilization_requests",
      "Requests held in a priority band, over its capacity.",
      ofBands((band) => band.requests / band.maxRequests),
    ),
    gauge(
      "capacity_utilization_bytes",
      "Bytes held in a priority band, over its capacity.",
      ofBands((band) => band.bytes / band.maxBytes),
    ),
    gauge(
      "global_capacity_utilization_requests",
      "Requests held in all bands, over the global capacity; none where there is no limit.",
      ofAll(queue.requests, queue.maxRequests),
    ),
    gauge(
      "global_capacity_utilization_bytes",
      "Bytes held in all bands, over the global capacity; none where there is no limit.",
      ofAll(queue.bytes, queue.maxBytes),
    ),
    ...reclamationFamilies(queue, pool),
  ];
};

/** Saturation as a cycle at `now` would see it; a stage without endpoints has no series. */
export const saturationGauges = (
  detector: SaturationDetector,
  detectorName: string,
  endpoints: readonly Endpoint[],
  now: SimTime,
  pool: string,
): MetricFamily[] => {
  const { prefill, decode, effective } = saturationByStage(detector, endpoints, now);
  const stages = Object.entries({ prefill, decode, effective }).flatMap(([stage, value]) =>
    value === undefined ? [] : [{ labels: { inference_pool: pool, stage }, value }],
  );
  const stale = { labels: { detector: detectorName }, value: detector.stale(endpoints, now) };
  return [
    gauge("pool_saturation", "Saturation of the pool by stage; 1 is the set point.", stages),
    gauge("stale_endpoints", "Endpoints whose metrics are missing or stale, which count as saturated.", [stale]),
  ];
};

const reclamationFamilies = ({ reclamation }: FlowControl, pool: string): MetricFamily[] => {
  if (reclamation === undefined) return [];
  const { issued, confirmed, timedOut, target, pending } = reclamation.counts;
  const one = (value: number): MetricSample[] => [{ labels: { inference_pool: pool }, value }];
  const outcome = (name: string, value: number): MetricSample => ({
    labels: { outcome: name, inference_pool: pool },
    value,
  });
  return [
    {
      name: "llm_d_epp_flow_control_revocations_issued",
      type: "counter",
      help: "Total number of in-flight eviction revocations issued, labeled by the demand band's priority.",
      samples: [...issued].map(([priority, value]) => ({
        labels: { priority: `${priority}`, inference_pool: pool },
        value,
      })),
    },
    {
      name: "llm_d_epp_flow_control_revocations",
      type: "counter",
      help: "Total number of in-flight eviction revocations by terminal outcome (confirmed, timed_out).",
      samples: [outcome("confirmed", confirmed), outcome("timed_out", timedOut)],
    },
    gauge("reclaim_target", "Last computed reclamation deficit, in saturation-gauge units.", one(target)),
    gauge("pending_reclaim", "Sum of outstanding and cooling debits, in saturation-gauge units.", one(pending)),
  ];
};

const gauge = (name: string, help: string, samples: readonly MetricSample[]): MetricFamily => ({
  name: `llm_d_epp_flow_control_${name}`,
  type: "gauge",
  help,
  samples,
});
