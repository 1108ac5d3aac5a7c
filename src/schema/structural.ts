import { type CelRule, choiceName, discriminatorOf, type JsonSchema } from "./json-schema.ts";

/** Keys that the API server's structural schemas take as they are. */
const KEPT = [
  "type",
  "description",
  "format",
  "default",
  "enum",
  "pattern",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "nullable",
  "required",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
] as const;
/** Keys that are read, turned into something else or dropped on purpose. */
const TURNED = ["properties", "items", "additionalProperties", "oneOf", "x-kubernetes-validations"];

const INT32_MAX = 2 ** 31 - 1;

/**
 * Turns a schema into what a CustomResourceDefinition takes: structural (Kubernetes 1.36, apiextensions), no
 * alternatives below which types differ, no closed maps (the server prunes or refuses unknown fields itself).
 * Choices of a union become one object with a field for each parameter of any of them, and CEL rules that say which go together.
 *
 * @throws if it can't be said: a value of no type, a pattern that RE2 doesn't know, a text, list or map that CEL would have
 * to expect endless, choices that share a parameter's name but not its schema
 */
export const structural = (schema: JsonSchema, at = ""): JsonSchema => {
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined) return union(schema, choices, at);
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) return anything(schema);
  refuse(schema, at);
  const rules = schema["x-kubernetes-validations"] ?? [];
  return {
    ...(schema.type === "integer" ? integer(schema) : kept(schema)),
    ...children(schema, at),
    ...validations(rules),
  };
};

/** Kept as it is, whatever it holds; the one place where a structural schema may go without a type. */
const anything = ({ type, description }: JsonSchema): JsonSchema => ({
  ...(type === undefined ? {} : { type }),
  ...(description === undefined ? {} : { description }),
  "x-kubernetes-preserve-unknown-fields": true,
});

const refuse = (schema: JsonSchema, at: string): void => {
  const fail = (why: string): never => {
    throw new Error(`${at === "" ? "the schema" : at}: ${why}`);
  };
  if (schema.type === undefined) fail("has no type");
  const stranger = Object.keys(schema).find(
    (key) => !(KEPT as readonly string[]).includes(key) && !TURNED.includes(key),
  );
  if (stranger !== undefined) fail(`"${stranger}" is unknown to a CRD`);
  // RE2 knows no look-around and no back-references.
  if (schema.pattern !== undefined && /\(\?[=!<]|\\[1-9k]/.test(schema.pattern))
    fail(`RE2 does not know the pattern ${schema.pattern}`);
  if (schema.type === "string" && schema.maxLength === undefined && schema.enum === undefined)
    fail("needs a maxLength");
  if (schema.type === "array" && schema.maxItems === undefined) fail("needs a maxItems");
  if (typeof schema.additionalProperties === "object" && schema.maxProperties === undefined)
    fail("needs a maxProperties");
};

const kept = (schema: JsonSchema): JsonSchema =>
  Object.fromEntries(KEPT.filter((key) => schema[key] !== undefined).map((key) => [key, schema[key]]));

/** zod bounds whole numbers by what a double holds; a CRD says so by the format. */
const integer = (schema: JsonSchema): JsonSchema => {
  const { minimum, maximum, ...rest } = kept(schema);
  const least = minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum };
  const most = maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum };
  const small = Math.max(Math.abs(minimum ?? Infinity), Math.abs(maximum ?? Infinity)) <= INT32_MAX;
  return { ...rest, format: small ? "int32" : "int64", ...least, ...most } as JsonSchema;
};

const validations = (rules: readonly CelRule[]): JsonSchema =>
  rules.length === 0 ? {} : { "x-kubernetes-validations": rules };

const children = ({ properties, items, additionalProperties }: JsonSchema, at: string): JsonSchema => ({
  ...(properties === undefined
    ? {}
    : { properties: mapped(properties, (child, name) => structural(child, `${at}.${name}`)) }),
  ...(items === undefined ? {} : { items: structural(items, `${at}[]`) }),
  ...(typeof additionalProperties !== "object"
    ? {}
    : { additionalProperties: structural(additionalProperties, `${at}{}`) }),
});

const mapped = <T, U>(record: Readonly<Record<string, T>>, change: (value: T, key: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));

// ---- unions

