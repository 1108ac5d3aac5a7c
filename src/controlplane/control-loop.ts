import type { MetricFamily } from "../model/metric-family.ts";
import type { Micros, SimTime } from "../sim/time.ts";
import type { ScaleView } from "./autoscaler.ts";
import type { MonitoringServer } from "./monitoring-server.ts";

/** What a control loop can see when it runs. */
export interface ControlView {
  readonly now: SimTime;
  readonly monitoring: MonitoringServer;
  /** The scale of a workload of this world, by its name. */
  scale(workload: string): ScaleView;
}

/** What one pass of a control loop comes to. */
export interface ControlStep {
  /** Scales to be written, in this order; one that is as it was is passed over. */
  readonly scales: readonly { readonly workload: string; readonly replicas: number; readonly reason: string }[];
  /** From this pass to the next, not 0. */
  readonly againAfter: Micros;
}

/**
 * A controller beside the HPA that acts at its own period: KEDA's activation loop, a planner. It keeps what the real one
 * keeps in memory, and draws no chance but from streams it was given.
 */
export interface ControlLoop {
  /** As the facts name it: `ScaledObject/inference/chat`, say. */
  readonly name: string;
  /** All queries that it will ever ask, or selectors of what they will read: no other series need be kept. */
  readonly queries: readonly string[];
  /** From the start of the world to its first pass. */
  readonly firstAfter: Micros;
  run(view: ControlView): ControlStep;
  /** What its own metrics page shows now, for those that export one: scraped like any target. */
  families?(): readonly MetricFamily[];
  /** Labels of the target that this page is; left out: `job` alone, by its name. */
  readonly labels?: Readonly<Record<string, string>>;
}
