import { describe, expect, it } from "vitest";
import { derivationOf, derivationText } from "../../src/cli/derivation.ts";
import { derivationView } from "../../src/cli/views.ts";
import { derivation } from "../../src/server/derivation.ts";
import { Quickstart } from "../twin/quickstart.ts";

describe("the derivation of a simulation's values", () => {
  const mirrored = new Quickstart().mirror();
  if (!mirrored.ok) throw new Error(JSON.stringify(mirrored.problems));
  const { values } = mirrored.value;
  const found = derivationOf(values);

  it("has every value once", () => {
    const paths = found.flatMap(({ fields }) => fields.flatMap((field) => field.values.map(({ path }) => path)));
    expect(paths.length).toBeGreaterThan(20);
    expect([...paths].sort()).toEqual(values.map(({ path }) => path).sort());
  });

  it("reads the same on the page as by explain -o tree", () => {
    const words = (text: string): string => text.replace(/[│├└─┬→\s]+/g, "");
    const page = derivation(derivationView(found))
      .text.replace(/ <span class="soft">\d+ fields?<\/span>/g, "")
      .replace(/<[^>]+>/g, "");
    const plain = page.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? "");
    expect(words(plain)).toBe(words(derivationText(found)));
  });
});

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
