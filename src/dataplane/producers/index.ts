import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { approxPrefixCache } from "./approx-prefix-cache.ts";
import { burstPrefixCache } from "./burst-prefix-cache.ts";
import { inflightLoad } from "./inflight-load.ts";
import { precisePrefixCache } from "./precise-prefix-cache.ts";
import { predictedLatency } from "./predicted-latency.ts";
import { sessionId } from "./session-id.ts";

/** What is found out before scoring. */
export const producers = registry("type", [
  approxPrefixCache,
  precisePrefixCache,
  burstPrefixCache,
  inflightLoad,
  predictedLatency,
  sessionId,
]);
export type ProducerSaid = z.output<typeof producers.schema>;
