import type { MetricFamily, MetricSample } from "../model/metric-family.ts";
import type { AutoscalerView, GatewayView, ReplicaView, WorkloadView } from "./world-view.ts";

/** One metric family: production's own name, type and help, and a pure function of what it describes. */
export interface MetricRow<View> {
  readonly name: string;
  readonly type: MetricFamily["type"];
  readonly help: string;
  samples(view: View): readonly MetricSample[];
}

export type ReplicaMetric = MetricRow<ReplicaView>;
export type WorkloadMetric = MetricRow<WorkloadView>;
export type AutoscalerMetric = MetricRow<AutoscalerView>;
export type GatewayMetric = MetricRow<GatewayView>;
