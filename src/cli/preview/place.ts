import { describeProblem, type Problem } from "../../model/problem.ts";
import { WATCHED_KINDS } from "../../store/kinds.ts";
import type { Beyond } from "../../store/manifests.ts";
import { type StoredObject, StoreError } from "../../store/store.ts";
import { usageError } from "../exit.ts";
import { rendered } from "./rendered.ts";

/** The platform as it is: of a cluster at some moment, or of a folder. */
export interface Place {
  readonly objects: readonly StoredObject[];
  /** How else to get at traces and ConfigMaps. */
  readonly beyond: Beyond;
  /** Objects of a cluster hold more than their manifests say. */
  readonly live: boolean;
  readonly warnings: readonly Problem[];
  /** Texts of its files, by name. */
  readonly texts: ReadonlyMap<string, string>;
  close(): void;
}

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** @throws BadInput */
export const folderPlace = (path: string): Place => {
  const { objects, folder, warnings, texts } = rendered(path);
  return {
    objects,
    beyond: folder === undefined ? {} : { folder },
    live: false,
    warnings,
    texts,
    close: () => undefined,
  };
};

const ANSWER_SECONDS = 20;

/** Lists what there is in these namespaces, and nothing else. Kinds that are absent or forbidden count as none. @throws BadInput */
export const clusterPlace = async (namespaces: readonly string[], options: ClusterOptions): Promise<Place> => {
  const stop = new AbortController();
  try {
    // Loaded for a cluster alone: the client takes longer than reading a folder.
    const { kubernetesStore } = await import("../../store/kubernetes.ts");
    const { store } = kubernetesStore({
      ...options,
      namespaces,
      kinds: WATCHED_KINDS.map((kind) => ({ ...kind, optional: true })),
      log: () => undefined,
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), ANSWER_SECONDS * 1000);
    });
    const first = await Promise.race([store.start(stop.signal), late]);
    clearTimeout(timer);
    if (first === "late") {
      const why = store.problems.map(describeProblem)[0] ?? "it does not answer";
      throw usageError(
        `the cluster can't be read: ${why}`,
        "check --kubeconfig and --context, or give --manifests DIR",
      );
    }
    const kinds = [...new Set(WATCHED_KINDS.map(({ kind }) => kind))];
    return {
      objects: kinds.flatMap((kind) => store.list(kind)),
      beyond: { configMapKey: (namespace, name, key) => store.configMapKey(namespace, name, key) },
      live: true,
      warnings: store.problems,
      texts: new Map(),
      close: () => stop.abort(),
    };
  } catch (error) {
    stop.abort();
    throw error instanceof StoreError ? usageError(error.message, "give --kubeconfig, or --manifests DIR") : error;
  }
};
