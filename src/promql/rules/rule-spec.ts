/** A group of rules: plain data. Source: model/rulefmt, Prometheus 3.14. */
export interface RuleGroupSpec {
  readonly name: string;
  /** With the name it sets the group apart from others, and at which moment of its interval it is evaluated. */
  readonly file: string;
  readonly intervalMs: number;
  /** How far in the past its queries look, and its samples stand. */
  readonly queryOffsetMs: number;
  /** Series of a recording rule, alerts of an alerting rule; with more the rule fails. 0: any number. */
  readonly limit: number;
  readonly rules: readonly RuleSpec[];
}

export type RuleSpec = RecordingRuleSpec | AlertingRuleSpec;

export interface RecordingRuleSpec {
  readonly record: string;
  readonly expr: string;
  /** With the group's, which they go before. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface AlertingRuleSpec {
  readonly alert: string;
  readonly expr: string;
  /** How long an alert is pending before it fires. */
  readonly forMs: number;
  /** How long one goes on that fires and whose cause is gone. */
  readonly keepFiringForMs: number;
  readonly labels: Readonly<Record<string, string>>;
}

export const isRecording = (rule: RuleSpec): rule is RecordingRuleSpec => "record" in rule;
