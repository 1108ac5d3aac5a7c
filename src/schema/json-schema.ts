import * as z from "zod";

/** The part of JSON schema (as OpenAPI 3.0 has it) that our zod schemas come to. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly "x-kubernetes-validations"?: readonly CelRule[];
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
}

export interface CelRule {
  readonly rule: string;
  readonly message?: string;
  readonly fieldPath?: string;
}

/** What may be written, so that fields with a default may be left out. @throws if a part of it can't be said in JSON schema */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, {
    target: "openapi-3.0",
    io: "input",
    unrepresentable: "throw",
    cycles: "throw",
  }) as JsonSchema;

/** The property that tells a union's choices apart: a different single value in each of them. @throws if there is none */
export const discriminatorOf = (choices: readonly JsonSchema[]): string => {
  const names = Object.keys(choices[0]?.properties ?? {});
  const found = names.find(
    (name) => new Set(choices.map((choice) => choiceName(choice, name))).size === choices.length,
  );
  if (found === undefined) throw new Error("a union needs a property that tells its choices apart");
  return found;
};

export const choiceName = (choice: JsonSchema, discriminator: string): string | undefined => {
  const values = choice.properties?.[discriminator]?.enum;
  return values?.length === 1 && choice.required?.includes(discriminator) ? String(values[0]) : undefined;
};
