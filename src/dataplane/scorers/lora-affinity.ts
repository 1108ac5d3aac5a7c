import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { scorer } from "../scorer.ts";

/**
 * 1 where the adapter is active, else 0.8 where there is a free slot, else 0.6 where it waits, else 0 (llm-d-router
 * v0.9). Without an adapter the base model's name is looked for, which is never among the adapters.
 */
export const loraAffinity = scorer({
  name: "lora-affinity-scorer",
  summary: "prefer endpoints whose adapter is loaded, then those with a free slot",
  params: () => z.object({}),
  create: () => ({
    score({ request, endpoints, kept, count }, into) {
      const { adapter } = request;
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        into[at] = affinity((endpoints[at] as Endpoint).lora, adapter);
      }
    },
  }),
});

const affinity = (lora: Endpoint["lora"], adapter: string | undefined): number => {
  if (lora === undefined) return 0;
  if (adapter !== undefined && lora.running.includes(adapter)) return 1;
  if (lora.running.length + lora.waiting.length < lora.max) return 0.8;
  return adapter !== undefined && lora.waiting.includes(adapter) ? 0.6 : 0;
};
