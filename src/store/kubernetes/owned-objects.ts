import type { OwnedKind, OwnedObjects, OwnedPlace } from "../owned-objects.ts";
import type { KubeObject } from "../store.ts";
import type { Connection } from "./connection.ts";
import { ApiFailure, storeErrorOf } from "./failure.ts";
import { kindPath } from "./paths.ts";

const KINDS = {
  ConfigMap: { apiVersion: "v1", plural: "configmaps" },
  Job: { apiVersion: "batch/v1", plural: "jobs" },
} as const satisfies Record<OwnedKind, unknown>;

export const ownedObjects = (connection: Connection): OwnedObjects => ({
  async get(place) {
    return (await asked(connection, "read", place, { method: "GET" }, 404)) as KubeObject | undefined;
  },
  async create(object) {
    const { namespace = "default", name } = object.metadata;
    const place = { kind: object.kind as OwnedKind, namespace, name };
    const path = kindPath(KINDS[place.kind], namespace);
    return (await asked(connection, "created", place, { method: "POST", path, body: object }, 409)) !== undefined;
  },
  async merge(place, patch) {
    const contentType = "application/merge-patch+json";
    await asked(connection, "changed", place, { method: "PATCH", body: patch, contentType });
  },
  async delete(place) {
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" };
    await asked(connection, "deleted", place, { method: "DELETE", body }, 404);
  },
  async podsOfJob(namespace, job) {
    const path = kindPath({ apiVersion: "v1", plural: "pods" }, namespace);
    const query = { labelSelector: `batch.kubernetes.io/job-name=${job}` };
    try {
      return ((await connection.ask({ method: "GET", path, query })) as { items: KubeObject[] }).items;
    } catch (error) {
      throw storeErrorOf(error, `the pods of Job ${namespace}/${job} could not be listed`);
    }
  },
});

/** @param expected an answer that is none, but no failure either. @throws StoreError */
const asked = async (
  connection: Connection,
  done: string,
  { kind, namespace, name }: OwnedPlace,
  ask: Omit<Parameters<Connection["ask"]>[0], "path"> & { readonly path?: string },
  expected?: number,
): Promise<unknown> => {
  try {
    return await connection.ask({ path: `${kindPath(KINDS[kind], namespace)}/${encodeURIComponent(name)}`, ...ask });
  } catch (error) {
    if (error instanceof ApiFailure && error.status === expected) return undefined;
    throw storeErrorOf(error, `${kind} ${namespace}/${name} could not be ${done}`);
  }
};
