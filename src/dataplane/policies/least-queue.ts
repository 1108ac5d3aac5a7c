import * as z from "zod";
import { leastOf, routingPolicy } from "../policy.ts";

/**
 * Fewest waiting requests (`vllm:num_requests_waiting`) as last scraped; ties uniformly at random. This is llm-d's
 * endpoint picker with `queue-scorer` alone and `max-score-picker` (llm-d-router, August 2026). Between two scrapes
 * nothing that it sent there counts, so it herds: all requests of an interval go to whoever looked shortest. A replica
 * not scraped yet counts as empty. The stream is drawn from only where there is a tie.
 */
export const leastQueue = routingPolicy({
  name: "least-queue",
  summary: "the replica with the fewest waiting requests as last scraped; ties at random",
  params: () => z.object({}),
  create: (_params, { rng }) => ({
    readsSignals: true,
    pick: (_request, endpoints) => leastOf(endpoints, rng, ({ waiting }) => waiting),
  }),
});
