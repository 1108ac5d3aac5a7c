import type { LoopSetup } from "./control-loop/loop-setup.ts";
import type { MetricEvidence } from "./control-loop/metric-evidence.ts";
import type { Quarrel } from "./control-loop/writers.ts";
import type { Finding } from "./finding.ts";
import type { LoopKpis } from "./report.ts";

/** One autoscaler and what a run showed of it. */
export interface LoopEvidence {
  readonly setup: LoopSetup;
  readonly kpis: LoopKpis;
  readonly metrics: readonly MetricEvidence[];
  readonly quarrels: readonly Quarrel[];
  /** Whether requests missed their targets, or were left over or turned away for want of replicas. */
  readonly suffering: boolean;
}

export interface FindingRule {
  readonly name: string;
  readonly summary: string;
  look(loop: LoopEvidence): readonly Omit<Finding, "name" | "object">[];
}
