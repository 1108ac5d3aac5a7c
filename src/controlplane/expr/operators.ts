import type { Node } from "./ast.ts";
import type { Compiled, Frame } from "./scope.ts";
import { FormulaError } from "./token.ts";
import { equal, fail, isNumber, less, type Type, typeName, typeOf, type Value, wrapped } from "./value.ts";

/** Longest list that a range makes (expr-lang's default memory budget is 1e6). */
const LONGEST_RANGE = 1_000_000;

type Arithmetic = (left: Value, right: Value) => Value;

/** A binary operator on two checked operands. @throws FormulaError where their types don't go together */
export const binaryOf = (
  { operator, at }: Extract<Node, { kind: "binary" }>,
  left: Compiled,
  right: Compiled,
): Compiled => {
  const type = resultOf(operator, left.type, right.type);
  if (type === undefined) {
    const [a, b] = [typeName(left.type), typeName(right.type)];
    throw new FormulaError(`invalid operation: ${operator} (mismatched types ${a} and ${b})`, at);
  }
  const lazy = LAZY[operator];
  if (lazy !== undefined) return { type, run: lazy(left.run, right.run) };
  const eager = EAGER[operator] as Arithmetic;
  return { type, run: (frame) => eager(left.run(frame), right.run(frame)) };
};

const resultOf = (operator: string, a: Type, b: Type): Type | undefined => {
  const both = (...types: Type[]): boolean => types.includes(a) && types.includes(b);
  switch (operator) {
    case "==":
    case "!=":
      return comparable(a, b) ? "bool" : undefined;
    case "or":
    case "||":
    case "and":
    case "&&":
      return both("bool", "any") ? "bool" : undefined;
    case "<":
    case ">":
    case "<=":
    case ">=":
      return both("int", "float", "any") ? "bool" : undefined;
    case "+":
    case "-":
    case "*":
      if (!both("int", "float", "any")) return undefined;
      if (a === "any" || b === "any") return "any";
      return a === "int" && b === "int" ? "int" : "float";
    case "/":
    case "**":
    case "^":
      return both("int", "float", "any") ? "float" : undefined;
    case "%":
      return both("int", "any") ? "int" : undefined;
    case "..":
      return both("int", "any") ? "list" : undefined;
    case "in":
      return b === "list" || b === "any" ? "bool" : undefined;
    case "??":
      if (a === "nil") return b;
      return b === "nil" || a === b ? a : "any";
    default:
      return undefined;
  }
};

const comparable = (a: Type, b: Type): boolean =>
  a === b || a === "any" || b === "any" || a === "nil" || b === "nil" || (numeric(a) && numeric(b));

const numeric = (type: Type): boolean => type === "int" || type === "float";

type Run = (frame: Frame) => Value;

/** Operators whose right side may not be asked. */
const LAZY: Readonly<Record<string, (left: Run, right: Run) => Run>> = {
  "??": (left, right) => (frame) => left(frame) ?? right(frame),
  and: (left, right) => (frame) => bool(left(frame)) && bool(right(frame)),
  or: (left, right) => (frame) => bool(left(frame)) || bool(right(frame)),
  "&&": (left, right) => (frame) => bool(left(frame)) && bool(right(frame)),
  "||": (left, right) => (frame) => bool(left(frame)) || bool(right(frame)),
};

const bool = (value: Value): boolean =>
  typeof value === "boolean"
    ? value
    : fail(`invalid operation: ${typeName(typeOf(value))} where true or false is needed`);

/** Whole numbers among themselves wrap around; beside a float they are floats. */
const arithmetic =
  (operator: string, ints: (a: bigint, b: bigint) => bigint, floats: (a: number, b: number) => number): Arithmetic =>
  (left, right) => {
    if (!isNumber(left) || !isNumber(right)) return mismatch(left, operator, right);
    if (typeof left === "bigint" && typeof right === "bigint") return wrapped(ints(left, right));
    return floats(Number(left), Number(right));
  };

/** Always in floats. */
const floating =
  (operator: string, floats: (a: number, b: number) => number): Arithmetic =>
  (left, right) => {
    if (!isNumber(left) || !isNumber(right)) return mismatch(left, operator, right);
    return floats(Number(left), Number(right));
  };

const mismatch = (left: Value, operator: string, right: Value): never =>
  fail(`invalid operation: ${typeName(typeOf(left))} ${operator} ${typeName(typeOf(right))}`);

const EAGER: Readonly<Record<string, Arithmetic>> = {
  "+": arithmetic(
    "+",
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  "-": arithmetic(
    "-",
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  "*": arithmetic(
    "*",
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  "/": floating("/", (a, b) => a / b),
  "**": floating("**", goPower),
  "^": floating("^", goPower),
  "%": (left, right) => {
    if (typeof left !== "bigint" || typeof right !== "bigint") return mismatch(left, "%", right);
    return right === 0n ? fail("integer divide by zero") : left % right;
  },
  "==": equal,
  "!=": (left, right) => !equal(left, right),
  "<": less,
  ">": (left, right) => less(right, left),
  "<=": (left, right) => less(left, right) || equal(left, right),
  ">=": (left, right) => less(right, left) || equal(left, right),
  in: (left, right) => {
    if (right === null) return false;
    return Array.isArray(right)
      ? (right as readonly Value[]).some((item) => equal(left, item))
      : mismatch(left, "in", right);
  },
  "..": (left, right) => {
    if (typeof left !== "bigint" || typeof right !== "bigint") return mismatch(left, "..", right);
    const length = Number(right - left) + 1;
    if (length > LONGEST_RANGE) return fail("memory budget exceeded");
    return Array.from({ length: Math.max(0, length) }, (_, i) => left + BigInt(i));
  },
};

/** Go's math.Pow differs from ECMAScript's for a base of 1 or -1. */
function goPower(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY) return 1;
  return base ** exponent;
}
