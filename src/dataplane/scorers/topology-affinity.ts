import * as z from "zod";
import { alike } from "../columns.ts";
import { scorer } from "../scorer.ts";
import { closeness } from "../topology.ts";

/** By `closeness`: same host, rack, zone, region, nothing in common. */
const SCORES = [1, 0.2, 0.05, 0.02, 0] as const;

/** How near a candidate is to the endpoint that the profile before this one picked; 0 for all where there is none (llm-d-router v0.9). */
export const topologyAffinity = scorer({
  name: "topology-affinity-scorer",
  summary: "prefer endpoints near the one that the other stage picked",
  params: () =>
    z.object({
      topologyProducerName: z.string().optional().meta({ description: "Extractor of the labels." }),
    }),
  create: () => ({
    blind: true,
    score(ask, into) {
      const { endpoints, kept, count, peer } = ask;
      if (peer < 0) return alike(ask, into, 0);
      const { labels } = endpoints[peer] as (typeof endpoints)[number];
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        into[at] = SCORES[closeness(labels, (endpoints[at] as (typeof endpoints)[number]).labels)] as number;
      }
    },
  }),
});
