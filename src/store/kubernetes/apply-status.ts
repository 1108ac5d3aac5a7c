import type { KubeObject, ObjectRef, WatchedKind } from "../store.ts";
import type { Connection } from "./connection.ts";
import { storeErrorOf } from "./failure.ts";
import { kindPath } from "./paths.ts";

/** Owns the fields of status, and nothing else. */
export const STATUS_MANAGER = "servetwin-status";

/**
 * Replaces an object's status by server-side apply on its status subresource: what was there before and is no longer said
 * goes. Fields that the schema does not know are refused rather than dropped.
 * @returns the object as it is now. @throws StoreError
 */
export const applyStatus = async (
  connection: Connection,
  kind: WatchedKind,
  ref: ObjectRef,
  status: unknown,
): Promise<KubeObject> => {
  const { apiVersion, namespace, name } = ref;
  const metadata = {
    name,
    ...(kind.clusterScoped === true ? {} : { namespace }),
  };
  try {
    return (await connection.ask({
      method: "PATCH",
      path: `${kindPath(kind, kind.clusterScoped === true ? undefined : namespace)}/${encodeURIComponent(name)}/status`,
      query: { fieldManager: STATUS_MANAGER, force: true, fieldValidation: "Strict" },
      body: { apiVersion, kind: ref.kind, metadata, status },
      contentType: "application/apply-patch+yaml",
    })) as KubeObject;
  } catch (error) {
    throw storeErrorOf(error, `the status of ${ref.kind}/${namespace}/${name} could not be written`);
  }
};
