import { API_VERSION, KIND } from "../schema/resource.ts";
import type { ObjectRef } from "../store/store.ts";

/** What the work queue and everything held of a simulation go by: `namespace/name`. */
export const keyOf = ({
  namespace = "default",
  name,
}: {
  readonly namespace?: string;
  readonly name: string;
}): string => `${namespace}/${name}`;

export const refOfKey = (key: string): ObjectRef => {
  const [namespace = "", name = ""] = key.split("/");
  return { apiVersion: API_VERSION, kind: KIND, namespace, name };
};
