import { createHash } from "node:crypto";
import { objectText } from "../model/object-text.ts";
import { type KubeObject, type ObjectRef, type Store } from "../store/store.ts";
import type { ManifestRef } from "../twin/manifest.ts";
import { runsStackRouter } from "../twin/readers/production-stack/stack-router.ts";
import type { Held } from "./held.ts";
import { keyOf } from "./key.ts";
import { isPermitted } from "./permitted.ts";

/** Nothing of their status is simulated, and it is most of what changes. */
const STATUS_UNREAD: ReadonlySet<string> = new Set([
  "InferenceSimulation",
  "Deployment",
  "StatefulSet",
  "LeaderWorkerSet",
  "Rollout",
  "HorizontalPodAutoscaler",
  "VariantAutoscaling",
  "PodDisruptionBudget",
  "ResourceQuota",
]);
/** What changes by itself and says nothing; of nodes, all the time. */
const VOLATILE: ReadonlySet<string> = new Set([
  "resourceVersion",
  "managedFields",
  "lastHeartbeatTime",
  "images",
  "volumesInUse",
  "volumesAttached",
]);
/** They name the workload that they scale; those of other workloads play no part. */
const SCALERS: ReadonlySet<string> = new Set(["HorizontalPodAutoscaler", "ScaledObject"]);
/** They are mirrored by name, and may run an endpoint picker or a router. */
const WORKLOADS: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "LeaderWorkerSet", "Rollout"]);

/**
 * Which simulations a changed object concerns: of the many that change in a cluster most concern none. When in doubt it does;
 * what was passed over wrongly is made good by the resync.
 */
export class Relevance {
  readonly #store: Store;
  readonly #held: ReadonlyMap<string, Held>;
  readonly #namespaces: readonly string[];
  /** Of objects as they were when they last changed. */
  readonly #digests = new Map<string, string>();

  /** @param namespaces that every simulation may read, besides its own */
  constructor(store: Store, held: ReadonlyMap<string, Held>, namespaces: readonly string[]) {
    this.#store = store;
    this.#held = held;
    this.#namespaces = namespaces;
  }

  /** @returns keys of simulations that have to be looked at */
  concerned(ref: ObjectRef): readonly string[] {
    const object = this.#store.get(ref)?.object;
    if (!this.#isNews(ref, object)) return [];
    const own = ref.kind === "InferenceSimulation" ? [keyOf(ref)] : [];
    const isRouter = object !== undefined && WORKLOADS.has(ref.kind) && runsStackRouter(object);
    const others = this.#store
      .list("InferenceSimulation", this.#reach(ref))
      .map((stored) => keyOf(stored.object.metadata))
      .filter((key) => key !== own[0] && concerns(this.#held.get(key), ref, { object, isRouter }));
    return [...own, ...others];
  }

  /** Where it may be read: in its own namespace; anywhere, where it has none or the installer permits it. */
  #reach({ namespace }: ObjectRef): string | undefined {
    return namespace === "" || isPermitted(namespace, this.#namespaces) ? undefined : namespace;
  }

  #isNews(ref: ObjectRef, object: KubeObject | undefined): boolean {
    const text = `${ref.apiVersion} ${objectText(ref)}`;
    const before = this.#digests.get(text);
    if (object === undefined) {
      this.#digests.delete(text);
      return true;
    }
    const { status: _, ...rest } = object;
    const read = STATUS_UNREAD.has(ref.kind) ? rest : object;
    const digest = createHash("sha1")
      .update(JSON.stringify(read, (name, value: unknown) => (VOLATILE.has(name) ? undefined : value)))
      .digest("base64");
    this.#digests.set(text, digest);
    return digest !== before;
  }
}

interface ChangedObject {
  /** undefined: it is gone. */
  readonly object: KubeObject | undefined;
  /** Whether it runs production-stack's router, whose replicas any simulation may be. */
  readonly isRouter: boolean;
}

const concerns = (held: Held | undefined, ref: ObjectRef, { object, isRouter }: ChangedObject): boolean => {
  // It waits to be read for the first time, and will be as all is then: it need not go before others for this.
  if (held === undefined) return false;
  // It is being read just now, or couldn't be read, and what was missing may be this.
  if (held.simulation === undefined || held.reading || held.problems.length > 0) return true;
  // Of one namespace another may have come before it, or gone.
  if (ref.kind === "InferenceSimulation") return false;
  if (held.reads.some((read) => isSame(read, ref))) return true;
  if (SCALERS.has(ref.kind)) return scales(object, held);
  if (WORKLOADS.has(ref.kind)) return isRouter || held.scenario?.gateway.kind === "epp" || usesPool(held);
  return true;
};

const isSame = (one: ManifestRef, other: ManifestRef): boolean =>
  one.name === other.name && one.kind === other.kind && one.namespace === other.namespace;

const scales = (object: KubeObject | undefined, { simulation }: Held): boolean => {
  const target = (object?.spec as { scaleTargetRef?: { name?: unknown } } | undefined)?.scaleTargetRef?.name;
  // Whoever names no target has one of another kind, or is no autoscaler that could be read; gone ones were not read.
  return object !== undefined && (simulation?.spec.mirror.workloads.some(({ name }) => name === target) ?? true);
};

/** Behind a pool any Deployment may turn out to be its endpoint picker. */
const usesPool = ({ reads }: Held): boolean => reads.some(({ kind }) => kind === "InferencePool");
