import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crd } from "../../src/schema/crd.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import { GOOD } from "./objects.ts";

const ajv = new Ajv({ strict: false, formats: { int32: true, int64: true, "date-time": true } });
const [version] = crd().spec.versions;
const validate = ajv.compile(version?.schema.openAPIV3Schema ?? false);

type Path = readonly (string | number)[];

/** Every place in a value, the value itself left out. */
const places = (value: unknown, path: Path = []): Path[] =>
  typeof value !== "object" || value === null
    ? []
    : Object.keys(value).flatMap((key) => {
        const step = Array.isArray(value) ? Number(key) : key;
        return [[...path, step], ...places((value as Record<string, unknown>)[key], [...path, step])];
      });

const put = (root: unknown, path: Path, value: unknown): unknown => {
  const copy = structuredClone(root) as Record<PropertyKey, unknown>;
  const parent = path.slice(0, -1).reduce<Record<PropertyKey, unknown>>((at, step) => at[step] as typeof at, copy);
  parent[path.at(-1) as PropertyKey] = value;
  return copy;
};

const plausible = fc.oneof(
  fc.constantFrom("1h", "Preview", "Shadow", "External", "gamma", "normal", "step", "0.5", "a", ""),
  fc.integer({ min: -2, max: 20_000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue({ maxDepth: 2 }),
);
const broken = fc
  .constantFrom(...GOOD.map((object) => ({ object, spots: places(object).filter(([first]) => first === "spec") })))
  .chain(({ object, spots }) =>
    fc.tuple(fc.constantFrom(...spots), plausible).map(([path, value]) => put(object, path, value)),
  );

const stripped = (raw: unknown): unknown =>
  JSON.parse(JSON.stringify(raw), (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null))
      : value,
  );

describe("objects with one value replaced by another", () => {
  it("are refused by zod where the CRD's schema refuses them, with problems that name a field", () => {
    const verdicts = { both: 0, zodAlone: 0, taken: 0 };
    fc.assert(
      fc.property(broken, (raw) => {
        const parsed = parseSimulation(raw, {});
        const taken = validate(stripped(raw));
        if (parsed.ok) expect(taken, `${JSON.stringify(raw)}\n${ajv.errorsText(validate.errors)}`).toBe(true);
        else for (const { field, message } of parsed.problems) expect([field, message]).not.toContain(undefined);
        verdicts[parsed.ok ? "taken" : taken ? "zodAlone" : "both"] += 1;
      }),
      { numRuns: 3000, seed: 20_261_124 },
    );
    // Else the law would say nothing.
    expect(Math.min(...Object.values(verdicts)), JSON.stringify(verdicts)).toBeGreaterThan(20);
  });
});

describe("anything at all", () => {
  it("is read without a throw", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withSparseArray: true,
        }),
        (raw) => {
          expect(parseSimulation(raw, {}).ok).toBe(false);
          expect(parseSimulation({ ...GOOD[0], spec: raw }, {}).ok).toBe(false);
        },
      ),
      { numRuns: 1000, seed: 20_261_124 },
    );
  });
});
