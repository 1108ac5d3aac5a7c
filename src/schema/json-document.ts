import * as z from "zod";

/** Documents are made of data that never changes once made. */
export const list = <T extends z.ZodType>(entry: T) => z.array(entry).readonly();
export const byName = <T extends z.ZodType>(value: T) => z.record(z.string(), value).readonly();
/** What a value of the effective configuration may be. */
export const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** JSON Schema (2020-12) of what a command prints, for `docs/schemas/`. Fields that it doesn't know are let in: later versions may say more. */
export const documentSchema = (title: string, schema: z.ZodType): string => {
  const made = z.toJSONSchema(schema, {
    io: "input",
    override: ({ jsonSchema }) => {
      // Said of TypeScript's types; to whoever reads a document it says nothing.
      delete jsonSchema.readOnly;
    },
  });
  return `${JSON.stringify({ title, ...made }, null, 2)}\n`;
};
