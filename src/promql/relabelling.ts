import type { Labels } from "./labels.ts";
import { md5 } from "./md5.ts";
import { compileRegexp, type Regexp, RegexpError } from "./regexp.ts";
import { expand, isLabelName } from "./relabel.ts";
import { utf8Of } from "./strings.ts";

/** Source: relabel.Action, Prometheus 3.14. */
export const RELABEL_ACTIONS = [
  "replace",
  "keep",
  "drop",
  "keepequal",
  "dropequal",
  "hashmod",
  "labelmap",
  "labeldrop",
  "labelkeep",
  "lowercase",
  "uppercase",
] as const;

export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

/** One rule of a relabel configuration, as it was said: plain data. What is left out has Prometheus' default. */
export interface RelabelConfig {
  readonly sourceLabels?: readonly string[];
  /** Between the values of the source labels; default `;`. */
  readonly separator?: string;
  /** Of all of them joined; default `(.*)`. */
  readonly regex?: string;
  /** Whole; for hashmod. */
  readonly modulus?: number;
  readonly targetLabel?: string;
  /** Default `$1`. */
  readonly replacement?: string;
  /** In any case of letters; default `replace`. */
  readonly action?: string;
}

/** A configuration that Prometheus refuses. */
export class RelabelError extends Error {
  /** The one of its fields that is wrong. */
  readonly field: keyof RelabelConfig;

  constructor(field: keyof RelabelConfig, message: string) {
    super(message);
    this.field = field;
  }
}

/** @returns undefined for what is dropped */
export type Relabelling = (labels: Labels) => Labels | undefined;

/**
 * Rules one after another over the labels of a target or a sample.
 *
 * @throws RelabelError for the first rule that Prometheus refuses
 * Source: relabel.Process and Config.Validate with UTF-8 names, Prometheus 3.14.
 */
export const relabelling = (configs: readonly RelabelConfig[]): Relabelling => {
  const rules = configs.map(ruleOf);
  return (labels) => {
    let current: Labels | undefined = labels;
    for (const rule of rules) {
      current = rule(current);
      if (current === undefined) return undefined;
    }
    return current;
  };
};

/** @returns what is wrong with a rule, in Prometheus' words, and its field; undefined for a right one */
export const relabelError = (config: RelabelConfig): RelabelError | undefined => {
  try {
    ruleOf(config);
    return undefined;
  } catch (error) {
    if (error instanceof RelabelError) return error;
    throw error;
  }
};

const SEPARATOR = ";";
const REPLACEMENT = "$1";

interface Rule {
  readonly action: RelabelAction;
  readonly regexp: Regexp;
  readonly target: string;
  readonly replacement: string;
  readonly modulus: bigint;
  readonly joined: (labels: Labels) => string;
}

const ruleOf = (config: RelabelConfig): Relabelling => {
  const action = actionOf(config.action ?? "replace");
  validate(config, action);
  const { sourceLabels = [], separator = SEPARATOR } = config;
  const rule: Rule = {
    action,
    regexp: compiled(config.regex ?? "(.*)"),
    target: config.targetLabel ?? "",
    replacement: config.replacement ?? REPLACEMENT,
    modulus: BigInt(config.modulus ?? 0),
    joined: (labels) => sourceLabels.map((name) => labels.get(name)).join(separator),
  };
  return (labels) => applied(rule, labels);
};

const actionOf = (said: string): RelabelAction => {
  if (said === "") throw new RelabelError("action", "relabel action cannot be empty");
  const action = RELABEL_ACTIONS.find((one) => one === said.toLowerCase());
  if (action === undefined) throw new RelabelError("action", `unknown relabel action ${JSON.stringify(said)}`);
  return action;
};

const compiled = (pattern: string): Regexp => {
  try {
    return compileRegexp(pattern);
  } catch (error) {
    if (error instanceof RegexpError) throw new RelabelError("regex", error.message);
    throw error;
  }
};

const WITH_TARGET: ReadonlySet<RelabelAction> = new Set([
  "replace",
  "hashmod",
  "lowercase",
  "uppercase",
  "keepequal",
  "dropequal",
]);
const WITHOUT_REPLACEMENT: ReadonlySet<RelabelAction> = new Set(["lowercase", "uppercase", "keepequal", "dropequal"]);

