import type { Operator } from "./ast.ts";
import { power } from "./go-numbers.ts";

/** Operators that make something new of two values; the name goes. Source: vectorElemBinop, Prometheus 3.14. */
export const ARITHMETIC: Readonly<Partial<Record<Operator, (left: number, right: number) => number>>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
  "^": power,
  atan2: Math.atan2,
};

/** Operators that keep the left value or nothing; with `bool`, 1 or 0. */
export const COMPARISON: Readonly<Partial<Record<Operator, (left: number, right: number) => boolean>>> = {
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  ">": (left, right) => left > right,
  "<": (left, right) => left < right,
  ">=": (left, right) => left >= right,
  "<=": (left, right) => left <= right,
};
