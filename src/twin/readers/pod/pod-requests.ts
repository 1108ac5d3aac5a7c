import type { ContainerRequests, PodRequests } from "../../../controlplane/autoscaler.ts";
import { quantityMilli } from "../../../controlplane/hpa/quantity.ts";
import type { Field } from "../../field.ts";

/** What the metrics API measures. */
const RESOURCES = ["cpu", "memory"];

/**
 * What a pod requests of CPU and memory; a limit counts where no request is said, as the API server has it. Quantities that it
 * would refuse read as absent. @param pod spec of the pod
 */
export const readPodRequests = (pod: Field): PodRequests => {
  const own = requestsOf(pod.at("resources", "requests"));
  return {
    containers: pod.at("containers").items().map(containerRequests),
    initContainers: pod
      .at("initContainers")
      .items()
      .map((container) => ({
        ...containerRequests(container),
        restartable: container.at("restartPolicy").text()?.value === "Always",
      })),
    ...(Object.keys(own).length === 0 ? {} : { pod: own }),
  };
};

const containerRequests = (container: Field): ContainerRequests => ({
  name: container.at("name").text()?.value ?? "",
  milli: { ...requestsOf(container.at("resources", "limits")), ...requestsOf(container.at("resources", "requests")) },
});

const requestsOf = (said: Field): Record<string, number> =>
  Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const raw = said.at(resource).raw;
      if (typeof raw !== "string" && typeof raw !== "number") return [];
      const read = quantityMilli(raw);
      return read.ok ? [[resource, Number(read.value)]] : [];
    }),
  );
