import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { byLabel } from "./by-label.ts";
import { byLabelSelector } from "./by-label-selector.ts";
import { concurrencyDetector } from "./concurrency-detector.ts";
import { contextLengthAware } from "./context-length-aware.ts";
import { decodeRole } from "./decode-role.ts";
import { encodeRole } from "./encode-role.ts";
import { endpointAttribute } from "./endpoint-attribute.ts";
import { labelSelector } from "./label-selector.ts";
import { prefillRole } from "./prefill-role.ts";
import { prefixCacheAffinity } from "./prefix-cache-affinity.ts";
import { sessionAffinity } from "./session-affinity.ts";
import { sloHeadroomTier } from "./slo-headroom-tier.ts";
import { topologyAffinity } from "./topology-affinity.ts";
import { utilization } from "./utilization.ts";
import { utilizationDetector } from "./utilization-detector.ts";

/** Who stays a candidate. */
export const filters = registry("type", [
  decodeRole,
  prefillRole,
  encodeRole,
  labelSelector,
  byLabel,
  byLabelSelector,
  prefixCacheAffinity,
  sloHeadroomTier,
  utilization,
  utilizationDetector,
  concurrencyDetector,
  endpointAttribute,
  sessionAffinity,
  topologyAffinity,
  contextLengthAware,
]);
export type FilterSaid = z.output<typeof filters.schema>;