const union = (schema: JsonSchema, choices: readonly JsonSchema[], at: string): JsonSchema => {
  const discriminator = discriminatorOf(choices);
  const names = choices.map((choice) => choiceName(choice, discriminator) as string);
  const flat = choices.map((choice) => structural(choice, at));
  if (flat.some((choice) => choice["x-kubernetes-validations"] !== undefined))
    throw new Error(`${at}: a choice can't have rules of its own`);
  const parameters = [...new Set(flat.flatMap((choice) => Object.keys(choice.properties ?? {})))].filter(
    (name) => name !== discriminator,
  );
  const rules = parameters.flatMap((name) => couplings(name, discriminator, names, flat));
  return {
    ...kept(schema),
    type: "object",
    description: describe(schema.description, discriminator, names, flat),
    properties: {
      [discriminator]: { type: "string", enum: names, description: "Which one." },
      ...Object.fromEntries(parameters.map((name) => [name, shared(name, names, flat, at)])),
    },
    required: [discriminator],
    ...validations([...(schema["x-kubernetes-validations"] ?? []), ...rules]),
  };
};

/** The one schema of a parameter of any of the choices, without a default: one choice's would land on another. */
const shared = (name: string, names: readonly string[], choices: readonly JsonSchema[], at: string): JsonSchema => {
  const users = choices.flatMap((choice, i) => {
    const found = choice.properties?.[name];
    return found === undefined ? [] : [{ choice: names[i] as string, ...split(found) }];
  });
  const [first, ...others] = users;
  const stranger = others.find(({ shape }) => JSON.stringify(shape) !== JSON.stringify(first?.shape));
  if (stranger !== undefined) {
    throw new Error(`${at}.${name}: ${first?.choice} and ${stranger.choice} both have it, with different schemas`);
  }
  const descriptions = new Set(users.map(({ description }) => description));
  const description =
    descriptions.size === 1
      ? `${users.map(({ choice }) => choice).join(", ")}: ${first?.description ?? ""}`
      : users.map((user) => `${user.choice}: ${user.description}`).join(" ");
  return { ...first?.shape, description };
};

const split = ({ description, ...rest }: JsonSchema) => {
  const shape = Object.fromEntries(Object.entries(rest).filter(([key]) => key !== "default"));
  return { description, shape: shape as JsonSchema };
};

/** Which choices may have a parameter, and which must. */
const couplings = (
  name: string,
  discriminator: string,
  names: readonly string[],
  choices: readonly JsonSchema[],
): CelRule[] => {
  const having = names.filter((_, i) => choices[i]?.properties?.[name] !== undefined);
  const needing = names.filter((_, i) => choices[i]?.required?.includes(name));
  const field = celField(name);
  const which = `self.${celField(discriminator)}`;
  const list = (some: readonly string[]) => JSON.stringify(some);
  return [
    ...(having.length === names.length
      ? []
      : [
          {
            rule: `!has(self.${field}) || ${which} in ${list(having)}`,
            message: `${name} is for ${discriminator} ${having.join(", ")} only`,
            fieldPath: `.${name}`,
          },
        ]),
    ...(needing.length === 0
      ? []
      : [
          {
            rule: `has(self.${field}) || !(${which} in ${list(needing)})`,
            message: `${name} is required for ${discriminator} ${needing.join(", ")}`,
          },
        ]),
  ];
};

const describe = (
  description: string | undefined,
  discriminator: string,
  names: readonly string[],
  choices: readonly JsonSchema[],
): string => {
  const lines = names.map((name, i) => `${discriminator} ${name}: ${choices[i]?.description ?? ""}.`);
  return [description, ...lines].filter((line) => line !== undefined).join("\n");
};

/** Words that CEL keeps for itself are reached by other names (Kubernetes, "Validation rules", field name escaping). */
const RESERVED = [
  "true",
  "false",
  "null",
  "in",
  "as",
  "break",
  "const",
  "continue",
  "else",
  "for",
  "function",
  "if",
  "import",
  "let",
  "loop",
  "package",
  "namespace",
  "return",
  "var",
  "void",
  "while",
];

const celField = (name: string): string => {
  if (RESERVED.includes(name)) return `__${name}__`;
  return name
    .replaceAll("__", "__underscores__")
    .replaceAll("-", "__dash__")
    .replaceAll(".", "__dot__")
    .replaceAll("/", "__slash__");
};
