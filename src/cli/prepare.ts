import type { Problem } from "../model/problem.ts";
import { unfitted } from "../operator/calibration/fitted-spec.ts";
import type { UrlToken } from "../operator/production-traffic.ts";
import { type ReadCandidate, read } from "../operator/read.ts";
import type { Limits } from "../schema/limits.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import type { Store, StoredObject } from "../store/store.ts";
import type { ManifestRef, MirroredValue } from "../twin/mirror.ts";
import type { Scenario } from "../twin/scenario.ts";
import { BadInput } from "./exit.ts";

export interface Prepared {
  readonly simulation: InferenceSimulation;
  readonly scenario: Scenario;
  readonly values: readonly MirroredValue[];
  readonly candidates: readonly ReadCandidate[];
  /** Objects that it was mirrored from. */
  readonly reads: readonly ManifestRef[];
  readonly warnings: readonly Problem[];
}

/** Parses and mirrors one simulation, as the operator does. @throws BadInput */
export const prepare = async (
  store: Store,
  stored: StoredObject,
  limits: Limits,
  allowedUrls: readonly string[],
  tokens: readonly UrlToken[] = [],
): Promise<Prepared> => {
  const found = await read(stored, { store, limits, allowedUrls, tokens });
  if (!found.ok) throw new BadInput(found.problems);
  return { ...found.value, warnings: [...found.warnings, ...unfitted(stored.object)] };
};
