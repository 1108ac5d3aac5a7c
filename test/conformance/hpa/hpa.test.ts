import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { mismatches } from "./compare.ts";
import { OWN_VECTORS } from "./own-vectors.ts";
import { runVector } from "./run-vector.ts";
import { Vector, VectorFile } from "./vector.ts";

const SAMPLE = fileURLToPath(new URL("../../../../shared/validation/hpa_vectors_sample.json", import.meta.url));
const path = process.env.HPA_VECTORS || SAMPLE;
// A path that somebody names must exist; only the sample may be absent.
const absent = path === SAMPLE && !existsSync(SAMPLE);

const check = (raw: unknown): readonly string[] => {
  const vector = Vector.parse(raw);
  return mismatches(vector, runVector(vector));
};

describe("own vectors", () => {
  it.each(OWN_VECTORS)("$id: $name", (vector) => expect(check(vector)).toEqual([]));
});

describe.skipIf(absent)(`vectors of ${absent ? "../shared, which is absent" : path}`, () => {
  const vectors = absent ? [] : VectorFile.parse(JSON.parse(readFileSync(path, "utf8"))).vectors;
  const named = vectors.map((vector) => ({ ...(vector as { id: string; name: string }), vector }));
  it.each(named)("$id: $name", ({ vector }) => expect(check(vector)).toEqual([]));
});

describe("the runner", () => {
  const [first] = OWN_VECTORS;
  const changed = (change: object): unknown => ({ ...first, ...change });
  const input = (change: object): unknown => changed({ input: { ...(first?.input as object), ...change } });

  it("fails on a kind that it doesn't know", () => expect(() => check(changed({ kind: "reconcile_twice" }))).toThrow());
  it("fails on an input that it doesn't know", () =>
    expect(() => check(input({ min_replica: 1 }))).toThrow(/min_replica/));
  it("fails on an expectation that it doesn't know", () =>
    expect(() => check(changed({ expect: { replica: 1 } }))).toThrow(/replica/));
  it("fails on a vector without expectations", () => expect(() => check(changed({ expect: {} }))).toThrow(/expects/));
  it("tells what is otherwise than expected", () =>
    expect(check(changed({ expect: { replicas: -1 } }))[0]).toMatch(/^replicas: expected -1, got \d+$/));

  // Every expectation of every own vector is looked at: with another value in its place the vector fails.
  const expectations = OWN_VECTORS.flatMap((vector) =>
    Object.keys(vector.expect).map((field) => ({ id: vector.id, field, vector })),
  );
  it.each(expectations)("compares $field of $id", ({ field, vector }) => {
    const expected = (vector.expect as Record<string, unknown>)[field];
    const spoilt = { ...vector, expect: { ...vector.expect, [field]: spoil(field, expected) } };
    expect(check(spoilt)).not.toEqual([]);
  });
});

/** @returns another value of the same form, which doesn't hold */
const spoil = (field: string, value: unknown): unknown => {
  if (field === "conditions_absent") return ["AbleToScale"];
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return /^-?\d+$/.test(value) ? String(BigInt(value) - 1n) : `not ${value}`;
  if (Array.isArray(value)) return value.length === 0 ? ["nobody"] : [spoil(field, value[0]), ...value.slice(1)];
  return Object.fromEntries(Object.entries(value as object).map(([key, inner]) => [key, spoil(field, inner)]));
};
