import { isDeepStrictEqual } from "node:util";
import type { Facts } from "./translate.ts";
import type { Vector } from "./vector.ts";

/** @returns one line per expectation that isn't met; only what the vector expects is compared. @throws if it expects nothing */
export const mismatches = (vector: Vector, facts: Facts): readonly string[] => {
  const expected = Object.entries(vector.expect).filter(([, value]) => value !== undefined);
  if (expected.length === 0) throw new Error(`vector ${vector.id} expects nothing`);
  const errors =
    "error_contains" in facts && !("error_contains" in vector.expect) ? [`failed: ${facts.error_contains}`] : [];
  return [...errors, ...expected.flatMap(([field, value]) => mismatch(field, value, facts))];
};

const mismatch = (field: string, expected: unknown, facts: Facts): readonly string[] => {
  const got = field === "conditions_absent" ? undefined : facts[field];
  const said = `${field}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`;
  switch (field) {
    case "error_contains":
      return typeof got === "string" && got.includes(String(expected)) ? [] : [said];
    case "conditions":
      return conditionMismatches(expected as Facts, got as Facts);
    case "conditions_absent":
      return (expected as readonly string[])
        .filter((type) => type in (facts.conditions as Facts))
        .map((type) => `condition ${type} is there`);
    default:
      return isDeepStrictEqual(got, expected) ? [] : [said];
  }
};

const conditionMismatches = (expected: Facts, got: Facts): readonly string[] =>
  Object.entries(expected).flatMap(([type, fields]) =>
    Object.entries(fields as Facts).flatMap(([field, value]) => {
      const is = (got[type] as Facts | undefined)?.[field];
      return is === value ? [] : [`condition ${type}.${field}: expected ${String(value)}, got ${String(is)}`];
    }),
  );
