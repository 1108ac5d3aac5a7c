import { good, type Result } from "../model/problem.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import type { Store } from "../store/store.ts";
import type { FoundDocument } from "../twin/scenario.ts";
import { findDocument } from "./said-document.ts";

type Said = NonNullable<SimulationSpec["workload"]["profile"]>;

/** Another tool's workload file, from below the folder, a ConfigMap or the simulation itself; undefined for a preset. */
export const findProfile = async (
  said: Said,
  namespace: string,
  store: Store,
): Promise<Result<FoundDocument | undefined>> => {
  if (said.preset !== undefined) return good(undefined);
  const instead = "give the tool's own workload file";
  const wanted = { field: "spec.workload.profile", what: "the profile", word: "Profile", instead };
  return findDocument(said, wanted, namespace, store);
};
