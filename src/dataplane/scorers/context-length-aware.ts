import { contextLengthParams, type Range, rangesOf } from "../context-range.ts";
import { scorer } from "../scorer.ts";

/**
 * By the range `min-max` of prompt tokens in a pod's label: inside 0.3 + 0.7 (0.7 / (1 + width / 10000) + 0.3 (max -
 * tokens) / width), 1 where the width is 0; outside 0.3 / (1 + distance / 1000); 0.5 without label, 0 where it can't be
 * read (llm-d-router v0.9).
 */
export const contextLengthAware = scorer({
  name: "context-length-aware",
  summary: "prefer endpoints whose label says that they are for prompts of this length",
  params: contextLengthParams,
  create: ({ label }) => {
    const rangeOf = rangesOf(label);
    return {
      blind: true,
      score({ request, endpoints, kept, count }, into) {
        for (let k = 0; k < count; k += 1) {
          const at = kept[k] as number;
          into[at] = rangeScore(rangeOf(endpoints[at] as (typeof endpoints)[number]), request.promptTokens);
        }
      },
    };
  },
});

const OUTSIDE = 0.3;

const rangeScore = (range: Range | "none" | "bad", tokens: number): number => {
  if (range === "none") return 0.5;
  if (range === "bad") return 0;
  const { least, most } = range;
  if (tokens > most) return OUTSIDE / (1 + (tokens - most) / 1000);
  if (tokens < least) return OUTSIDE / (1 + (least - tokens) / 1000);
  const width = most - least;
  if (width === 0) return 1;
  const tight = 1 / (1 + width / 10_000);
  const low = (most - tokens) / width;
  return OUTSIDE + (0.7 * tight + 0.3 * low) * (1 - OUTSIDE);
};
