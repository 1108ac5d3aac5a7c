/*
 * schema/ says what an InferenceSimulation may say, once: from simulation-spec.ts come the types, the CRD (json-schema.ts,
 * structural.ts, crd.ts), docs/crd.md (docs.ts) and the messages (parse.ts, issue.ts). What one field can't say alone is a
 * Rule (rule.ts, spec-rules.ts), held by zod and, where CEL can say it, by the API server. What an installation bounds is in
 * limits.ts. Choices come from the domains' lists.
 */
import type { SimulationSpec } from "./simulation-spec.ts";
import type { SimulationStatus } from "./simulation-status.ts";

export const GROUP = "servetwin.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = "InferenceSimulation";
export const LIST_KIND = `${KIND}List`;
export const SINGULAR = "inferencesimulation";
export const PLURAL = "inferencesimulations";
export const SHORT = "isim";

/** An InferenceSimulation that was read and found good: defaults are in, the namespace is said. */
export interface InferenceSimulation {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof KIND;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: SimulationSpec;
  /** As last written; left out where it is not of a shape that we know. */
  readonly status?: SimulationStatus;
}
