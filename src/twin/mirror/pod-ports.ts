import type { Field } from "../field.ts";
import type { Manifest, ObservedCluster } from "../manifest.ts";
import { containerWords } from "../readers/pod/container-words.ts";
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

/** llm-d's sidecar for disaggregation, by its names since v0.2; it listens there unless it is told otherwise (pkg/sidecar/proxy/options.go). */
const ROUTING_SIDECAR = /(?:routing|disagg)-(?:sidecar|proxy)/;
const ROUTING_PORT = 8000;

/**
 * Whether a container beside the server may listen on a port: one that declares it, or declares none and names it in a word of its
 * command, or is llm-d's sidecar. Declaring is no duty.
 */
export const othersListen = (workload: Manifest, server: string, port: number, cluster: ObservedCluster): boolean => {
  const pod = podTemplateOf(workload, cluster).template?.at("spec");
  if (pod === undefined) return false;
  const named = new RegExp(`(?:^|\\D)${port}(?:\\D|$)`);
  return [...pod.at("containers").items(), ...pod.at("initContainers").items().filter(isSidecar)].some((container) => {
    if (container.at("name").raw === server) return false;
    const ports = container.at("ports").items();
    if (ports.length > 0) return ports.some((one) => one.at("containerPort").raw === port);
    const words = containerWords(container).map(({ text }) => text);
    if (words.some((word) => named.test(word))) return true;
    const isRouting = ROUTING_SIDECAR.test(`${String(container.at("name").raw)} ${String(container.at("image").raw)}`);
    return isRouting && port === ROUTING_PORT && !words.some((word) => /^--?port(?:=|$)/.test(word));
  });
};

/** Others among the init containers have ended when the server runs. */
const isSidecar = (container: Field): boolean => container.at("restartPolicy").raw === "Always";
