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
