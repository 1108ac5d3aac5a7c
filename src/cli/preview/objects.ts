import { isDeepStrictEqual } from "node:util";
import { objectText } from "../../model/object-text.ts";
import { KIND } from "../../schema/resource.ts";
import { type KubeObject, type StoredObject } from "../../store/store.ts";
import { applied } from "../../twin/applied.ts";
import { groupOf, type Manifest } from "../../twin/manifest.ts";
import type { Place } from "./place.ts";

/** Tells objects apart as a cluster does: by group, kind, namespace and name. */
export const identityOf = ({ apiVersion, kind, metadata }: KubeObject): string =>
  `${groupOf(apiVersion)}/${kind}/${metadata.namespace ?? ""}/${metadata.name}`;

/** `Kind/namespace/name`, as sources name objects. */
export const nameOf = ({ kind, metadata }: KubeObject): string =>
  objectText({ kind, namespace: metadata.namespace ?? "default", name: metadata.name });

/** An object that is not what it was; one of them is missing where it comes or goes. */
export interface ChangedObject {
  readonly before?: StoredObject;
  readonly after?: StoredObject;
}

/** What differs between two sets of objects, those of the second first. */
export const changedObjects = (
  before: readonly StoredObject[],
  after: readonly StoredObject[],
): readonly ChangedObject[] => {
  const [was, is] = [before, after].map((all) => new Map(all.map((one) => [identityOf(one.object), one])));
  const here = after.flatMap((one): ChangedObject[] => {
    const old = was?.get(identityOf(one.object));
    if (old === undefined) return [{ after: one }];
    return isDeepStrictEqual(said(old.object), said(one.object)) ? [] : [{ before: old, after: one }];
  });
  return [...here, ...before.flatMap((one) => (is?.has(identityOf(one.object)) === true ? [] : [{ before: one }]))];
};

/** Without what a server writes. */
const said = ({ status: _, metadata, ...rest }: KubeObject) => {
  const { resourceVersion: __, generation: ___, uid: ____, creationTimestamp: _____, ...own } = metadata;
  return { ...rest, metadata: own };
};

/**
 * The objects of a place after manifests were applied to it: in a cluster what they don't say stays, in a folder each takes
 * the place of the one before.
 */
export const withApplied = (place: Place, manifests: readonly StoredObject[]): readonly StoredObject[] => {
  const changed = new Map(manifests.map((one) => [identityOf(one.object), one]));
  const before = new Map(place.objects.map((one) => [identityOf(one.object), one]));
  const next = manifests.map((one): StoredObject => {
    const live = before.get(identityOf(one.object));
    if (!place.live || live === undefined || one.object.kind === KIND) return one;
    return { ...one, object: applied(live.object as Manifest, one.object as Manifest) as KubeObject };
  });
  return [...next, ...place.objects.filter((one) => !changed.has(identityOf(one.object)))];
};
