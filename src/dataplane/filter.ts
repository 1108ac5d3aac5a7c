import type { Endpoint } from "../model/endpoint.ts";
import { kindOf } from "../model/plugin.ts";
import type { Ask, Hooks } from "./ask.ts";
import type { PluginContext } from "./knowledge.ts";

/** Drops candidates. */
export interface Filter extends Hooks {
  /** Writes the positions that stay, in order. @returns how many */
  keep(ask: Ask, into: Int32Array): number;
}

export const filter = kindOf<PluginContext, Filter>();

/** All candidates stay. */
export const keepAll = ({ kept, count }: Ask, into: Int32Array): number => {
  for (let k = 0; k < count; k += 1) into[k] = kept[k] as number;
  return count;
};

/** Those stay for whom `fits` holds. */
export const keepWhere = (
  ask: Ask,
  into: Int32Array,
  fits: (endpoint: Endpoint, position: number) => boolean,
): number => {
  let stay = 0;
  for (let k = 0; k < ask.count; k += 1) {
    const at = ask.kept[k] as number;
    if (fits(ask.endpoints[at] as Endpoint, at)) into[stay++] = at;
  }
  return stay;
};
