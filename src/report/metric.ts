import type { MetricFamily, MetricSample } from "../model/metric-family.ts";
import type {
  AutoscalerView,
  GatewayView,
  KedaView,
  NodeView,
  PodStatusView,
  ReplicaView,
  WorkloadView,
} from "./world-view.ts";

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
export type KedaMetric = MetricRow<KedaView>;
export type GatewayMetric = MetricRow<GatewayView>;
/** Instants are shown as Unix time. `epochSeconds`: Unix time at which the world began; 0 where it goes by its own clock. */
export type Dated<View> = View & { readonly epochSeconds: number };
export type NodeMetric = MetricRow<Dated<NodeView>>;
export type PodMetric = MetricRow<Dated<PodStatusView>>;
