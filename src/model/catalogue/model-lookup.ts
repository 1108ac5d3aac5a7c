import type { ModelShape } from "../model-shape.ts";
import { catalogueModels } from "./models.ts";
import { nearestIds } from "./nearest-ids.ts";

/**
 * By which rule an id was recognised: as it stands; but for upper and lower case; as another name of the same
 * architecture; as a quantised variant; or by the renaming of Meta's repositories ("Meta-Llama-3.1" is "Llama-3.1").
 */
export type ModelRule = "exact" | "case" | "alias" | "variant" | "renamed";

export interface ModelMatch {
  readonly shape: ModelShape;
  /** Id of the entry that gave the figures. */
  readonly entry: string;
  readonly rule: ModelRule;
}

interface Name {
  readonly id: string;
  readonly rule: "exact" | "alias" | "variant";
  readonly match: Omit<ModelMatch, "rule">;
}

const names: readonly Name[] = catalogueModels.flatMap(({ shape, aliases, variants }): Name[] => [
  { id: shape.id, rule: "exact", match: { shape, entry: shape.id } },
  ...aliases.map((id): Name => ({ id, rule: "alias", match: { shape: { ...shape, id }, entry: shape.id } })),
  ...variants.map(({ id, ...widths }): Name => {
    const quantised: ModelShape = { ...shape, id, ...widths, quantizedParts: "linear" };
    return { id, rule: "variant", match: { shape: quantised, entry: shape.id } };
  }),
]);

const withoutMeta = (id: string): string => id.toLowerCase().replace("/meta-", "/");

/** Looks up a Hugging Face id: exactly, then ignoring case, then under Meta's older or newer repository name. */
export const findModel = (id: string): ModelMatch | undefined => {
  const exact = names.find((name) => name.id === id);
  if (exact !== undefined) return { ...exact.match, rule: exact.rule };
  const sameButCase = names.find((name) => name.id.toLowerCase() === id.toLowerCase());
  if (sameButCase !== undefined) return { ...sameButCase.match, rule: "case" };
  const renamed = names.find((name) => withoutMeta(name.id) === withoutMeta(id));
  return renamed === undefined ? undefined : { ...renamed.match, rule: "renamed" };
};

/** @returns up to `count` ids of the catalogue that look most like `id`, best first; for "did you mean" */
export const nearestModels = (id: string, count: number): readonly string[] =>
  nearestIds(
    tail(id),
    names.map((name) => ({ id: name.id, names: [tail(name.id)] })),
    count,
  );

const tail = (id: string): string => id.slice(id.lastIndexOf("/") + 1).toLowerCase();
