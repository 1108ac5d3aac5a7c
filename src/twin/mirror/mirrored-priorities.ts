import { known } from "../../model/known.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { Ledger } from "../ledger.ts";
import type { ObservedCluster } from "../manifest.ts";
import { objectiveReaders } from "../readers/index.ts";
import { tellSplit } from "./mirrored-rewrites.ts";
import { type Router, readWith } from "./mirrored-router.ts";

/**
 * The priority of each class of requests that the endpoint picker knows: of the InferenceObjectives (and the older
 * InferenceModels) of its pool, and what the simulation says before them. Whoever names none of them has 0.
 */
export const mirrorPriorities = (
  { metadata, spec }: InferenceSimulation,
  router: Router,
  cluster: ObservedCluster,
  ledger: Ledger,
): Readonly<Record<string, number>> => {
  const found = new Map(
    Object.entries(spec.overrides.gateway?.priorities ?? {}).map(([name, value]) => [
      name,
      known(value, { kind: "override", field: `spec.overrides.gateway.priorities.${name}` }),
    ]),
  );
  const pool = router.kind === "InferencePool" ? router.pool.ref.name : undefined;
  for (const reader of objectiveReaders) {
    for (const manifest of cluster.list(reader.kind, metadata.namespace)) {
      if (pool === undefined || !leadsTo(manifest.spec, pool)) continue;
      const objective = readWith(reader, manifest, ledger);
      if (objective?.split !== undefined) tellSplit(objective.ref, objective.split, ledger);
      for (const name of objective?.classes ?? []) {
        if (!found.has(name) && objective !== undefined) found.set(name, objective.priority);
      }
    }
  }
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, priority] of sorted) ledger.use(`gateway.priorities[${name}]`, priority);
  tellUnknown(spec.workload, found, ledger);
  return Object.fromEntries(sorted.map(([name, { value }]) => [name, value]));
};

const leadsTo = (spec: unknown, pool: string): boolean =>
  (spec as { poolRef?: { name?: unknown } } | undefined)?.poolRef?.name === pool;

/** A class that nobody gives a priority to counts 0, whatever it is called. */
const tellUnknown = (
  { synthetic }: InferenceSimulation["spec"]["workload"],
  found: ReadonlyMap<string, unknown>,
  ledger: Ledger,
): void => {
  synthetic?.clients.forEach(({ name, sloClass }, i) => {
    if (sloClass === undefined || sloClass === "standard" || found.has(sloClass)) return;
    ledger.warn({
      reason: "UnknownClass",
      field: `spec.workload.synthetic.clients[${i}].sloClass`,
      message: `no InferenceObjective is called ${sloClass}: requests of ${name} have priority 0 at the endpoint picker`,
      fix: `set spec.overrides.gateway.priorities.${sloClass}`,
    });
  });
};
