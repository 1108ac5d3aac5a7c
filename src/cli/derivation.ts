import type { Source } from "../model/known.ts";
import type { MirroredValue } from "../twin/mirror.ts";

/** What one object, or the like, says; and what each of its fields became. */
export interface Derivation {
  /** `Deployment/inference/vllm-llama-8b`, or what stands in for an object: `overrides`, `defaults`. */
  readonly source: string;
  readonly fields: readonly {
    readonly field: string;
    readonly values: readonly { readonly path: string; readonly value: MirroredValue["value"] }[];
  }[];
}

/** The groups that are no objects, in their order behind these. */
const OVERRIDES = "overrides of the simulation";
const CATALOGUE = "catalogues of models and GPUs";
const COMPUTED = "computed from other values";
const DEFAULTS = "defaults";
const LAST = [OVERRIDES, CATALOGUE, COMPUTED, DEFAULTS];

/** From what was read to what was derived: by source, then by field, each in the order in which it was first used. */
export const derivationOf = (values: readonly MirroredValue[]): readonly Derivation[] => {
  const sources = new Map<string, Map<string, MirroredValue[]>>();
  for (const value of values) {
    const [source, field] = placeOf(value.from);
    const fields = sources.get(source) ?? new Map<string, MirroredValue[]>();
    sources.set(source, fields.set(field, [...(fields.get(field) ?? []), value]));
  }
  const objects = [...sources.keys()].filter((source) => !LAST.includes(source));
  return [...objects, ...LAST].flatMap((source) => {
    const fields = sources.get(source);
    if (fields === undefined) return [];
    return [
      {
        source,
        fields: [...fields].map(([field, all]) => ({ field, values: all.map(({ path, value }) => ({ path, value })) })),
      },
    ];
  });
};

const placeOf = (from: Source): readonly [source: string, field: string] => {
  switch (from.kind) {
    case "field":
      return [from.object, from.field];
    case "override":
      return [OVERRIDES, from.field];
    case "catalogue":
      return [CATALOGUE, from.entry];
    case "derived":
      return [COMPUTED, from.how];
    case "default":
      return [DEFAULTS, from.why];
    default:
      return from satisfies never;
  }
};

/** The same as text: objects, their fields below them, and below these what they became. */
export const derivationText = (derivations: readonly Derivation[]): string =>
  derivations
    .flatMap(({ source, fields }) => [
      source,
      ...fields.flatMap(({ field, values }, i) => {
        const isLast = i === fields.length - 1;
        const [only] = values;
        const own = `${isLast ? "└─" : "├─"} ${field}`;
        if (values.length === 1 && only !== undefined) return [`${own} → ${shown(only)}`];
        const lead = isLast ? "   " : "│  ";
        return [own, ...values.map((value, k) => `${lead}${k === values.length - 1 ? "└→" : "├→"} ${shown(value)}`)];
      }),
    ])
    .map((line) => `${line}\n`)
    .join("");

const shown = ({ path, value }: Pick<MirroredValue, "path" | "value">): string => `${path} = ${String(value)}`;
