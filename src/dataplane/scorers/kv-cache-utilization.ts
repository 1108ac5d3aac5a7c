import * as z from "zod";
import { scorer } from "../scorer.ts";
import { standingScorer } from "../standing.ts";

/** 1 - KV-cache usage as last scraped (llm-d-router v0.9). */
export const kvCacheUtilization = scorer({
  name: "kv-cache-utilization-scorer",
  summary: "prefer free KV cache, as last scraped",
  params: () => z.object({}),
  create: () => standingScorer(["kvUsage"], ({ kvUsage }) => 1 - kvUsage),
});
