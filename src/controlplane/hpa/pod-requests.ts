import type { PodView } from "../autoscaler.ts";
import { failed, found, type Outcome } from "./outcome.ts";

/**
 * What the pods request of a resource, in thousandths by pod name.
 *
 * @param container undefined: the whole pod, which is its containers and restartable init containers
 * @param podLevel gate PodLevelResources: a pod's own request goes before its containers' (beta, on, from v1.34)
 * Source: calculatePodRequests in pkg/controller/podautoscaler/replica_calculator.go, Kubernetes v1.36.
 */
export const podRequests = (
  pods: readonly PodView[],
  resource: string,
  container: string | undefined,
  podLevel: boolean,
): Outcome<ReadonlyMap<string, bigint>> => {
  const requests = new Map<string, bigint>();
  for (const pod of pods) {
    const request = requestOf(pod, resource, container, podLevel);
    if (!request.ok) return request;
    requests.set(pod.name, BigInt(request.value));
  }
  return found(requests);
};

const requestOf = (
  pod: PodView,
  resource: string,
  container: string | undefined,
  podLevel: boolean,
): Outcome<number> => {
  const own = podLevel && container === undefined ? pod.requests?.pod : undefined;
  if (own !== undefined) {
    const request = own[resource];
    return request === undefined
      ? failed(`missing pod-level request for ${resource} in Pod ${pod.name}`)
      : found(request);
  }
  const containers = [
    ...(pod.requests?.containers ?? []),
    ...(pod.requests?.initContainers ?? []).filter((init) => init.restartable),
  ].filter((candidate) => container === undefined || candidate.name === container);
  if (container !== undefined && containers.length === 0) {
    return failed(`container ${container} not found in Pod ${pod.name}`);
  }
  let sum = 0;
  for (const { name, milli } of containers) {
    const request = milli[resource];
    if (request === undefined) return failed(`missing request for ${resource} in container ${name} of Pod ${pod.name}`);
    sum += request;
  }
  return found(sum);
};
