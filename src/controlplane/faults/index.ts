import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { adapterRestart } from "./adapter-restart.ts";
import { apiServerLatency } from "./api-server-latency.ts";
import { controllersRestart } from "./controllers-restart.ts";
import { frozenMetric } from "./frozen-metric.ts";
import { noCapacity } from "./no-capacity.ts";
import { prometheusDown } from "./prometheus-down.ts";
import { prometheusUnauthorized } from "./prometheus-unauthorized.ts";
import { scrapeTimeout } from "./scrape-timeout.ts";
import { slowRegistry } from "./slow-registry.ts";

export type { Fault } from "./fault.ts";

/** What can be broken of the control loop for a while. */
export const faults = registry("fault", [
  prometheusDown,
  prometheusUnauthorized,
  scrapeTimeout,
  frozenMetric,
  controllersRestart,
  adapterRestart,
  apiServerLatency,
  slowRegistry,
  noCapacity,
]);
export type FaultSaid = z.output<typeof faults.schema>;
