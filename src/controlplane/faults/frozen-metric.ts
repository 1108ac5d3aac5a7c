import * as z from "zod";
import { fault, window, windowOf } from "./fault.ts";

/**
 * An exporter goes on answering with the values that it had: a gauge nobody sets any more, as in llm-d-router issue 2529,
 * where series of removed endpoints stayed. Nothing looks stale to Prometheus.
 */
export const frozenMetric = fault({
  name: "frozen-metric",
  summary: "a metric keeps the values that it had when the fault began",
  params: () =>
    z.object({
      ...window,
      metric: z
        .string()
        .min(1)
        .max(253)
        .meta({ description: "Name of the family, such as vllm:num_requests_waiting; without _total or _bucket." }),
    }),
  create: ({ metric, ...said }) => ({ ...windowOf(said), frozen: metric }),
});
