import type { MatchLabels } from "./spec.ts";

const NAME = "[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";
const KEY = `(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?${NAME}`;
const VALUES = `\\(\\s*(?:${NAME})?(?:\\s*,\\s*(?:${NAME})?)*\\s*\\)`;
const REQUIREMENT = [
  `!?\\s*${KEY}`,
  `${KEY}\\s*(?:==?|!=)\\s*(?:${NAME})?`,
  `${KEY}\\s+(?:in|notin)\\s*${VALUES}`,
  `${KEY}\\s*[<>]\\s*[-+]?\\d+`,
].join("|");
const SELECTOR = new RegExp(`^\\s*(?:${REQUIREMENT})\\s*(?:,\\s*(?:${REQUIREMENT})\\s*)*$`);

/** Whether a label selector's text has the form that labels.Parse of k8s.io/apimachinery v0.36 takes. */
export const isLabelSelector = (text: string): boolean => SELECTOR.test(text);

/** Writes matchLabels as Go prints a *metav1.LabelSelector: so they stand in the messages and events of the controller. */
export const printLabelSelector = (labels: MatchLabels): string => {
  const keys = Object.keys(labels).sort();
  if (keys.length === 0) return "nil";
  const pairs = keys.map((key) => `${key}: ${labels[key]},`).join("");
  return `&LabelSelector{MatchLabels:map[string]string{${pairs}},MatchExpressions:[]LabelSelectorRequirement{},}`;
};
