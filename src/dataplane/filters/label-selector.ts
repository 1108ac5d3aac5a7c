import { filter } from "../filter.ts";
import { keepSelected, selectorParams } from "../label-selector.ts";

/** Pods that a Kubernetes label selector matches (llm-d-router v0.9). */
export const labelSelector = filter({
  name: "label-selector-filter",
  summary: "keep pods that a label selector matches",
  params: selectorParams,
  create: keepSelected,
});
