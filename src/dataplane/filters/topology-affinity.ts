import * as z from "zod";
import { filter, keepAll, keepWhere } from "../filter.ts";
import { closeness, isPlaced, TOPOLOGY_LEVELS } from "../topology.ts";

/** Those at least as near to the endpoint of the other stage as `minAffinity` says; all where that would be none or there is no such endpoint (llm-d-router v0.9). */
export const topologyAffinity = filter({
  name: "topology-affinity-filter",
  summary: "keep endpoints near the one that the other stage picked",
  params: () =>
    z.object({
      minAffinity: z.enum(TOPOLOGY_LEVELS).default("host").meta({ description: "What they must have in common." }),
      topologyProducerName: z.string().optional().meta({ description: "Extractor of the labels." }),
    }),
  create: ({ minAffinity }) => {
    const furthest = TOPOLOGY_LEVELS.indexOf(minAffinity);
    return {
      blind: true,
      keep(ask, into) {
        const peer = ask.peer < 0 ? undefined : ask.endpoints[ask.peer];
        if (peer === undefined || !isPlaced(peer.labels)) return keepAll(ask, into);
        const stay = keepWhere(ask, into, ({ labels }) => closeness(peer.labels, labels) <= furthest);
        return stay === 0 ? keepAll(ask, into) : stay;
      },
    };
  },
});
