import { kindOf } from "../../model/plugin.ts";

/** Says up to which saturation each band may send requests out. */
export interface UsageLimitPolicy {
  /**
   * Called once per cycle of dispatch.
   * @param priorities of the bands, highest first
   * @param ceilings gets one ceiling per band: it is blocked once the saturation reaches it
   */
  limit(saturation: number, priorities: readonly number[], ceilings: number[]): void;
  /** @returns how many more cycles of this saturation get the same ceilings as the last one; Infinity: all */
  steadyCycles(saturation: number, bands: number): number;
  /** As if `cycles` of this saturation had gone by that nobody looked at. */
  skip(cycles: number, saturation: number, bands: number): void;
}

export const usageLimit = kindOf<Record<never, never>, UsageLimitPolicy>();

/** A policy that remembers nothing: its ceilings depend on what it is given alone. */
export const stateless = (limit: UsageLimitPolicy["limit"]): UsageLimitPolicy => ({
  limit,
  steadyCycles: () => Infinity,
  skip: () => undefined,
});
