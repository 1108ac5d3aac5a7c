import type { MirroredValue } from "../ledger.ts";

/** Lists beyond this many entries (histograms of lengths) are told by their number. */
const LONGEST_LIST = 8;

export interface Leaf {
  readonly path: string;
  readonly field: string;
  readonly value: MirroredValue["value"];
}

/** Values of an object, each with its path. Entries of a list go by their name, or their place. */
export const leavesOf = (path: string, field: string, value: unknown): readonly Leaf[] => {
  if (value === undefined) return [];
  if (Array.isArray(value)) {
    if (value.length > LONGEST_LIST) return [{ path: `${path}.length`, field, value: value.length }];
    return value.flatMap((item, i) => {
      const name = (item as { name?: string } | null)?.name ?? i;
      return leavesOf(`${path}[${name}]`, `${field}[${i}]`, item);
    });
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => leavesOf(`${path}.${key}`, `${field}.${key}`, inner));
  }
  return [{ path, field, value: value as MirroredValue["value"] }];
};
