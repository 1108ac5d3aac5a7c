import * as z from "zod";
import { durationOf, durationText } from "../../model/duration.ts";
import { fault, window, windowOf } from "./fault.ts";

/**
 * The API server is slow: an HPA's reconcile reads the scale before it looks at metrics and writes it after, so its
 * decision takes effect two calls after it began, and the next reconcile comes a sync period after that
 * (podautoscaler/horizontal.go, Kubernetes v1.36).
 */
export const apiServerLatency = fault({
  name: "api-server-latency",
  summary: "each call to the API server takes longer",
  params: () => z.object({ ...window, latency: durationText.meta({ description: "That a call takes." }) }),
  create: ({ latency, ...said }) => ({ ...windowOf(said), apiServerMicros: durationOf(latency) }),
});
