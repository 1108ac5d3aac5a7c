import { type Labels, METRIC_NAME } from "./labels.ts";

/** The labels of a group that a series belongs to. Source: generateGroupingLabels, Prometheus 3.14. */
export const groupLabels = (labels: Labels, grouping: readonly string[], without: boolean): Labels =>
  without ? labels.drop([...grouping, METRIC_NAME]) : labels.keep(grouping);

/** What tells groups apart; with `without`, the name does if it is not named. Source: generateGroupingKey. */
export const groupKey = (labels: Labels, grouping: readonly string[], without: boolean): string =>
  groupLabels(labels, grouping, without).key;
