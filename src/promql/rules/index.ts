export { isPlainTemplate } from "./label-template.ts";
export { type RuleFailure, RuleGroup } from "./rule-group.ts";
export type { AlertingRuleSpec, RecordingRuleSpec, RuleGroupSpec, RuleSpec } from "./rule-spec.ts";
