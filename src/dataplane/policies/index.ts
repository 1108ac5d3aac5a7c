import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { dynamoKv } from "./dynamo-kv.ts";
import { leastLoaded } from "./least-loaded.ts";
import { leastQueue } from "./least-queue.ts";
import { powerOfTwo } from "./power-of-two.ts";
import { productionStackDisaggregated } from "./production-stack-disaggregated.ts";
import { productionStackKvAware } from "./production-stack-kvaware.ts";
import { productionStackPrefixAware } from "./production-stack-prefixaware.ts";
import { productionStackRoundRobin } from "./production-stack-roundrobin.ts";
import { productionStackSession } from "./production-stack-session.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round-robin.ts";
import { service } from "./service.ts";
import { sglangCacheAware } from "./sglang-cache-aware.ts";

/** How the gateway picks a replica. */
export const routingPolicies = registry("policy", [
  roundRobin,
  leastQueue,
  random,
  leastLoaded,
  powerOfTwo,
  service,
  productionStackRoundRobin,
  productionStackSession,
  productionStackPrefixAware,
  productionStackKvAware,
  productionStackDisaggregated,
  sglangCacheAware,
  dynamoKv,
]);
export type PolicySaid = z.output<typeof routingPolicies.schema>;
