import { API_VERSION, KIND } from "../schema/resource.ts";
import { hash32 } from "../sim/rng.ts";
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

/** A label's value has at most 63 characters; longer keys keep their beginning and a digest. */
export const labelOf = (key: string): string => {
  const text = key.replace("/", ".");
  return text.length <= 63 ? text : `${text.slice(0, 54)}-${hash32(text).toString(16).padStart(8, "0")}`;
};
