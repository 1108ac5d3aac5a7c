import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { activeRequest } from "./active-request.ts";
import { contextLengthAware } from "./context-length-aware.ts";
import { endpointAttribute } from "./endpoint-attribute.ts";
import { headerLabelAffinity } from "./header-label-affinity.ts";
import { kvCacheUtilization } from "./kv-cache-utilization.ts";
import { latency } from "./latency.ts";
import { loadAware } from "./load-aware.ts";
import { loadBalance } from "./load-balance.ts";
import { loraAffinity } from "./lora-affinity.ts";
import { loraResidency } from "./lora-residency.ts";
import { noHitLru } from "./no-hit-lru.ts";
import { precisePrefixCache } from "./precise-prefix-cache.ts";
import { precisePrefixCacheScorer } from "./precise-prefix-cache-scorer.ts";
import { prefixCache } from "./prefix-cache.ts";
import { queue } from "./queue.ts";
import { runningRequestsSize } from "./running-requests-size.ts";
import { sessionAffinity } from "./session-affinity.ts";
import { tokenLoad } from "./token-load.ts";
import { topologyAffinity } from "./topology-affinity.ts";
import { vllmDp } from "./vllm-dp.ts";

/** How well a candidate suits a request. */
export const scorers = registry("type", [
  queue,
  kvCacheUtilization,
  runningRequestsSize,
  loadAware,
  activeRequest,
  tokenLoad,
  prefixCache,
  precisePrefixCacheScorer,
  noHitLru,
  loraAffinity,
  sessionAffinity,
  contextLengthAware,
  latency,
  topologyAffinity,
  headerLabelAffinity,
  endpointAttribute,
  precisePrefixCache,
  loadBalance,
  vllmDp,
  loraResidency,
]);
export type ScorerSaid = z.output<typeof scorers.schema>;
