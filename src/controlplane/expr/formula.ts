import { bad, good, type Problem, type Result } from "../../model/problem.ts";
import { compile } from "./compile.ts";
import { parseFormula } from "./parser.ts";
import type { Compiled } from "./scope.ts";
import { FormulaError } from "./token.ts";
import { FormulaRunError, type Value } from "./value.ts";

/*
 * expr/ speaks the expr language (expr-lang/expr v1.17) as far as KEDA's scaling formulas use it: token.ts splits, parser.ts
 * makes the tree (ast.ts), compile.ts checks types and makes it runnable, with operators.ts, functions.ts and
 * predicates.ts; value.ts is what it all works on. Whole numbers are bigints, so that Go's rules for int and float hold.
 */

/** What a formula came to. */
export type FormulaResult =
  | { readonly kind: "value"; readonly value: number }
  /** nil: KEDA then takes the fallback's replicas. */
  | { readonly kind: "nil" }
  | { readonly kind: "error"; readonly message: string };

export interface Formula {
  /** @param triggers by name; null: the trigger failed more often than the fallback's threshold */
  run(triggers: Readonly<Record<string, number | null>>): FormulaResult;
}

/**
 * Checks and compiles `scalingModifiers.formula` over the triggers' names, as KEDA 2.20 does (scaledobject_webhook.go): the
 * result is made a float unless `??` may leave it nil. A trial run with every trigger at -1 must succeed.
 */
export const formula = (text: string, triggers: readonly string[], field: string): Result<Formula> => {
  try {
    const compiled = compile(parseFormula(text), { triggers, locals: new Map(), reducing: false });
    const cast = castOf(text);
    if (cast !== "none" && compiled.type === "bool")
      throw new FormulaError("invalid argument for float (type bool): the formula must give a number", 0);
    if (cast !== "none" && compiled.type === "list")
      throw new FormulaError("the formula must give a number, not a list", 0);
    const made = { run: (values: Readonly<Record<string, number | null>>) => runOf(compiled, cast, values) };
    const trial = made.run(Object.fromEntries(triggers.map((name) => [name, -1])));
    if (trial.kind !== "error") return good(made);
    return bad(problem(field, `fails when it is tried with every trigger at -1, as KEDA does: ${trial.message}`));
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    return bad(problem(field, `${error.message}\n${pointedAt(text, error.at)}`));
  }
};

type Cast = "float" | "float-or-nil" | "none";

/** KEDA looks at the text alone. */
const castOf = (text: string): Cast => {
  if (text.includes("??")) return text.startsWith("let _kedaCompositeResult = ") ? "none" : "float-or-nil";
  return text.startsWith("float(") ? "none" : "float";
};

const runOf = ({ run }: Compiled, cast: Cast, triggers: Readonly<Record<string, number | null>>): FormulaResult => {
  try {
    return resultOf(run({ triggers, locals: [], elements: [] }), cast);
  } catch (error) {
    if (error instanceof FormulaRunError) return { kind: "error", message: error.message };
    throw error;
  }
};

const resultOf = (value: Value, cast: Cast): FormulaResult => {
  if (value === null)
    return cast === "float" ? { kind: "error", message: "invalid operation: float(<nil>)" } : { kind: "nil" };
  if (typeof value === "number") return { kind: "value", value };
  if (typeof value === "bigint" && cast !== "none") return { kind: "value", value: Number(value) };
  return { kind: "error", message: "the formula gave no number" };
};

/** The line of the formula, and a caret below the place. */
const pointedAt = (text: string, at: number): string => {
  const from = text.lastIndexOf("\n", at - 1) + 1;
  const to = text.indexOf("\n", at);
  const line = text.slice(from, to < 0 ? text.length : to);
  return ` | ${line}\n | ${" ".repeat(at - from)}^`;
};

const problem = (field: string, message: string): Problem => ({
  severity: "error",
  reason: "BadFormula",
  field,
  message,
});
