import { Ajv2020 } from "ajv/dist/2020.js";
import * as z from "zod";
import { documentSchema } from "../../src/schema/json-document.ts";

/** Holds a document against its JSON Schema, by a validator that isn't zod; and against the same with nothing else let in. */
export const checked = (schema: z.ZodType, document: unknown) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const validate = ajv.compile(JSON.parse(documentSchema("", schema)) as object);
  validate(document);
  const errors = [...(validate.errors ?? [])];
  // What zod gives out has the fields that it knows and no other.
  const closed = ajv.compile(z.toJSONSchema(schema, { io: "output" }));
  closed(document);
  const unknown = (closed.errors ?? []).map(
    ({ instancePath, params, message }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
  return { errors: [...errors, ...unknown], refuses: (other: unknown): boolean => !validate(other) };
};
