import * as z from "zod";
import { durationOf, durationText } from "../../model/duration.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import { type Micros, NEVER, type SimTime } from "../../sim/time.ts";
import { detector } from "../detector.ts";

/**
 * Mean over the endpoints of max(waiting / queueDepthThreshold, KV usage / kvCacheUtilThreshold). An endpoint whose signals
 * are missing, or older than `metricsStalenessThreshold`, counts 1: without scrapes the gateway holds all.
 *
 * Source: llm-d-router (August 2026), pkg/epp/framework/plugins/flowcontrol/saturationdetector/utilization. `headroom` is
 * that of the filter of the same type, and not looked at here. BLIS's `utilization` is the same without staleness.
 */
export const utilizationDetector = detector({
  name: "utilization-detector",
  summary: "mean over the endpoints of the fuller of waiting queue and KV cache, as last scraped; EPP's default",
  params: () =>
    z.object({
      queueDepthThreshold: z
        .int()
        .positive()
        .default(5)
        .meta({ description: "Waiting requests at which a pod is full." }),
      kvCacheUtilThreshold: z
        .number()
        .positive()
        .max(1)
        .default(0.8)
        .meta({ description: "Share of the KV cache in use at which a pod is full." }),
      metricsStalenessThreshold: durationText
        .refine((text) => !/^(0+(\.0+)?[a-z]+)+$/.test(text), { error: "must be longer than 0" })
        .default("200ms")
        .meta({ description: "Signals older than this count as a full pod." }),
      headroom: z
        .number()
        .nonnegative()
        .default(0)
        .meta({ description: "Burst above the thresholds that the filter allows." }),
    }),
  create: (params) => {
    const oldest = durationOf(params.metricsStalenessThreshold);
    const load = (endpoint: Endpoint): number =>
      Math.max(endpoint.waiting / params.queueDepthThreshold, endpoint.kvUsage / params.kvCacheUtilThreshold);
    return {
      readsSignals: true,
      saturation(endpoints, now) {
        if (endpoints.length === 0) return 1;
        let total = 0;
        for (const endpoint of endpoints) total += isStale(endpoint, now, oldest) ? 1 : load(endpoint);
        return total / endpoints.length;
      },
      changesAt: (endpoints, now) => nextStale(endpoints, now, oldest),
      stale: (endpoints, now) => endpoints.filter((endpoint) => isStale(endpoint, now, oldest)).length,
    };
  },
});

const isStale = ({ scrapedAt }: Endpoint, now: SimTime, oldest: Micros): boolean =>
  scrapedAt === undefined || now - scrapedAt > oldest;

const nextStale = (endpoints: readonly Endpoint[], now: SimTime, oldest: Micros): SimTime => {
  let next: number = NEVER;
  for (const { scrapedAt } of endpoints) {
    if (scrapedAt === undefined) continue;
    const turns = scrapedAt + oldest + 1;
    if (turns > now && turns < next) next = turns;
  }
  return next as SimTime;
};
