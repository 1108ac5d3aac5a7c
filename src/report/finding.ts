import type { LoopSetup } from "./control-loop/loop-setup.ts";
import type { MetricEvidence } from "./control-loop/metric-evidence.ts";
import type { Quarrel } from "./control-loop/writers.ts";
import type { LoopKpis } from "./report.ts";

/** From the mildest to the most severe. */
export const SEVERITIES = ["info", "warning", "error"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What is wrong with a control loop, as far as the run proves it. */
export interface Finding {
  /** Of the rule that found it: `metric-cannot-grow`. */
  readonly name: string;
  readonly severity: Severity;
  /** `HorizontalPodAutoscaler/inference/chat`. */
  readonly object: string;
  /** Left out: no field of its own. */
  readonly field?: string;
  /** One sentence, for people. */
  readonly message: string;
  /** The figures that it rests on; units in their names. */
  readonly evidence: Readonly<Record<string, number>>;
  /** What would be better. */
  readonly fix: string;
}

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
