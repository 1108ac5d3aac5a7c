import type { Result } from "../model/problem.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import type { Store } from "../store/store.ts";
import type { FoundDocument } from "../twin/scenario.ts";
import { findDocument } from "./said-document.ts";

type Said = NonNullable<NonNullable<SimulationSpec["overrides"]["metrics"]>["prometheusAdapter"]>;

/** prometheus-adapter's configuration, from below the folder, a ConfigMap or the simulation itself. */
export const findAdapterConfig = (said: Said, namespace: string, store: Store): Promise<Result<FoundDocument>> => {
  const field = "spec.overrides.metrics.prometheusAdapter";
  const instead = "give the config.yaml of the adapter alone";
  return findDocument(said, { field, what: "the configuration", word: "AdapterConfig", instead }, namespace, store);
};
