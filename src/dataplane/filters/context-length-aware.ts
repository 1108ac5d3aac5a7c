import { contextLengthParams, rangesOf } from "../context-range.ts";
import { filter, keepAll, keepWhere } from "../filter.ts";

/**
 * With `enableFiltering` those whose label's range the prompt lies in, and those without label; else all. A listed
 * `context-length-aware` is both this filter and the scorer of the same name (llm-d-router v0.9).
 */
export const contextLengthAware = filter({
  name: "context-length-aware",
  summary: "keep endpoints whose label says that they are for prompts of this length",
  params: contextLengthParams,
  create: ({ label, enableFiltering }) => {
    const rangeOf = rangesOf(label);
    return {
      blind: true,
      keep(ask, into) {
        if (!enableFiltering) return keepAll(ask, into);
        const { promptTokens } = ask.request;
        return keepWhere(ask, into, (endpoint) => {
          const range = rangeOf(endpoint);
          if (range === "none" || range === "bad") return range === "none";
          return promptTokens >= range.least && promptTokens <= range.most;
        });
      },
    };
  },
});