const validate = (config: RelabelConfig, action: RelabelAction): void => {
  const { targetLabel = "", replacement = REPLACEMENT, modulus = 0 } = config;
  const refuse = (field: keyof RelabelConfig, message: string): never => {
    throw new RelabelError(field, message);
  };
  if (modulus === 0 && action === "hashmod")
    refuse("modulus", "relabel configuration for hashmod requires non-zero modulus");
  if (WITH_TARGET.has(action)) {
    if (targetLabel === "")
      refuse("targetLabel", `relabel configuration for ${action} action requires 'target_label' value`);
    if (!isLabelName(targetLabel))
      refuse("targetLabel", `${JSON.stringify(targetLabel)} is invalid 'target_label' for ${action} action`);
  }
  if (WITHOUT_REPLACEMENT.has(action) && replacement !== REPLACEMENT)
    refuse("replacement", `'replacement' can not be set for ${action} action`);
  if (action === "labelmap" && !isLabelName(replacement))
    refuse("replacement", `${JSON.stringify(replacement)} is invalid 'replacement' for ${action} action`);
  if (action === "keepequal" || action === "dropequal") {
    const other = further(config, ["regex", "modulus", "separator"]);
    const only = "requires only 'source_labels' and `target_label`, and no other fields";
    if (other !== undefined) refuse(other, `${action} action ${only}`);
  }
  if (action === "labeldrop" || action === "labelkeep") {
    const other = further(config, ["sourceLabels", "targetLabel", "modulus", "separator", "replacement"]);
    if (other !== undefined) refuse(other, `${action} action requires only 'regex', and no other fields`);
  }
};

const DEFAULTS: RelabelConfig = {
  separator: SEPARATOR,
  regex: "(.*)",
  modulus: 0,
  targetLabel: "",
  replacement: REPLACEMENT,
};

/** The first of these fields that is not as if it were left out. */
const further = (config: RelabelConfig, fields: readonly (keyof RelabelConfig)[]): keyof RelabelConfig | undefined =>
  fields.find((field) => config[field] !== undefined && config[field] !== DEFAULTS[field]);

const applied = (rule: Rule, labels: Labels): Labels | undefined => {
  const { action, regexp, target, joined } = rule;
  switch (action) {
    case "replace":
      return replaced(rule, labels);
    case "keep":
      return regexp.matches(joined(labels)) ? labels : undefined;
    case "drop":
      return regexp.matches(joined(labels)) ? undefined : labels;
    case "keepequal":
      return labels.get(target) === joined(labels) ? labels : undefined;
    case "dropequal":
      return labels.get(target) === joined(labels) ? undefined : labels;
    case "hashmod":
      return labels.with(target, String(last64Bits(md5(utf8Of(joined(labels)))) % rule.modulus));
    case "labelmap":
      return mapped(rule, labels);
    case "labeldrop":
      return labels.drop(labels.names.filter((name) => regexp.matches(name)));
    case "labelkeep":
      return labels.keep(labels.names.filter((name) => regexp.matches(name)));
    case "lowercase":
      return labels.with(target, joined(labels).toLowerCase());
    case "uppercase":
      return labels.with(target, joined(labels).toUpperCase());
    default:
      return action satisfies never;
  }
};

/** Without a match nothing changes; a target that comes out as no name is passed over; an empty value takes it away. */
const replaced = ({ regexp, target, replacement, joined }: Rule, labels: Labels): Labels => {
  const groups = regexp.exec(joined(labels));
  if (groups === undefined) return labels;
  const name = target.includes("$") ? expand(target, regexp, groups) : target;
  if (!isLabelName(name)) return labels;
  return labels.with(name, replacement.includes("$") ? expand(replacement, regexp, groups) : replacement);
};

const mapped = ({ regexp, replacement }: Rule, labels: Labels): Labels => {
  let result = labels;
  for (const [name, value] of labels.pairs()) {
    const groups = regexp.exec(name);
    if (groups !== undefined) result = result.with(expand(replacement, regexp, groups), value);
  }
  return result;
};

const last64Bits = (bytes: readonly number[]): bigint =>
  bytes.slice(8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
