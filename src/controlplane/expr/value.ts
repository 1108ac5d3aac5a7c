/** A value of a formula: whole numbers (Go's int) are bigints, floats are numbers. */
export type Value = bigint | number | boolean | null | readonly Value[];

/** What is known of a value before it is there. `any`: nothing. */
export type Type = "int" | "float" | "bool" | "nil" | "list" | "any";

/** A run that went wrong, as expr-lang's vm panics. */
export class FormulaRunError extends Error {}

/** Names as Go writes them, for messages. */
export const typeName = (type: Type): string =>
  ({ int: "int", float: "float64", bool: "bool", nil: "nil", list: "[]interface {}", any: "unknown" })[type];

export const typeOf = (value: Value): Type => {
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "float";
  if (typeof value === "boolean") return "bool";
  return value === null ? "nil" : "list";
};

export const isNumber = (value: Value): value is bigint | number =>
  typeof value === "number" || typeof value === "bigint";

/** Go's int64 wraps around. */
export const wrapped = (value: bigint): bigint => BigInt.asIntN(64, value);

/** What of `kind` the value is not. @throws FormulaRunError */
export const fail = (message: string): never => {
  throw new FormulaRunError(message);
};

export const less = (a: Value, b: Value): boolean => {
  if (!isNumber(a) || !isNumber(b)) return fail(`invalid operation: ${typeName(typeOf(a))} < ${typeName(typeOf(b))}`);
  return a < b;
};

/** Numbers are equal by what they are worth, lists by their items. */
export const equal = (a: Value, b: Value): boolean => {
  // biome-ignore lint/suspicious/noDoubleEquals: 1n and 1 are the same number.
  if (isNumber(a) && isNumber(b)) return a == b;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => equal(item, b[i] as Value));
  return a === b;
};

export const asInt = (value: number): bigint => {
  // amd64: what an int64 can't hold becomes the smallest one.
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 63) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
};

/** Half away from zero, as Go's math.Round. */
export const rounded = (value: number): number => {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
};

/** The type of one of two values: nil beside something is taken for that something, and the first wins over an unknown second. */
export const eitherOf = (a: Type, b: Type): Type => {
  if (a === "nil") return b;
  return b === "nil" || b === "any" || a === b ? a : "any";
};
