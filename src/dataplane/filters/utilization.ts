import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { filter, keepAll, keepWhere } from "../filter.ts";

const METRICS = ["active-requests", "running-requests", "waiting-queue", "kv-cache-utilization"] as const;

const valueOf = (endpoint: Endpoint, metric: (typeof METRICS)[number]): number => {
  switch (metric) {
    case "active-requests":
      return endpoint.inFlight;
    case "running-requests":
      return endpoint.running;
    case "waiting-queue":
      return endpoint.waiting;
    case "kv-cache-utilization":
      return endpoint.kvUsage;
  }
};

/** Those of whom no metric exceeds its limit; one not scraped yet counts as idle (llm-d-router v0.9). */
export const utilization = filter({
  name: "utilization-filter",
  summary: "keep endpoints below limits of load",
  params: () =>
    z.object({
      conditions: z
        .array(
          z
            .strictObject({
              metric: z.enum(METRICS).meta({ description: "What is looked at." }),
              maxValue: z.number().min(0).meta({ description: "Its limit." }),
            })
            .refine(({ metric, maxValue }) => metric !== "kv-cache-utilization" || maxValue <= 1, {
              error: "maxValue of kv-cache-utilization is a fraction of at most 1",
            }),
        )
        .min(1)
        .meta({ description: "All of these must hold." }),
      fallbackOnEmpty: z.boolean().default(false).meta({ description: "Whether all stay where none would." }),
      inFlightLoadProducerName: z.string().optional().meta({ description: "Producer of the counts." }),
    }),
  create: ({ conditions, fallbackOnEmpty }) => ({
    keep(ask, into) {
      const stay = keepWhere(ask, into, (endpoint) =>
        conditions.every(({ metric, maxValue }) => valueOf(endpoint, metric) <= maxValue),
      );
      return stay === 0 && fallbackOnEmpty ? keepAll(ask, into) : stay;
    },
  }),
});
