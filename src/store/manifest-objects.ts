import { isDeepStrictEqual } from "node:util";
import { objectText } from "../model/object-text.ts";
import type { Problem } from "../model/problem.ts";
import { API_VERSION, KIND } from "../schema/resource.ts";
import { groupOf } from "./kinds.ts";
import { inOrder, Mirror } from "./mirror.ts";
import type { Manifests } from "./read-manifests.ts";
import { type KubeObject, type ObjectRef, type StoredObject, StoreError, type WatchedKind } from "./store.ts";

/** What a file says, under the file's name. */
export type ReadFile = Pick<Manifests, "objects" | "problems">;

/** Objects that come from files, with what an API server would add: generations, and a status of their own. */
export class ManifestObjects {
  readonly #kinds: readonly WatchedKind[];
  /** By group and kind. */
  readonly #mirrors = new Map<string, Mirror>();
  readonly #entries = new Map<string, Entry>();
  #problems: readonly Problem[] = [];

  constructor(kinds: readonly WatchedKind[]) {
    this.#kinds = kinds;
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  get(ref: ObjectRef): StoredObject | undefined {
    return this.#mirrors.get(kindKey(ref))?.get(ref.namespace, ref.name);
  }

  /** Of a kind that is watched only those of its groups, as a cluster would answer; of others all that are called so. */
  list(kind: string, namespace?: string): readonly StoredObject[] {
    const watched = this.#kinds.filter((one) => one.kind === kind);
    if (watched.length > 0) {
      return inOrder(watched.map((one) => this.#mirrors.get(kindKey(one))?.list(namespace) ?? []));
    }
    const suffix = ` ${kind}`;
    return [...this.#mirrors].filter(([key]) => key.endsWith(suffix)).flatMap(([, mirror]) => mirror.list(namespace));
  }

  /**
   * Takes what all files say now, in their order: of an object that is said twice the first counts.
   * @returns what was added, changed or deleted
   */
  replace(files: readonly ReadFile[]): readonly ObjectRef[] {
    const { wanted, doubles } = firstOfEach(files);
    const changed: ObjectRef[] = [];
    for (const [key, entry] of this.#entries) {
      if (wanted.has(key)) continue;
      this.#entries.delete(key);
      this.#mirrorOf(entry.ref).delete(entry.ref.namespace, entry.ref.name);
      changed.push(entry.ref);
    }
    for (const [key, said] of wanted) {
      const before = this.#entries.get(key);
      if (before?.said === said) continue;
      const ref = refOf(said.object);
      const entry = { ref, said, generation: generationOf(before, said), status: before?.status };
      this.#entries.set(key, entry);
      this.#mirrorOf(ref).set(stored(entry));
      if (!isDeepStrictEqual(before?.said.object, said.object)) changed.push(ref);
    }
    this.#problems = [...files.flatMap(({ problems }) => problems), ...doubles];
    return changed;
  }

  /** @throws StoreError "gone" */
  setStatus(ref: ObjectRef, status: unknown): void {
    const entry = this.#entries.get(objectKey(ref));
    if (entry === undefined) throw new StoreError("gone", `${objectText(ref)} is no longer there`);
    const next = { ...entry, status };
    this.#entries.set(objectKey(ref), next);
    this.#mirrorOf(ref).set(stored(next));
  }

  /** Of a ConfigMap. */
  configMapKey(namespace: string, name: string, key: string): Uint8Array | undefined {
    const object = this.get({ apiVersion: "v1", kind: "ConfigMap", namespace, name })?.object;
    return object === undefined ? undefined : bytesOf(object, key);
  }

  #mirrorOf(ref: ObjectRef): Mirror {
    const key = kindKey(ref);
    const mirror = this.#mirrors.get(key) ?? new Mirror();
    this.#mirrors.set(key, mirror);
    return mirror;
  }
}

/** Bytes of one key of a ConfigMap: of `data` as UTF-8, of `binaryData` as what the base64 says. */
export const bytesOf = (configMap: KubeObject, key: string): Uint8Array | undefined => {
  const { data, binaryData } = configMap as { data?: Record<string, unknown>; binaryData?: Record<string, unknown> };
  const [text, base64] = [own(data, key), own(binaryData, key)];
  if (text !== undefined) return Buffer.from(text, "utf8");
  return base64 === undefined ? undefined : Buffer.from(base64, "base64");
};

const own = (record: Record<string, unknown> | undefined, key: string): string | undefined => {
  const value = record !== undefined && record !== null && Object.hasOwn(record, key) ? record[key] : undefined;
  return typeof value === "string" ? value : undefined;
};

interface Entry {
  readonly ref: ObjectRef;
  readonly said: StoredObject;
  readonly generation: number;
  /** As last written here; kept in memory only. */
  readonly status: unknown;
}

/** An API server counts a generation whenever the spec changes. */
const generationOf = (before: Entry | undefined, said: StoredObject): number => {
  if (before === undefined) return 1;
  return before.generation + (isDeepStrictEqual(before.said.object.spec, said.object.spec) ? 0 : 1);
};

/** A status that stands in a simulation's manifest is nobody's: it was copied from a cluster, whose server would drop it too. */
const stored = ({ said, generation, status }: Entry): StoredObject => {
  const { status: saidStatus, ...object } = said.object;
  const isOurs = object.apiVersion === API_VERSION && object.kind === KIND;
  const current = status ?? (isOurs ? undefined : saidStatus);
  return {
    ...said,
    object: {
      ...object,
      metadata: { ...object.metadata, generation },
      ...(current === undefined ? {} : { status: current }),
    } as KubeObject,
  };
};

const firstOfEach = (files: readonly ReadFile[]): { wanted: Map<string, StoredObject>; doubles: Problem[] } => {
  const wanted = new Map<string, StoredObject>();
  const doubles: Problem[] = [];
  for (const said of files.flatMap(({ objects }) => objects)) {
    const ref = refOf(said.object);
    const first = wanted.get(objectKey(ref));
    if (first === undefined) wanted.set(objectKey(ref), said);
    else doubles.push(doubleOf(ref, first, said));
  }
  return { wanted, doubles };
};

const doubleOf = (ref: ObjectRef, first: StoredObject, second: StoredObject): Problem => ({
  severity: "error",
  reason: "DefinedTwice",
  object: objectText(ref),
  ...(second.file === undefined ? {} : { file: second.file }),
  ...(second.line === undefined ? {} : { line: second.line }),
  message: `is defined here and in ${first.file}:${first.line}, which is the one that counts`,
  fix: "remove one of them, or give it another name or namespace",
});

const refOf = ({ apiVersion, kind, metadata }: KubeObject): ObjectRef => ({
  apiVersion,
  kind,
  namespace: metadata.namespace ?? "",
  name: metadata.name,
});

const kindKey = ({ apiVersion, kind }: Pick<ObjectRef, "apiVersion" | "kind">): string =>
  `${groupOf(apiVersion)} ${kind}`;
const objectKey = (ref: ObjectRef): string => `${kindKey(ref)} ${ref.namespace} ${ref.name}`;
