import { setMaxListeners } from "node:events";
import type { Problem } from "../model/problem.ts";
import { groupOf } from "./kinds.ts";
import { applyStatus } from "./kubernetes/apply-status.ts";
import { type Connection, type ConnectionOptions, connect } from "./kubernetes/connection.ts";
import { EventRecorder } from "./kubernetes/event-recorder.ts";
import { ApiFailure, storeErrorOf } from "./kubernetes/failure.ts";
import { groupPath } from "./kubernetes/paths.ts";
import { Reflector } from "./kubernetes/reflector.ts";
import { Listeners } from "./listeners.ts";
import { type Log, warnings } from "./log.ts";
import { bytesOf } from "./manifest-objects.ts";
import { inOrder } from "./mirror.ts";
import {
  type KubeObject,
  type ObjectEvent,
  type ObjectRef,
  type Store,
  type StoredObject,
  StoreError,
  type WatchedKind,
} from "./store.ts";

export interface KubernetesOptions extends ConnectionOptions {
  /** Left out: all. */
  readonly namespaces?: readonly string[];
  readonly kinds: readonly WatchedKind[];
  readonly log?: Log;
}

/**
 * The objects of a cluster, mirrored by list and watch, and the connection that the mirror uses. The connection is closed when
 * the store's signal aborts.
 * @throws StoreError if there is no kubeconfig that can be used
 */
export const kubernetesStore = (
  options: KubernetesOptions,
): { readonly store: Store; readonly connection: Connection } => {
  const connection = connect(options);
  return { store: new KubernetesStore(connection, options), connection };
};

class KubernetesStore implements Store {
  readonly place = "cluster";
  readonly #connection: Connection;
  readonly #reflectors: readonly Reflector[];
  readonly #recorder: EventRecorder;
  readonly #changes = new Listeners<ObjectRef>();
  readonly #problemChanges = new Listeners<void>();

  constructor(connection: Connection, { kinds, namespaces, log }: KubernetesOptions) {
    this.#connection = connection;
    this.#recorder = new EventRecorder({ connection, log: log ?? warnings });
    const reflector = (kind: WatchedKind, namespace?: string): Reflector =>
      new Reflector({
        connection,
        kind,
        ...(namespace === undefined ? {} : { namespace }),
        changed: (ref) => this.#changes.tell(ref),
        problemChanged: () => this.#problemChanges.tell(),
      });
    this.#reflectors = kinds.flatMap((kind) =>
      namespaces === undefined || kind.clusterScoped === true
        ? [reflector(kind)]
        : [...new Set(namespaces)].map((one) => reflector(kind, one)),
    );
  }

  get synced(): boolean {
    return this.#reflectors.every(({ isAnswered }) => isAnswered);
  }

  get problems(): readonly Problem[] {
    return this.#reflectors.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  }

  async start(signal: AbortSignal): Promise<void> {
    // Every watch listens to it.
    setMaxListeners(0, signal);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    const ended = Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
    void ended.then(() => this.#connection.close());
    await Promise.race([aborted, Promise.all(this.#reflectors.map(({ answered }) => answered))]);
  }

  get(ref: ObjectRef): StoredObject | undefined {
    return this.#reflectorOf(ref)?.mirror.get(ref.namespace, ref.name);
  }

  list(kind: string, namespace?: string): readonly StoredObject[] {
    const all = this.#reflectors.filter((one) => one.kind.kind === kind).map(({ mirror }) => mirror.list(namespace));
    return inOrder(all);
  }

  onChange(listener: (ref: ObjectRef) => void): () => void {
    return this.#changes.add(listener);
  }

  onProblems(listener: () => void): () => void {
    return this.#problemChanges.add(listener);
  }

  async writeStatus(ref: ObjectRef, status: unknown): Promise<void> {
    const reflector = this.#reflectorOf(ref);
    if (reflector === undefined) throw new StoreError("refused", `${ref.kind} is not watched`);
    reflector.acknowledge(await applyStatus(this.#connection, reflector.kind, ref, status));
  }

  event(ref: ObjectRef, event: ObjectEvent): Promise<void> {
    return this.#recorder.record(ref, this.get(ref)?.object.metadata.uid, event);
  }

  async configMapKey(namespace: string, name: string, key: string): Promise<Uint8Array | undefined> {
    const path = `${groupPath("v1")}/namespaces/${encodeURIComponent(namespace)}/configmaps/${encodeURIComponent(name)}`;
    try {
      return bytesOf((await this.#connection.ask({ method: "GET", path })) as KubeObject, key);
    } catch (error) {
      if (error instanceof ApiFailure && error.status === 404) return undefined;
      throw storeErrorOf(error, `the ConfigMap ${namespace}/${name} could not be read`);
    }
  }

  #reflectorOf({ apiVersion, kind, namespace }: ObjectRef): Reflector | undefined {
    return this.#reflectors.find(
      (one) =>
        one.kind.kind === kind &&
        groupOf(one.kind.apiVersion) === groupOf(apiVersion) &&
        (one.namespace === undefined || one.namespace === namespace),
    );
  }
}
