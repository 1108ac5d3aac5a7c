import { describe, expect, it } from "vitest";
import * as z from "zod";
import { crd } from "../../src/schema/crd.ts";
import { type JsonSchema, jsonSchemaOf } from "../../src/schema/json-schema.ts";
import { structural } from "../../src/schema/structural.ts";

const of = (schema: z.ZodType): JsonSchema => structural(jsonSchemaOf(schema), "root");
const text = z.string().max(8);

describe("plain schemas", () => {
  it.each<[string, z.ZodType, JsonSchema]>([
    [
      "closed objects lose additionalProperties",
      z.strictObject({ a: text }),
      { type: "object", required: ["a"], properties: { a: { type: "string", maxLength: 8 } } },
    ],
    ["whole numbers lose the bounds of doubles", z.int(), { type: "integer", format: "int64" }],
    [
      "small whole numbers are int32",
      z.int().min(0).max(9),
      { type: "integer", format: "int32", minimum: 0, maximum: 9 },
    ],
    ["a bound above 0 stays open", z.number().positive(), { type: "number", minimum: 0, exclusiveMinimum: true }],
    [
      "a default makes a field optional and stays",
      z.strictObject({ a: text.default("x") }),
      { type: "object", properties: { a: { type: "string", maxLength: 8, default: "x" } } },
    ],
    [
      "prefault({}) becomes a default of the parent",
      z.strictObject({ a: z.int().min(0).max(1).default(1) }).prefault({}),
      {
        type: "object",
        default: {},
        properties: { a: { type: "integer", format: "int32", minimum: 0, maximum: 1, default: 1 } },
      },
    ],
    [
      "records become additionalProperties",
      z.record(z.string(), text).meta({ maxProperties: 2 }),
      { type: "object", maxProperties: 2, additionalProperties: { type: "string", maxLength: 8 } },
    ],
    [
      "a value of any shape is kept as it is, where that is said",
      z.strictObject({ a: z.unknown().meta({ "x-kubernetes-preserve-unknown-fields": true }).optional() }),
      { type: "object", properties: { a: { "x-kubernetes-preserve-unknown-fields": true } } },
    ],
    [
      "x-kubernetes keys pass",
      z.array(text).max(2).meta({ "x-kubernetes-list-type": "atomic" }),
      { type: "array", maxItems: 2, "x-kubernetes-list-type": "atomic", items: { type: "string", maxLength: 8 } },
    ],
  ])("%s", (_name, schema, wanted) => expect(of(schema)).toEqual(wanted));

  it.each<[string, z.ZodType, string]>([
    ["a value of any type", z.strictObject({ a: z.unknown() }), "root.a: has no type"],
    ["a union of scalars", z.union([z.string().max(3), z.int()]), "tells its choices apart"],
    ["an endless text", z.strictObject({ a: z.string() }), "root.a: needs a maxLength"],
    ["an endless list", z.array(text), "root: needs a maxItems"],
    ["an endless map", z.record(z.string(), text), "root: needs a maxProperties"],
    ["a pattern with look-around", text.regex(/^(?!x)/), "RE2 does not know"],
    ["a key of JSON schema that a CRD doesn't know", text.meta({ examples: ["a"] }), '"examples" is unknown'],
    ["a date", z.strictObject({ a: z.date() }), "Date cannot be represented"],
  ])("%s is refused at generation", (_name, schema, says) => expect(() => of(schema)).toThrow(says));

  it("a recursive schema is refused at generation", () => {
    const node = z.strictObject({ get next() { return node.optional(); } }); // biome-ignore format: one line
    expect(() => of(node)).toThrow(/cycle/i);
  });
});

