import type { VectorSample } from "../answer.ts";

/** What stands between braces and is understood here: one label of the sample. */
const LABEL = /\{\{-?\s*(?:\$labels|\.Labels)\.([a-zA-Z_][a-zA-Z0-9_]*)\s*-?\}\}/g;

/**
 * A label of an alerting rule with the labels of a sample filled in. Of Go's templates only `{{ $labels.name }}` is
 * understood; see `isPlainTemplate`. Source: template.Expander, Prometheus 3.14: a label that is missing is empty.
 */
export const expandedLabel = (template: string, { labels }: VectorSample): string =>
  template.replace(LABEL, (_whole, name: string) => labels.get(name));

/** Whether a label is understood as a whole; what isn't is left as it was written. */
export const isPlainTemplate = (template: string): boolean => !template.replace(LABEL, "").includes("{{");
