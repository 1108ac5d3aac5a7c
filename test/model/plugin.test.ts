import { describe, expect, it } from "vitest";
import * as z from "zod";
import { kindOf, registry } from "../../src/model/plugin.ts";

const pet = kindOf<{ readonly owner: string }, string>();
const pets = registry("species", [
  pet({
    name: "cat",
    summary: "a cat",
    params: () => z.object({ lives: z.int().default(9) }),
    create: ({ lives }, { owner }) => `${owner}'s cat has ${lives} lives`,
  }),
  pet({
    name: "fish",
    summary: "a fish",
    params: () => z.object({}),
    create: (_params, { owner }) => `${owner}'s fish`,
  }),
]);

describe("registry", () => {
  it("lists its choices in order", () => expect(pets.all.map(({ name }) => name)).toEqual(["cat", "fish"]));

  it("fills in defaults and creates what was said", () => {
    const said = pets.schema.parse({ species: "cat" });
    expect(said).toEqual({ species: "cat", lives: 9 });
    expect(pets.create(said, { owner: "Ann" })).toBe("Ann's cat has 9 lives");
  });

  it("makes parameters when somebody asks for them, once", () => {
    let made = 0;
    const params = () => {
      made += 1;
      return z.object({});
    };
    const dog = pet({ name: "dog", summary: "a dog", params, create: () => "a dog" });
    const { schema } = registry("species", [dog]);
    expect(made).toBe(0);
    expect(schema.parse({ species: "dog" })).toEqual({ species: "dog" });
    expect(dog.params).toBe(dog.params);
    expect(made).toBe(1);
  });

  it("types a choice without parameters by its name alone", () => {
    expect(pets.create({ species: "fish" }, { owner: "Ann" })).toBe("Ann's fish");
    // @ts-expect-error: a cat's lives must be said once defaults are filled in
    const incomplete: z.output<typeof pets.schema> = { species: "cat" };
    expect(incomplete.species).toBe("cat");
  });

  it.each([
    { name: "another choice", said: { species: "dog" }, path: ["species"] },
    { name: "no choice", said: {}, path: ["species"] },
    { name: "another choice's parameter", said: { species: "fish", lives: 3 }, path: [] },
    { name: "a bad parameter", said: { species: "cat", lives: "many" }, path: ["lives"] },
  ])("refuses $name", ({ said, path }) => {
    expect(pets.schema.safeParse(said).error?.issues[0]?.path).toEqual(path);
  });

  it("throws on a name that its schema would have refused", () => {
    expect(() => pets.create({ species: "dog" } as never, { owner: "Ann" })).toThrow("dog");
  });
});
