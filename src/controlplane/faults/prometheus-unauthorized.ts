import * as z from "zod";
import { fault, window, windowOf } from "./fault.ts";

/**
 * A token has run out: queries are answered with HTTP 401, while scrapes go on. To KEDA's Prometheus scaler
 * (prometheus_scaler.go, v2.20) and to the adapter that is an error like any other.
 */
export const prometheusUnauthorized = fault({
  name: "prometheus-unauthorized",
  summary: "the monitoring server answers queries with 401; scrapes go on",
  params: () => z.object(window),
  create: (said) => ({
    ...windowOf(said),
    answer: { ok: false, why: "refused", message: "prometheus query api returned error. status: 401" },
  }),
});
