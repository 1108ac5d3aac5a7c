import type { Problem } from "../model/problem.ts";
import type { KubeObject, StoredObject } from "../store/store.ts";

/** What one namespace may have of this installation. */
export interface Quota {
  readonly simulations: number;
  readonly shadows: number;
}

export const NO_QUOTA: Quota = { simulations: Number.POSITIVE_INFINITY, shadows: Number.POSITIVE_INFINITY };

/**
 * What keeps a simulation from running beside the others of its namespace; undefined: nothing. Those that were there first
 * come first.
 */
export const quotaProblem = (
  object: KubeObject,
  siblings: readonly StoredObject[],
  { simulations, shadows }: Quota,
): Problem | undefined => {
  const earlier = siblings.map((one) => one.object).filter((one) => isBefore(one, object));
  if (earlier.length >= simulations) {
    return beyond("TooManySimulations", `${simulations} InferenceSimulations`, "--max-simulations-per-namespace");
  }
  if (isShadow(object) && earlier.filter(isShadow).length >= shadows) {
    return beyond("TooManyShadows", `${shadows} Shadows`, "--max-shadows-per-namespace");
  }
  return undefined;
};

const beyond = (reason: string, most: string, flag: string): Problem => ({
  severity: "error",
  reason,
  message: `the namespace has ${most} already, as many as it may have`,
  fix: `delete one that is no longer needed, or ask the installer for a higher ${flag}`,
});

const isShadow = ({ spec }: KubeObject): boolean => (spec as { mode?: unknown } | undefined)?.mode === "Shadow";

const isBefore = (one: KubeObject, other: KubeObject): boolean => {
  const [a, b] = [one.metadata, other.metadata];
  if (a.name === b.name || a.deletionTimestamp !== undefined) return false;
  const [at, bt] = [a.creationTimestamp ?? "", b.creationTimestamp ?? ""];
  return at === bt ? a.name < b.name : at < bt;
};
