import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import type { Rng } from "../../sim/rng.ts";
import { routingPolicy } from "../policy.ts";

/**
 * Fewest waiting requests (`vllm:num_requests_waiting`) as last scraped; ties uniformly at random. This is llm-d's
 * endpoint picker with `queue-scorer` alone and `max-score-picker` (llm-d-router, August 2026). Between two scrapes
 * nothing that it sent there counts, so it herds: all requests of an interval go to whoever looked shortest. A replica
 * not scraped yet counts as empty. The stream is drawn from only where there is a tie.
 */
export const leastQueue = routingPolicy({
  name: "least-queue",
  summary: "the replica with the fewest waiting requests as last scraped; ties at random",
  params: z.object({}),
  create: (_params, { rng }) => ({
    readsSignals: true,
    pick: (_request, endpoints) => leastOf(endpoints, rng),
  }),
});

const leastOf = (endpoints: readonly Endpoint[], rng: Rng): number => {
  let least = Number.POSITIVE_INFINITY;
  let ties = 0;
  for (const { waiting } of endpoints) {
    if (waiting < least) [least, ties] = [waiting, 1];
    else if (waiting === least) ties += 1;
  }
  let passed = ties > 1 ? rng.below(ties) : 0;
  return endpoints.findIndex(({ waiting }) => waiting === least && passed-- === 0);
};
