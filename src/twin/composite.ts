import type { Problem } from "../model/problem.ts";
import type { Manifest, ObservedCluster } from "./manifest.ts";

/**
 * Reads an object whose controller makes the workloads, their autoscaler and what routes to them: says what it would make.
 * Only what is simulated is there; it is never applied.
 */
export interface CompositeReader {
  readonly kind: string;
  readonly group: string;
  readonly summary: string;
  /** Whose controller, and of which version: `KServe v0.17`. */
  readonly controller: string;
  render(manifest: Manifest, cluster: Pick<ObservedCluster, "get">): Composite;
}

export interface Composite {
  /** Those that serve, in the order in which they are mirrored. */
  readonly workloads: readonly MadeObject[];
  /** Autoscalers, pools, endpoint pickers and Services. */
  readonly others: readonly MadeObject[];
  readonly problems: readonly Problem[];
}

export interface MadeObject {
  readonly manifest: Manifest;
  /** Fields of it that are taken over, and the fields that they are taken from: of several, the longest counts. */
  readonly origins: readonly Origin[];
  /** Where everything else is from: a template of the controller. */
  readonly template: string;
}

export interface Origin {
  readonly made: string;
  readonly from: string;
}

export const compositeReader = (reader: CompositeReader): CompositeReader => reader;
