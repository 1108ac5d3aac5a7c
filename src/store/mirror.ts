import type { StoredObject } from "./store.ts";

/** The objects of one kind as last heard, by namespace and name. Those without a namespace have the empty one here. */
export class Mirror {
  readonly #objects = new Map<string, StoredObject>();
  #sorted: readonly StoredObject[] | undefined;

  get(namespace: string, name: string): StoredObject | undefined {
    return this.#objects.get(keyOf(namespace, name));
  }

  set(stored: StoredObject): void {
    const { namespace = "", name } = stored.object.metadata;
    this.#objects.set(keyOf(namespace, name), stored);
    this.#sorted = undefined;
  }

  /** @returns whether it was there */
  delete(namespace: string, name: string): boolean {
    this.#sorted = undefined;
    return this.#objects.delete(keyOf(namespace, name));
  }

  /** In order of namespace and name. */
  list(namespace?: string): readonly StoredObject[] {
    this.#sorted ??= [...this.#objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, stored]) => stored);
    if (namespace === undefined) return this.#sorted;
    return this.#sorted.filter(({ object }) => (object.metadata.namespace ?? "") === namespace);
  }
}

/** The lists of several mirrors as one, in the order of each. */
export const inOrder = (lists: readonly (readonly StoredObject[])[]): readonly StoredObject[] => {
  const [only = [], ...others] = lists;
  if (others.length === 0) return only;
  const keyed = lists.flat().map((stored) => {
    const { namespace = "", name } = stored.object.metadata;
    return { stored, key: keyOf(namespace, name) };
  });
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ stored }) => stored);
};

/** A slash sorts after `-` and `.`, which names may have; a space sorts before both. */
const keyOf = (namespace: string, name: string): string => `${namespace} ${name}`;
