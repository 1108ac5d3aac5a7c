import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { admitter } from "../admitter.ts";
import { isSheddable } from "../priority.ts";

/**
 * Refuses sheddable requests with probability min(k · saturation^power, 1), where saturation is the mean over the endpoints of
 * max(waiting / queueDepthThreshold, KV usage / kvCacheUtilThreshold): 2.3 % at 0.15, all from 0.32 on. An endpoint that was
 * never scraped counts 1; old signals count as they are. The stream is drawn from for sheddable requests only.
 *
 * Source: llm-d-router (August 2026), pkg/epp/framework/plugins/requestcontrol/admitter/probabilisticadmitter.
 */
export const probabilisticAdmitter = admitter({
  name: "probabilistic-admitter",
  summary: "refuse sheddable requests with a probability that rises steeply with the pool's load",
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
        .default(0.8)
        .meta({ description: "Share of the KV cache in use at which a pod is full." }),
      power: z.number().positive().default(5).meta({ description: "How steeply the probability rises." }),
      k: z.number().positive().default(300).meta({ description: "Factor of the probability." }),
    }),
  create: ({ queueDepthThreshold, kvCacheUtilThreshold, power, k }, { rng }) => {
    const load = (endpoint: Endpoint): number =>
      endpoint.scrapedAt === undefined
        ? 1
        : Math.max(endpoint.waiting / queueDepthThreshold, endpoint.kvUsage / kvCacheUtilThreshold);
    return {
      readsSignals: true,
      refusal({ priority }, endpoints) {
        if (!isSheddable(priority) || endpoints.length === 0) return undefined;
        let total = 0;
        for (const endpoint of endpoints) total += load(endpoint);
        const saturation = total / endpoints.length;
        const probability = Math.min(saturation ** power * k, 1);
        if (rng.next() >= probability) return undefined;
        return `probabilistic-admitter: saturation ${saturation.toFixed(3)}, probability ${probability.toFixed(2)}`;
      },
    };
  },
});
