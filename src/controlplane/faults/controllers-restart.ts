import * as z from "zod";
import { fault, window, windowOf } from "./fault.ts";

/**
 * kube-controller-manager is away and then starts anew: no HPA is reconciled meanwhile, and recommendations and scale
 * events, which stabilization and rate limits go by, are lost (they are kept in memory only: podautoscaler/horizontal.go,
 * Kubernetes v1.36). Conditions and desiredReplicas are in the object's status and stay.
 */
export const controllersRestart = fault({
  name: "controllers-restart",
  summary: "kube-controller-manager restarts: the HPA's memory is lost",
  params: () => z.object(window),
  create: (said) => ({ ...windowOf(said), stops: "controllers" }),
});
