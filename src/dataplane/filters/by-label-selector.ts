import { filter } from "../filter.ts";
import { keepSelected, selectorParams } from "../label-selector.ts";

/** The old name of `label-selector-filter` (llm-d-router v0.9). */
export const byLabelSelector = filter({
  name: "by-label-selector",
  summary: "old name of label-selector-filter",
  params: selectorParams,
  create: keepSelected,
});
