import { after, instant, type SimTime, seconds } from "../../sim/time.ts";
import type { PodStop } from "./pod-lifecycle.ts";

/** Instants of a pod's way down, each at or after the one before. */
export interface StopPlan {
  /** Endpoints drop the pod; it still serves what it has. */
  readonly endpointRemoved: SimTime;
  /** The preStop hook has ended: the engine takes no new request and drains. */
  readonly sigterm: SimTime;
  /** The engine gives up: what still runs is aborted. */
  readonly abort: SimTime;
  /** The kubelet kills the container. */
  readonly sigkill: SimTime;
}

/** The kubelet leaves at least this between SIGTERM and SIGKILL. */
const MINIMUM_GRACE_SECONDS = 2;

/**
 * When a deleted pod stops by steps.
 *
 * @param deleted when deletionTimestamp was set
 * Source: kubelet killContainer (the preStop hook runs inside the grace period and is cut off at its end; 2 s remain for
 * the container then), Kubernetes v1.36; vLLM v0.22 --shutdown-timeout (0: running requests are aborted at SIGTERM).
 * Endpoints are taken to drop the pod at once; in production it takes 0.1 to 2 s.
 */
export const planStop = (deleted: SimTime, stop: PodStop): StopPlan => {
  const hook = Math.min(stop.preStopSeconds, stop.gracePeriodSeconds);
  const sigterm = after(deleted, seconds(hook));
  const sigkill = after(sigterm, seconds(Math.max(stop.gracePeriodSeconds - hook, MINIMUM_GRACE_SECONDS)));
  const drained = after(sigterm, seconds(stop.shutdownTimeoutSeconds));
  return { endpointRemoved: deleted, sigterm, abort: instant(Math.min(drained, sigkill)), sigkill };
};
