import * as z from "zod";
import { fault, window, windowOf } from "./fault.ts";

/**
 * The metrics adapter (or KEDA's metrics server) is away: custom and external metrics have no answer, and the HPA does not
 * scale on them. prometheus-adapter starts with an empty list of names and lists at once
 * (pkg/custom-provider/series_registry.go, v0.12); KEDA's failure counts are in the ScaledObject's status and stay.
 */
export const adapterRestart = fault({
  name: "adapter-restart",
  summary: "the server of custom and external metrics restarts",
  params: () => z.object(window),
  create: (said) => ({ ...windowOf(said), stops: "adapter" }),
});
