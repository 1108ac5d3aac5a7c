import * as z from "zod";
import { fault, window, windowOf } from "./fault.ts";

/**
 * The server is gone: no scrape is stored and no query answered. KEDA counts each query as a failure, and after
 * `failureThreshold` of them takes its fallback (pkg/fallback, v2.20); an adapter's metrics API answers with an error, on
 * which the HPA does not scale (ScalingActive=False). When it is back, what it stored before is seen for the look-back.
 */
export const prometheusDown = fault({
  name: "prometheus-down",
  summary: "the monitoring server neither scrapes nor answers",
  params: () => z.object(window),
  create: (said) => ({
    ...windowOf(said),
    answer: { ok: false, why: "unreachable", message: "connection refused" },
    scrape: () => "missed",
  }),
});
