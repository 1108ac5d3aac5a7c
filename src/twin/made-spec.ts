import { isMapping, mappingOf } from "../model/mapping.ts";
import type { Manifest } from "./manifest.ts";

/** A spec as plain data, of which a reader takes only what it understands. */
export type Said = Readonly<Record<string, unknown>>;

export const saidIn = (value: unknown, ...keys: readonly string[]): Said => {
  let at: unknown = value;
  for (const key of keys) at = isMapping(at) ? at[key] : undefined;
  return mappingOf(at);
};
export const listIn = (value: unknown, key: string): readonly Said[] => {
  const list = isMapping(value) ? value[key] : undefined;
  return Array.isArray(list) ? list.filter(isMapping) : [];
};
export const textIn = (value: unknown, key: string): string | undefined => {
  const text = isMapping(value) ? value[key] : undefined;
  return typeof text === "string" ? text : undefined;
};
export const numberIn = (value: unknown, key: string): number | undefined => {
  const number = isMapping(value) ? value[key] : undefined;
  return typeof number === "number" ? number : undefined;
};

/** Fields of `over` win; maps are merged, lists are replaced. */
export const mergedSpecs = (under: Said, over: Said): Said => {
  const all = Object.entries(over).map(([key, value]): [string, unknown] => {
    const below = Object.hasOwn(under, key) ? under[key] : undefined;
    return [key, isMapping(value) && isMapping(below) ? mergedSpecs(below, value) : value];
  });
  return Object.fromEntries([...Object.entries(under), ...all]);
};

/** The said items first, so that their places stay; of the defaults those that no said one has the name of. */
export const withDefaults = (said: readonly Said[], defaults: readonly Said[]): readonly Said[] => [
  ...said,
  ...defaults.filter(({ name }) => !said.some((one) => one.name === name)),
];

/** The named container, as its place among the others stays, or a new one behind them. */
export const withContainer = (
  containers: readonly Said[],
  name: string,
  make: (said: Said) => Said,
): { readonly containers: readonly Said[]; readonly index: number } => {
  const at = containers.findIndex((one) => one.name === name);
  if (at < 0) return { containers: [...containers, make({ name })], index: containers.length };
  return { containers: containers.map((one, i) => (i === at ? make(one) : one)), index: at };
};

/** Metadata of an object that a controller makes. */
export const madeBy = (maker: Manifest, name: string, labels: Readonly<Record<string, string>> = {}) => ({
  name,
  namespace: maker.metadata.namespace ?? "default",
  labels,
  ownerReferences: [{ apiVersion: maker.apiVersion, kind: maker.kind, name: maker.metadata.name, controller: true }],
});
