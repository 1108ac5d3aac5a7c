import type { KubeObject } from "./store.ts";

export type OwnedKind = "ConfigMap" | "Job";

/** Where an object of ours is. */
export interface OwnedPlace {
  readonly kind: OwnedKind;
  readonly namespace: string;
  readonly name: string;
}

/** Objects that the operator makes for its own: read and written as they are asked for, never watched. Each call may throw a StoreError. */
export interface OwnedObjects {
  get(place: OwnedPlace): Promise<KubeObject | undefined>;
  /** @returns false: there is one of that name already */
  create(object: KubeObject): Promise<boolean>;
  /** By JSON merge patch. */
  merge(place: OwnedPlace, patch: unknown): Promise<void>;
  /** With all that it owns; one that isn't there is no failure. */
  delete(place: OwnedPlace): Promise<void>;
  podsOfJob(namespace: string, job: string): Promise<readonly KubeObject[]>;
}
