import * as z from "zod";
import { fault, window, windowOf } from "./fault.ts";

/**
 * Targets don't answer within scrape_timeout: `up` is 0 and staleness markers end their series (scrape/scrape.go,
 * Prometheus 3). To the HPA such a pod is one without metrics: counted at its target where it would scale in, at 0 where it
 * would scale out.
 */
export const scrapeTimeout = fault({
  name: "scrape-timeout",
  summary: "scrapes of some targets time out",
  params: () =>
    z.object({
      ...window,
      pods: z
        .string()
        .max(253)
        .default("")
        .meta({ description: "Beginning of the names of the pods that are meant. Empty: all that are scraped." }),
    }),
  create: ({ pods, ...said }) => ({
    ...windowOf(said),
    scrape: ({ pod = "" }) => (pod.startsWith(pods) ? "failed" : undefined),
  }),
});
