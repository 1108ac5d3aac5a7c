import { load, YAML11_SCHEMA } from "js-yaml";
import { describe, expect, it } from "vitest";
import { crd, crdYaml } from "../../src/schema/crd.ts";
import { crdDocs } from "../../src/schema/docs.ts";

describe("crds/", () => {
  it("reads back as what was meant, by kubectl's older YAML too", () => {
    expect(load(crdYaml())).toEqual(crd());
    expect(load(crdYaml(), { schema: YAML11_SCHEMA })).toEqual(crd());
  });
});

describe("docs/crd.md", () => {
  const fields: string[] = [];
  const collect = (node: { properties?: object; items?: object }, path: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      fields.push(name);
      collect(child, `${path}.${name}`);
    }
    if (node.items !== undefined) collect(node.items, path);
  };
  collect(crd().spec.versions[0]?.schema.openAPIV3Schema.properties?.spec ?? {}, "spec");

  it("names every field of the spec", () => {
    const docs = crdDocs();
    expect(fields.length).toBeGreaterThan(80);
    expect(fields.filter((name) => !new RegExp(`[.\`]${name}\``).test(docs))).toEqual([]);
  });
  it("has tables of even width", () => {
    const rows = crdDocs()
      .split("\n")
      .filter((line) => line.startsWith("|"));
    const widths = new Set(rows.map((row) => row.split(/(?<!\\)\|/).length));
    expect([...widths].every((width) => [4, 7, 8].includes(width))).toBe(true);
  });
});
