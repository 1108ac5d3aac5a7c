import type { Expr } from "./ast.ts";
import { checkTypes } from "./check.ts";
import { type Features, PLAIN } from "./features.ts";
import { describeParseError, ParseError } from "./query-error.ts";
import { readExpression } from "./syntax.ts";

export type Parsed = { readonly ok: true; readonly expr: Expr } | { readonly ok: false; readonly message: string };

/** Reads a query and checks its types. A message has the place, what is wrong, and a caret under it. */
export const parseQuery = (query: string, features: Features = PLAIN): Parsed => {
  try {
    const expr = readExpression(query, features);
    checkTypes(expr, features);
    return { ok: true, expr };
  } catch (error) {
    if (error instanceof ParseError) return { ok: false, message: describeParseError(query, error) };
    throw error;
  }
};