describe("unions", () => {
  const choice = <const Name extends string>(name: Name, params: z.ZodRawShape) =>
    z
      .object({ ...params, kind: z.literal(name) })
      .strict()
      .meta({ description: `does ${name}` });
  const size = z.int().min(0).max(9).meta({ description: "How big." });

  const flat = of(
    z
      .discriminatedUnion("kind", [
        choice("a", { size, else: text }),
        choice("b", { size: size.default(3) }),
        choice("c", {}),
      ])
      .meta({ description: "What it does.", "x-kubernetes-validations": [{ rule: "true", message: "own" }] }),
  );

  it("become one object with the parameters of all choices", () => {
    expect(Object.keys(flat.properties ?? {})).toEqual(["kind", "size", "else"]);
    expect(flat.properties?.kind?.enum).toEqual(["a", "b", "c"]);
    expect(flat.required).toEqual(["kind"]);
    expect(flat.oneOf).toBeUndefined();
  });

  it("leave the defaults of their choices to zod", () => {
    expect(flat.properties?.size).toEqual({
      type: "integer",
      format: "int32",
      minimum: 0,
      maximum: 9,
      description: "a, b: How big.",
    });
  });

  it("say in CEL which parameters go with which choice, beside their own rules", () => {
    expect(flat["x-kubernetes-validations"]).toEqual([
      { rule: "true", message: "own" },
      { rule: '!has(self.size) || self.kind in ["a","b"]', message: "size is for kind a, b only", fieldPath: ".size" },
      { rule: 'has(self.size) || !(self.kind in ["a"])', message: "size is required for kind a" },
      { rule: '!has(self.__else__) || self.kind in ["a"]', message: "else is for kind a only", fieldPath: ".else" },
      { rule: 'has(self.__else__) || !(self.kind in ["a"])', message: "else is required for kind a" },
    ]);
  });

  it("are described choice by choice", () => {
    expect(flat.description).toBe("What it does.\nkind a: does a.\nkind b: does b.\nkind c: does c.");
  });

  it.each<[string, z.ZodType, string]>([
    [
      "choices that share a parameter's name but not its schema",
      z.discriminatedUnion("kind", [choice("a", { size }), choice("b", { size: z.int().min(1).max(9) })]),
      "root.size: a and b both have it, with different schemas",
    ],
    [
      "choices that nothing tells apart",
      z.union([z.strictObject({ a: text }), z.strictObject({ b: text })]),
      "tells its choices apart",
    ],
  ])("%s are refused at generation", (_name, schema, says) => expect(() => of(schema)).toThrow(says));
});

/** Rules of structural schemas and of CEL's cost (apiextensions 1.36), looked up again by other means than the generator's. */
describe("the CRD", () => {
  const nodes: { path: string; node: JsonSchema; root: boolean }[] = [];
  const walk = (node: JsonSchema, path: string, root = false): void => {
    nodes.push({ path, node, root });
    for (const [name, child] of Object.entries(node.properties ?? {})) walk(child, `${path}.${name}`, path === "");
    if (node.items !== undefined) walk(node.items, `${path}[]`);
    if (typeof node.additionalProperties === "object") walk(node.additionalProperties, `${path}{}`);
  };
  const [version] = crd().spec.versions;
  walk(version?.schema.openAPIV3Schema as JsonSchema, "", true);
  const inner = nodes.filter(({ root }) => !root);

  it("is read at all", () => expect(nodes.length).toBeGreaterThan(100));
  it("gives every value a type, but for one of any shape that is kept as it is", () =>
    expect(
      nodes
        .filter(({ node }) => node.type === undefined && node["x-kubernetes-preserve-unknown-fields"] !== true)
        .map(({ path }) => path),
    ).toEqual([]));
  it("describes every field", () =>
    expect(
      inner
        .filter(({ node, path }) => node.description === undefined && !/(\[\]|\{\})$/.test(path))
        .map(({ path }) => path),
    ).toEqual([]));
  it("bounds every text, list and map", () => {
    const endless = inner.filter(
      ({ node }) =>
        (node.type === "string" && node.maxLength === undefined && node.enum === undefined) ||
        (node.type === "array" && node.maxItems === undefined) ||
        (node.additionalProperties !== undefined && node.maxProperties === undefined),
    );
    expect(endless.map(({ path }) => path)).toEqual([]);
  });
  it("bounds every number of the spec", () => {
    const numbers = inner.filter(
      ({ node, path }) => path.startsWith(".spec") && ["integer", "number"].includes(node.type ?? ""),
    );
    expect(numbers.length).toBeGreaterThan(20);
    expect(
      numbers
        .filter(({ node }) => node.enum === undefined && (node.minimum === undefined || node.maximum === undefined))
        .map(({ path }) => path),
    ).toEqual([]);
  });
  it("names in keyed lists fields that every entry has", () => {
    const keyed = nodes.filter(({ node }) => node["x-kubernetes-list-type"] === "map");
    expect(keyed.length).toBeGreaterThan(2);
    for (const { node } of keyed) {
      for (const key of node["x-kubernetes-list-map-keys"] ?? []) {
        expect(node.items?.required?.includes(key) || node.items?.properties?.[key]?.default !== undefined).toBe(true);
      }
    }
  });
});
