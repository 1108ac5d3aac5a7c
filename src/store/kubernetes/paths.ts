import type { WatchedKind } from "../store.ts";

/** `/apis/apps/v1` or `/api/v1`. */
export const groupPath = (apiVersion: string): string => `${apiVersion.includes("/") ? "/apis" : "/api"}/${apiVersion}`;

/** Of all objects of a kind, or of those in a namespace. */
export const kindPath = (
  { apiVersion, plural }: Pick<WatchedKind, "apiVersion" | "plural">,
  namespace?: string,
): string => {
  const place = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${groupPath(apiVersion)}${place}/${plural}`;
};
