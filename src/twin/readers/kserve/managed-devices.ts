import type { MadeObject } from "../../composite.ts";
import { listIn, madeBy, type Said, saidIn } from "../../made-spec.ts";
import type { Manifest } from "../../manifest.ts";

/** Devices that annotations of an LLMInferenceService ask for, by a claim that its controller writes. */
export interface ManagedDevices {
  readonly template: MadeObject;
  /** @returns the spec of pods that claim them */
  into(pod: Said): Said;
}

const ANNOTATION = "serving.kserve.io/exp-dra-";
const CLAIM = "managed-device";

/**
 * A ResourceClaimTemplate of one request, and its claim in each pod: of the container that is named, else of the first.
 * Source: KServe v0.20, pkg/controller/v1alpha2/llmisvc/managed_dra.go and pkg/validation/managed_dra.go.
 */
export const managedDevicesOf = (maker: Manifest): ManagedDevices | undefined => {
  const said = (name: string): string => maker.metadata.annotations?.[ANNOTATION + name]?.trim() ?? "";
  const deviceClassName = said("device-class");
  if (deviceClassName === "") return undefined;
  const name = `${maker.metadata.name}-managed-dra`;
  const expressions = said("cel-selector")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const count = said("device-count");
  const exactly = {
    deviceClassName,
    ...(count === "" ? {} : { count: /^\d+$/.test(count) ? Number(count) : count }),
    ...(expressions.length === 0 ? {} : { selectors: expressions.map((expression) => ({ cel: { expression } })) }),
  };
  const from = (annotation: string): string => `metadata.annotations["${ANNOTATION}${annotation}"]`;
  const at = "spec.spec.devices.requests[0].exactly";
  const wanted = said("container-name");
  return {
    template: {
      template: "its ResourceClaimTemplate",
      origins: [
        { made: `${at}.deviceClassName`, from: from("device-class") },
        { made: `${at}.count`, from: from("device-count") },
        ...expressions.map((_, i) => ({ made: `${at}.selectors[${i}].cel.expression`, from: from("cel-selector") })),
      ],
      manifest: {
        apiVersion: "resource.k8s.io/v1",
        kind: "ResourceClaimTemplate",
        metadata: madeBy(maker, name),
        spec: { spec: { devices: { requests: [{ name: "device", exactly }] } } },
      },
    },
    into: (pod) => {
      const containers = listIn(pod, "containers");
      const index = wanted === "" ? 0 : containers.findIndex((one) => one.name === wanted);
      const claims = listIn(pod, "resourceClaims");
      const isThere = claims.some((claim) => claim.name === CLAIM);
      return {
        ...pod,
        resourceClaims: isThere ? claims : [...claims, { name: CLAIM, resourceClaimTemplateName: name }],
        containers: containers.map((container, i) => (i === index ? claiming(container) : container)),
      };
    },
  };
};

const claiming = (container: Said): Said => {
  const resources = saidIn(container, "resources");
  const claims = listIn(resources, "claims");
  if (claims.some(({ name }) => name === CLAIM)) return container;
  return { ...container, resources: { ...resources, claims: [...claims, { name: CLAIM }] } };
};
