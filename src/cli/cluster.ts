import { describeProblem } from "../model/problem.ts";
import { WATCHED_KINDS } from "../store/kinds.ts";
import { type KubernetesOptions, kubernetesStore } from "../store/kubernetes.ts";
import { type Store, StoreError } from "../store/store.ts";
import { BadInput, usageError } from "./exit.ts";

/** How long a cluster may take to answer. */
const PATIENCE_MS = 30_000;

/** A cluster's objects, listed once, for a command that looks and leaves. @throws BadInput if it can't be read */
export const openCluster = async (
  options: Omit<KubernetesOptions, "kinds" | "log">,
): Promise<{ readonly store: Store; close(): void }> => {
  const stop = new AbortController();
  let store: Store;
  try {
    ({ store } = kubernetesStore({ ...options, kinds: WATCHED_KINDS, log: () => undefined }));
  } catch (error) {
    if (error instanceof StoreError) throw usageError(error.message);
    throw error;
  }
  const patience = setTimeout(() => stop.abort(), PATIENCE_MS);
  await store.start(stop.signal);
  clearTimeout(patience);
  const { problems, synced } = store;
  const errors = problems.filter(({ severity }) => severity === "error");
  if (!synced) {
    stop.abort();
    if (errors.length > 0) throw new BadInput(errors);
    throw usageError(`the cluster did not answer within ${PATIENCE_MS / 1000} s`, "look at --kubeconfig and --context");
  }
  for (const problem of problems) process.stderr.write(`warning: ${describeProblem(problem)}\n`);
  return { store, close: () => stop.abort() };
};
