import type { Problem } from "../../../model/problem.ts";
import { isDiscoveredLabel, type RelabelConfig, relabelError } from "../../../promql/index.ts";
import type { Field } from "../../field.ts";
import { textList } from "../kubernetes/label-selector.ts";

/**
 * Reads `relabelings` or `metricRelabelings` of a monitor. Empty fields are as if they were left out, but for separator and
 * replacement. Source: generateRelabelConfig, prometheus-operator v0.93.
 */
export const readRelabelConfigs = (list: Field, problems: Problem[]): readonly RelabelConfig[] =>
  list.items().map((field) => {
    const config = configOf(field);
    const error = relabelError(config);
    if (error !== undefined) {
      const place = field.at(error.field).place;
      problems.push({ severity: "error", reason: "BadRelabeling", ...place, message: error.message });
    }
    config.sourceLabels?.forEach((name, index) => {
      if (!name.startsWith("__meta_") || isDiscoveredLabel(name)) return;
      const message = `${name} is not simulated: it reads as empty`;
      problems.push({ severity: "warning", reason: "NotModelled", ...field.at("sourceLabels", index).place, message });
    });
    return config;
  });

const configOf = (field: Field): RelabelConfig => {
  const sourceLabels = textList(field.at("sourceLabels"));
  const modulus = field.at("modulus").whole()?.value ?? 0;
  const full = (name: "regex" | "targetLabel" | "action") => {
    const text = field.at(name).text()?.value ?? "";
    return text === "" ? {} : { [name]: text };
  };
  const any = (name: "separator" | "replacement") => {
    const text = field.at(name).text()?.value;
    return text === undefined ? {} : { [name]: text };
  };
  return {
    ...(sourceLabels.length === 0 ? {} : { sourceLabels }),
    ...any("separator"),
    ...full("targetLabel"),
    ...full("regex"),
    ...(modulus === 0 ? {} : { modulus }),
    ...any("replacement"),
    ...full("action"),
  };
};
