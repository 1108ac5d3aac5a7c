import { API_VERSION, KIND, PLURAL } from "../schema/resource.ts";
import type { WatchedKind } from "./store.ts";

/** What is listed and watched. ConfigMaps are not: the one that a trace names is read when it is asked for. */
export const WATCHED_KINDS: readonly WatchedKind[] = [
  { apiVersion: API_VERSION, kind: KIND, plural: PLURAL },
  { apiVersion: "apps/v1", kind: "Deployment", plural: "deployments" },
  { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers" },
  { apiVersion: "v1", kind: "Node", plural: "nodes", clusterScoped: true, optional: true },
];

/** `apps` of `apps/v1`; empty for the core group. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] as string) : "";
