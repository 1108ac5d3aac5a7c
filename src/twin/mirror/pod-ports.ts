import type { Manifest, ObservedCluster } from "../manifest.ts";
import { podTemplateOf } from "../readers/pod/pod-template-of.ts";

/** A container of a pod and the ports that it declares, in order; sidecars among the init containers too. */
export interface ContainerPorts {
  readonly container: string;
  readonly ports: readonly { readonly name?: string; readonly number: number }[];
}

/** Of the pods that a workload makes; what is malformed in them others tell. */
export const podPorts = (workload: Manifest, cluster: ObservedCluster): readonly ContainerPorts[] => {
  const pod = podTemplateOf(workload, cluster).template?.at("spec");
  if (pod === undefined) return [];
  return [...pod.at("containers").items(), ...pod.at("initContainers").items()].map((container) => ({
    container: container.at("name").text()?.value ?? "",
    ports: container
      .at("ports")
      .items()
      .flatMap((port) => {
        const number = port.at("containerPort").whole()?.value;
        const name = port.at("name").text()?.value ?? "";
        return number === undefined ? [] : [{ ...(name === "" ? {} : { name }), number }];
      }),
  }));
};
