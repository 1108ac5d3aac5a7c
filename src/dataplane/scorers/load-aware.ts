import * as z from "zod";
import { scorer } from "../scorer.ts";
import { standingScorer } from "../standing.ts";

const DEFAULT_THRESHOLD = 128;

/** 0.5 (1 - min(q, T) / T), q = waiting requests as last scraped; never above 0.5. A threshold of 0 or less means the default (llm-d-router v0.9). */
export const loadAware = scorer({
  name: "load-aware-scorer",
  summary: "prefer short waiting queues, on a fixed scale",
  params: () =>
    z.object({
      threshold: z.int().default(DEFAULT_THRESHOLD).meta({ description: "Waiting requests that score 0." }),
    }),
  create: ({ threshold }) => {
    const full = threshold > 0 ? threshold : DEFAULT_THRESHOLD;
    return standingScorer(["waiting"], ({ waiting }) => 0.5 * (1 - Math.min(waiting, full) / full));
  },
});
