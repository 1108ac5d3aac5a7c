import { API_VERSION, KIND } from "../schema/resource.ts";
import type { KubeObject } from "../store/store.ts";
import { keyOf, labelOf } from "./key.ts";

/**
 * Metadata of an object that the operator makes for a simulation: it goes when the simulation goes.
 * @param app what it is, by which a selector knows it
 */
export const ownedMetadata = (
  owner: KubeObject,
  app: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
) => {
  const { namespace = "default", name: ownerName, uid = "" } = owner.metadata;
  return {
    name,
    namespace,
    labels: {
      "app.kubernetes.io/name": app,
      "app.kubernetes.io/managed-by": "servetwin",
      "servetwin.dev/simulation": labelOf(keyOf(owner.metadata)),
      ...labels,
    },
    ownerReferences: [{ apiVersion: API_VERSION, kind: KIND, name: ownerName, uid, controller: true }],
  };
};

export const isOwnedBy = (object: KubeObject, uid: string | undefined): boolean =>
  ((object.metadata as { ownerReferences?: { uid: string }[] }).ownerReferences ?? []).some((one) => one.uid === uid);
