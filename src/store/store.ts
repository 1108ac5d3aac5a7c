/*
 * store/ is where objects are. store.ts is the contract; folder.ts reads a folder of manifests, manifests.ts those that a command
 * was given, kubernetes.ts a cluster (reflector, status, events and lease in kubernetes/). YAML is read as kubectl reads it
 * (yaml.ts). Kubernetes' types and failures stop here: what comes out is plain JSON, Problems and StoreErrors.
 */
import type { Problem } from "../model/problem.ts";

export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A Kubernetes object as plain JSON, read as it is: fields that we don't know are kept. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

export interface StoredObject {
  readonly object: KubeObject;
  /** In folder mode: the file it was read from, relative to the folder, and the line where its document begins (1-based). */
  readonly file?: string;
  readonly line?: number;
}

/** A kind that the store lists and watches. */
export interface WatchedKind {
  readonly apiVersion: string;
  /** Other versions of the same group that are read as well, where a folder has them; an API server converts. */
  readonly readAlso?: readonly string[];
  readonly kind: string;
  /** In URLs: `deployments`. */
  readonly plural: string;
  /** Its objects have no namespace. */
  readonly clusterScoped?: boolean;
  /** Doing without it is no error: where the cluster forbids to read it there are none, and a warning says so. */
  readonly optional?: boolean;
}

export interface ObjectEvent {
  readonly type: "Normal" | "Warning";
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
}

/**
 * Where objects are: a Kubernetes API or a folder of manifests. Reads come from a local mirror and never block;
 * watches only say which object changed.
 */
export interface Store {
  /** `cluster` or the folder's path, for people. */
  readonly place: string;
  /** The folder, where there is one: traces by `path` lie below it. */
  readonly folder?: string;
  /** Lists and begins to watch; resolves when the first list of every kind is in. Ends when `signal` aborts. */
  start(signal: AbortSignal): Promise<void>;
  /** Whether every kind's mirror is filled. */
  readonly synced: boolean;
  get(ref: ObjectRef): StoredObject | undefined;
  /** In order of namespace and name. */
  list(kind: string, namespace?: string): readonly StoredObject[];
  /** Called on every add, change and delete, from `start` on; must not throw. @returns stops listening */
  onChange(listener: (ref: ObjectRef) => void): () => void;
  /** What could not be read: malformed files, refused lists. Changes are told through `onChange` of no object's: `onProblems`. */
  readonly problems: readonly Problem[];
  onProblems(listener: () => void): () => void;
  /** Replaces the status of an InferenceSimulation. @throws StoreError */
  writeStatus(ref: ObjectRef, status: unknown): Promise<void>;
  /** Tells people; repeated ones are aggregated. Failures are logged, never thrown. */
  event(ref: ObjectRef, event: ObjectEvent): Promise<void>;
  /** Bytes of one key of a ConfigMap, read when asked; undefined if object or key is missing. */
  configMapKey(namespace: string, name: string, key: string): Promise<Uint8Array | undefined>;
}

/** A write that failed. `retry`: later may do; `gone`: the object is no longer there. */
export class StoreError extends Error {
  readonly kind: "retry" | "gone" | "refused";
  readonly retryAfterSeconds: number | undefined;
  constructor(kind: StoreError["kind"], message: string, retryAfterSeconds?: number) {
    super(message);
    this.name = "StoreError";
    this.kind = kind;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
