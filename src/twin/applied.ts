import { isMapping, mappingOf } from "../model/mapping.ts";
import type { Manifest } from "./manifest.ts";

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * A live object as `kubectl apply -f` of a manifest would leave it: what the manifest says counts, what it said when it was
 * applied last and says no longer is gone, and what others have put in stays. Lists whose items all have names are merged by
 * them, as containers and variables are; other lists are replaced whole. Nothing of either is changed.
 *
 * Source: "Declarative Management of Kubernetes Objects Using Configuration Files", how apply calculates differences
 * (Kubernetes v1.36). An object that was never applied by kubectl has no record of what it said last, so nothing goes.
 */
export const applied = (live: Manifest, said: Manifest): Manifest =>
  three(live, said, lastOf(live.metadata.annotations?.[LAST_APPLIED])) as Manifest;

const lastOf = (record: string | undefined): unknown => {
  if (record === undefined) return undefined;
  try {
    return JSON.parse(record);
  } catch {
    return undefined;
  }
};

const three = (live: unknown, said: unknown, last: unknown): unknown => {
  if (isMapping(live) && isMapping(said)) return fields(live, said, mappingOf(last));
  if (isNamed(live) && isNamed(said)) return items(live, said, isNamed(last) ? last : []);
  return said;
};

const fields = (live: Fields, said: Fields, last: Fields): Fields => {
  const kept = Object.entries(live).filter(([key]) => Object.hasOwn(said, key) || !Object.hasOwn(last, key));
  const own = (from: Fields, key: string): unknown => (Object.hasOwn(from, key) ? from[key] : undefined);
  const next = new Map<string, unknown>(kept);
  for (const [key, value] of Object.entries(said)) next.set(key, three(own(live, key), value, own(last, key)));
  return Object.fromEntries(next);
};

const items = (live: readonly Named[], said: readonly Named[], last: readonly Named[]): readonly unknown[] => {
  const named = (list: readonly Named[], name: string): Named | undefined => list.find((one) => one.name === name);
  const others = live.filter(({ name }) => named(said, name) === undefined && named(last, name) === undefined);
  return [...said.map((one) => three(named(live, one.name), one, named(last, one.name))), ...others];
};

type Fields = Readonly<Record<string, unknown>>;
type Named = Fields & { readonly name: string };

const isNamed = (value: unknown): value is readonly Named[] =>
  Array.isArray(value) && value.every((item) => isMapping(item) && typeof item.name === "string");
