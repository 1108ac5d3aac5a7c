import type { Store, StoredObject } from "../../store/store.ts";

/** The store as it is when each kind or key is first asked for: all candidates of a sweep are read from the same. It can't be written to. */
export const frozen = (store: Store): Store => {
  const lists = new Map<string, readonly StoredObject[]>();
  const keys = new Map<string, Promise<Uint8Array | undefined>>();
  const list: Store["list"] = (kind, namespace) =>
    kept(lists, `${kind} ${namespace ?? ""}`, () => store.list(kind, namespace));
  return {
    place: store.place,
    ...(store.folder === undefined ? {} : { folder: store.folder }),
    synced: store.synced,
    problems: store.problems,
    list,
    get: ({ kind, namespace, name }) => list(kind, namespace).find(({ object }) => object.metadata.name === name),
    configMapKey: (namespace, name, key) =>
      kept(keys, `${namespace}/${name} ${key}`, () => store.configMapKey(namespace, name, key)),
    start: () => Promise.resolve(),
    onChange: () => () => undefined,
    onProblems: () => () => undefined,
    writeStatus: unwritable,
    event: unwritable,
  };
};

const unwritable = (): never => {
  throw new Error("a frozen store is only read");
};

const kept = <T>(map: Map<string, T>, key: string, make: () => T): T => {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
};
