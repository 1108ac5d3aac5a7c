import { compareText } from "../model/compare-text.ts";
import type { StoredObject } from "./store.ts";

/** The objects of one kind as last heard, by namespace and name. Those without a namespace have the empty one here. */
export class Mirror {
  readonly #namespaces = new Map<string, Map<string, StoredObject>>();
  /** By namespace, until something in it changes: where much changes, most of what is asked for is elsewhere. */
  readonly #sorted = new Map<string, readonly StoredObject[]>();
  #all: readonly StoredObject[] | undefined;

  get(namespace: string, name: string): StoredObject | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  set(stored: StoredObject): void {
    const { namespace = "", name } = stored.object.metadata;
    const objects = this.#namespaces.get(namespace) ?? new Map<string, StoredObject>();
    this.#namespaces.set(namespace, objects.set(name, stored));
    this.#forget(namespace);
  }

  /** @returns whether it was there */
  delete(namespace: string, name: string): boolean {
    this.#forget(namespace);
    const objects = this.#namespaces.get(namespace);
    const wasThere = objects?.delete(name) === true;
    if (objects?.size === 0) this.#namespaces.delete(namespace);
    return wasThere;
  }

  /** In order of namespace and name. */
  list(namespace?: string): readonly StoredObject[] {
    if (namespace !== undefined) return this.#listOf(namespace);
    this.#all ??= [...this.#namespaces.keys()].sort(compareText).flatMap((one) => this.#listOf(one));
    return this.#all;
  }

  #listOf(namespace: string): readonly StoredObject[] {
    const known = this.#sorted.get(namespace);
    if (known !== undefined) return known;
    const objects = this.#namespaces.get(namespace);
    if (objects === undefined) return [];
    const sorted = [...objects].sort(([a], [b]) => compareText(a, b)).map(([, stored]) => stored);
    this.#sorted.set(namespace, sorted);
    return sorted;
  }

  #forget(namespace: string): void {
    this.#sorted.delete(namespace);
    this.#all = undefined;
  }
}

/** The lists of several mirrors as one, in the order of each. */
export const inOrder = (lists: readonly (readonly StoredObject[])[]): readonly StoredObject[] => {
  const [only = [], ...others] = lists;
  if (others.length === 0) return only;
  const keyed = lists.flat().map((stored) => {
    const { namespace = "", name } = stored.object.metadata;
    return { stored, namespace, name };
  });
  return keyed
    .sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name))
    .map(({ stored }) => stored);
};
