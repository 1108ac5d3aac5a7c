import { choiceName, discriminatorOf, type JsonSchema, jsonSchemaOf } from "./json-schema.ts";
import { API_VERSION, GROUP, KIND, PLURAL, SHORT } from "./resource.ts";
import { simulationSpec } from "./simulation-spec.ts";
import { simulationStatus } from "./simulation-status.ts";

/** Text of docs/crd.md: every field, the choices of every union, the rules over several fields. */
export const crdDocs = (): string => {
  const spec = visit(jsonSchemaOf(simulationSpec), "spec", true);
  const status = visit(jsonSchemaOf(simulationStatus), "status", false);
  return [
    `# ${KIND}`,
    `Generated from \`src/schema\` by \`npm run gen\`; don't edit.`,
    `\`${API_VERSION}\`, namespaced, short name \`${SHORT}\` (\`kubectl get ${SHORT}\`), full name \`${PLURAL}.${GROUP}\`. ` +
      "Unknown fields are errors. `[]` stands for each entry of a list, `{}` for each value of a map.",
    "## spec",
    table(FIELD_HEAD, spec.fields.map(fieldRow)),
    "## Choices",
    "Fields that hold one of several choices. A parameter of one choice is refused beside another.",
    ...spec.unions.flatMap(unionSection),
    "## Rules over several fields",
    "The API server refuses an object that breaks one of these; so does the command line.",
    table(
      ["at", "rule"],
      spec.rules.map(({ path, message }) => [code(path), message]),
    ),
    "## status",
    "Written by the operator.",
    table(FIELD_HEAD, status.fields.map(fieldRow)),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
};

interface Field {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

interface Union {
  readonly path: string;
  readonly discriminator: string;
  readonly choices: readonly {
    readonly name: string;
    readonly description: string;
    readonly fields: readonly Field[];
  }[];
}

interface Found {
  readonly fields: readonly Field[];
  readonly unions: readonly Union[];
  readonly rules: readonly { readonly path: string; readonly message: string }[];
}

const visit = (schema: JsonSchema, path: string, required: boolean): Found => {
  const here: Found = {
    fields: [{ path, schema, required }],
    unions: unionsOf(schema, path),
    rules: rulesOf(schema, path),
  };
  return [here, ...below(schema, path)].reduce(merge);
};

const below = (schema: JsonSchema, path: string): Found[] => [
  ...Object.entries(schema.properties ?? {}).map(([name, child]) =>
    visit(child, `${path}.${name}`, schema.required?.includes(name) ?? false),
  ),
  ...(schema.items === undefined ? [] : inside(schema.items, `${path}[]`)),
  ...(typeof schema.additionalProperties === "object" ? inside(schema.additionalProperties, `${path}{}`) : []),
];

/** Of a list's entries only what is in them: that there are entries, the list's own row says. */
const inside = (schema: JsonSchema, path: string): Found[] => [
  { fields: [], unions: unionsOf(schema, path), rules: rulesOf(schema, path) },
  ...below(schema, path),
];

const merge = (a: Found, b: Found): Found => ({
  fields: [...a.fields, ...b.fields],
  unions: [...a.unions, ...b.unions],
  rules: [...a.rules, ...b.rules],
});

const rulesOf = (schema: JsonSchema, path: string) =>
  (schema["x-kubernetes-validations"] ?? []).map(({ message, rule }) => ({ path, message: message ?? rule }));

const unionsOf = ({ oneOf }: JsonSchema, path: string): Union[] => {
  if (oneOf === undefined) return [];
  const discriminator = discriminatorOf(oneOf);
  const choices = oneOf.map((choice) => ({
    name: choiceName(choice, discriminator) as string,
    description: choice.description ?? "",
    fields: below(choice, "")
      .flatMap(({ fields }) => fields)
      .filter((field) => field.path !== `.${discriminator}`),
  }));
  return [{ path, discriminator, choices }];
};

// ---- as text

const FIELD_HEAD = ["field", "type", "default", "bounds", "what it is"];

const fieldRow = ({ path, schema, required }: Field): string[] => [
  code(path),
  typeOf(schema),
  schema.default === undefined ? (required ? "**required**" : "") : code(JSON.stringify(schema.default)),
  boundsOf(schema),
  schema.description ?? "",
];

const unionSection = ({ path, discriminator, choices }: Union): string[] => [
  `### ${code(path)}`,
  table(
    [code(discriminator), "parameter", "type", "default", "bounds", "what it is"],
    choices.flatMap(({ name, description, fields }) => [
      [code(name), "", "", "", "", description],
      ...fields.map((field) => ["", ...fieldRow({ ...field, path: field.path.slice(1) })]),
    ]),
  ),
];

const typeOf = (schema: JsonSchema): string => {
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) return schema.type ?? "any value";
  if (schema.oneOf !== undefined) return `choice by ${code(discriminatorOf(schema.oneOf))}`;
  if (schema.items !== undefined)
    return `list of ${schema.items.type === "object" || schema.items.oneOf ? "objects" : `${typeOf(schema.items)}s`}`;
  if (typeof schema.additionalProperties === "object") return "map";
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(", ");
  if (isDuration(schema)) return "duration";
  return schema.type ?? "";
};

const isDuration = ({ pattern }: JsonSchema): boolean => pattern?.includes("us|ms|s|m|h|d") ?? false;

const boundsOf = (schema: JsonSchema): string =>
  [
    range(schema.minimum, schema.maximum, ""),
    range(
      schema.minLength,
      schema.enum === undefined && !isDuration(schema) ? schema.maxLength : undefined,
      " characters",
    ),
    range(schema.minItems, schema.maxItems, " entries"),
    range(schema.minProperties, schema.maxProperties, " entries"),
  ]
    .filter((text) => text !== "")
    .join(", ");

const range = (least: number | undefined, most: number | undefined, what: string): string => {
  const low = least === undefined || least === Number.MIN_SAFE_INTEGER ? undefined : least;
  const high = most === undefined || most === Number.MAX_SAFE_INTEGER ? undefined : most;
  if (low === undefined) return high === undefined ? "" : `at most ${high}${what}`;
  return high === undefined ? `at least ${low}${what}` : `${low} to ${high}${what}`;
};

const code = (text: string): string => `\`${text}\``;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
