import { good, type Problem, type Result } from "../../../model/problem.ts";
import { isPlainTemplate, parseQuery, type RuleGroupSpec, type RuleSpec } from "../../../promql/index.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type RulesReading, rulesReader } from "../../reader.ts";
import { promDuration } from "./prometheus-duration.ts";

/** `spec.evaluationInterval` of a Prometheus, prometheus-operator v0.93. */
const INTERVAL_SECONDS = 30;

/**
 * Reads a monitoring.coreos.com/v1 PrometheusRule: groups of recording and alerting rules. Annotations, and what is Thanos'
 * own, stay unread. What is an error here keeps the operator from handing the object to Prometheus at all.
 * Source: ValidateRule, prometheus-operator v0.93, and rulefmt.RuleGroups.Validate, Prometheus 3.14.
 */
export const prometheusRule = rulesReader({
  kind: "PrometheusRule",
  group: "monitoring.coreos.com",
  summary: "a PrometheusRule, whose recording and alerting rules a Prometheus evaluates",
  read: (manifest) => readRules(manifest),
});

const readRules = (manifest: Manifest): Result<RulesReading> => {
  const problems: Problem[] = [];
  const ref = refOf(manifest);
  const names = new Set<string>();
  const groups = Field.root(manifest, problems)
    .at("spec", "groups")
    .items()
    .map((field) => {
      const group = readGroup(field, `${ref.namespace}-${ref.name}.yaml`, problems);
      if (group.name === "") refuse(field.at("name"), "Groupname must not be empty", problems);
      if (names.has(group.name))
        refuse(field.at("name"), `groupname: "${group.name}" is repeated in the same file`, problems);
      names.add(group.name);
      return group;
    });
  return problems.some(({ severity }) => severity === "error")
    ? { ok: false, problems }
    : good({ ref, groups }, problems);
};

const refuse = (field: Field, message: string, problems: Problem[], fix?: string): void => {
  problems.push({
    severity: "error",
    reason: "BadRule",
    ...field.place,
    message,
    ...(fix === undefined ? {} : { fix }),
  });
};

const readGroup = (field: Field, file: string, problems: Problem[]): RuleGroupSpec => {
  const interval = promDuration(field.at("interval"), problems)?.value ?? 0;
  const labels = readLabels(field.at("labels"), problems);
  return {
    name: field.at("name").text()?.value ?? "",
    file,
    intervalMs: (interval === 0 ? INTERVAL_SECONDS : interval) * 1000,
    queryOffsetMs: millisecondsOf(field.at("query_offset"), problems),
    limit: field.at("limit").whole()?.value ?? 0,
    rules: field
      .at("rules")
      .items()
      .flatMap((rule) => readRule(rule, labels, problems) ?? []),
  };
};

const millisecondsOf = (field: Field, problems: Problem[]): number =>
  (promDuration(field, problems)?.value ?? 0) * 1000;

const readRule = (
  field: Field,
  groupLabels: Readonly<Record<string, string>>,
  problems: Problem[],
): RuleSpec | undefined => {
  const record = field.at("record").text()?.value ?? "";
  const alert = field.at("alert").text()?.value ?? "";
  if (record !== "" && alert !== "") refuse(field, "only one of 'record' and 'alert' must be set", problems);
  if (record === "" && alert === "") refuse(field, "one of 'record' or 'alert' must be set", problems);
  const expr = readExpr(field.at("expr"), problems);
  const labels = { ...groupLabels, ...readLabels(field.at("labels"), problems) };
  if (record !== "") {
    tellRecording(field, record, problems);
    return { record, expr, labels };
  }
  tellTemplates(field.at("labels"), problems);
  const forMs = millisecondsOf(field.at("for"), problems);
  const keepFiringForMs = millisecondsOf(field.at("keep_firing_for"), problems);
  return alert === "" ? undefined : { alert, expr, forMs, keepFiringForMs, labels };
};

const readExpr = (field: Field, problems: Problem[]): string => {
  const expr = typeof field.raw === "number" ? String(field.raw) : (field.text()?.value ?? "");
  if (expr === "") {
    refuse(field, "field 'expr' must be set in rule", problems);
    return expr;
  }
  const parsed = parseQuery(expr);
  // Its first line has the place; the others show it.
  if (!parsed.ok) refuse(field, `could not parse expression: ${parsed.message.split("\n")[0]}`, problems);
  return expr;
};

const readLabels = (field: Field, problems: Problem[]): Readonly<Record<string, string>> => {
  const labels = field.texts();
  for (const name of Object.keys(labels)) {
    if (name === "" || name === "__name__") refuse(field.at(name), `invalid label name: ${name}`, problems);
  }
  return labels;
};

const tellRecording = (field: Field, record: string, problems: Problem[]): void => {
  for (const name of ["for", "keep_firing_for", "annotations"]) {
    if (field.at(name).present) refuse(field.at(name), `invalid field '${name}' in recording rule`, problems);
  }
  if (/[{}]/.test(record)) {
    const message = `braces present in the recording rule name; should it be in expr?: ${record}`;
    refuse(field.at("record"), message, problems);
  }
};

const tellTemplates = (labels: Field, problems: Problem[]): void => {
  for (const [name, field] of labels.entries()) {
    const text = field.text()?.value ?? "";
    if (isPlainTemplate(text)) continue;
    const message = `of templates only {{ $labels.name }} is understood: the label ${name} stays as it is written`;
    problems.push({ severity: "warning", reason: "NotModelled", ...field.place, message });
  }
};
