import type * as z from "zod";

type Path = readonly PropertyKey[];

/** Steps from a schema to the one that a value at `path` inside `raw` is read by; of a union's choices the one that `raw` names. */
const schemaAt = (schema: z.core.$ZodType, raw: unknown, path: Path): z.core.$ZodType | undefined => {
  const { def } = schema._zod as z.core.$ZodTypes["_zod"];
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "readonly":
      return schemaAt(def.innerType, raw, path);
    case "lazy":
      return schemaAt(def.getter(), raw, path);
    case "union": {
      const choice = choiceOf(def as z.core.$ZodDiscriminatedUnionDef, raw);
      return choice === undefined ? undefined : schemaAt(choice, raw, path);
    }
  }
  const [step, ...rest] = path;
  if (step === undefined) return schema;
  const inner = (raw as Record<PropertyKey, unknown> | undefined)?.[step];
  switch (def.type) {
    case "object": {
      const next = def.shape[String(step)];
      return next === undefined ? undefined : schemaAt(next, inner, rest);
    }
    case "array":
      return schemaAt(def.element, inner, rest);
    case "record":
      return schemaAt(def.valueType, inner, rest);
    default:
      return undefined;
  }
};

const choiceOf = (
  { discriminator, options }: z.core.$ZodDiscriminatedUnionDef,
  raw: unknown,
): z.core.$ZodType | undefined => {
  const named = (raw as Record<string, unknown> | undefined)?.[discriminator];
  return options.find((option) => option._zod.propValues?.[discriminator]?.has(named as string));
};

/** @returns names of the fields that an object at `path` may have; empty where there is none */
export const fieldsAt = (schema: z.core.$ZodType, raw: unknown, path: Path): readonly string[] => {
  const found = schemaAt(schema, raw, path);
  if (found === undefined) return [];
  const { def } = found._zod as z.core.$ZodTypes["_zod"];
  return def.type === "object" ? Object.keys(def.shape) : [];
};
