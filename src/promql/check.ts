import {
  type Aggregate,
  type Binary,
  type Call,
  COMPARISONS,
  type Expr,
  SET_OPERATORS,
  type ValueType,
} from "./ast.ts";
import type { Features } from "./features.ts";
import { METRIC_NAME } from "./labels.ts";
import { ParseError } from "./query-error.ts";
import { EXPERIMENTAL_AGGREGATIONS, PARAMETERS, SIGNATURES, UNSUPPORTED } from "./signatures.ts";

/** What an expression gives. Source: Expr.Type(), Prometheus 3.14. */
export const typeOf = (expr: Expr): ValueType => {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "matrix":
    case "subquery":
      return "range vector";
    case "call":
      return SIGNATURES.get(expr.name)?.returns ?? "instant vector";
    case "paren":
    case "unary":
      return typeOf(expr.expr);
    case "binary":
      return typeOf(expr.left) === "scalar" && typeOf(expr.right) === "scalar" ? "scalar" : "instant vector";
    default:
      return "instant vector";
  }
};

/**
 * Refuses what can't be evaluated: wrong types, wrong numbers of arguments, modifiers out of place.
 *
 * @throws ParseError
 * Source: checkAST, Prometheus 3.14.
 */
export const checkTypes = (expr: Expr, features: Features): void => {
  const check = (inner: Expr) => checkTypes(inner, features);
  switch (expr.kind) {
    case "aggregate":
      return checkAggregate(expr, features, check);
    case "binary":
      return checkBinary(expr, check);
    case "call":
      return checkCall(expr, features, check);
    case "paren":
      return check(expr.expr);
    case "unary":
      check(expr.expr);
      if (typeOf(expr.expr) === "scalar" || typeOf(expr.expr) === "instant vector") return;
      throw wrong(
        expr,
        `unary expression only allowed on expressions of type scalar or instant vector, got "${typeOf(expr.expr)}"`,
      );
    case "subquery":
      check(expr.expr);
      if (typeOf(expr.expr) === "instant vector") return;
      throw wrong(expr, `subquery is only allowed on instant vector, got ${typeOf(expr.expr)} instead`);
    case "matrix":
      return check(expr.selector);
    case "selector":
      return checkSelector(expr);
    default:
  }
};

const wrong = ({ from, to }: { readonly from: number; readonly to: number }, message: string): ParseError =>
  new ParseError(message, from, to);

const expectType = (expr: Expr, wanted: ValueType, context: string): void => {
  const type = typeOf(expr);
  if (type !== wanted) throw wrong(expr, `expected type ${wanted} in ${context}, got ${type}`);
};

const checkAggregate = (expr: Aggregate, features: Features, check: (inner: Expr) => void): void => {
  if (expr.expr === undefined) throw wrong(expr, "no arguments for aggregate expression provided");
  if (EXPERIMENTAL_AGGREGATIONS.has(expr.operator) && !features.experimentalFunctions)
    throw experimental(expr, expr.operator);
  const parameter = PARAMETERS.get(expr.operator);
  const wanted = parameter === undefined ? 1 : 2;
  const given = 1 + (expr.param === undefined ? 0 : 1) + expr.extra;
  if (given !== wanted) {
    throw wrong(expr, `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${given}`);
  }
  check(expr.expr);
  expectType(expr.expr, "instant vector", "aggregation expression");
  if (expr.param === undefined || parameter === undefined) return;
  check(expr.param);
  expectType(expr.param, parameter, "aggregation parameter");
};

const experimental = (expr: Expr, name: string): ParseError =>
  wrong(expr, `${name}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`);

const checkBinary = (expr: Binary, check: (inner: Expr) => void): void => {
  check(expr.left);
  check(expr.right);
  const [left, right] = [typeOf(expr.left), typeOf(expr.right)];
  const compares = COMPARISONS.has(expr.operator);
  const isSet = SET_OPERATORS.has(expr.operator);
  if (expr.returnBool && !compares) throw wrong(expr.sign, "bool modifier can only be used on comparison operators");
  if (compares && !expr.returnBool && left === "scalar" && right === "scalar") {
    throw wrong(expr.sign, "comparisons between scalars must use BOOL modifier");
  }
  checkMatching(expr);
  for (const side of [expr.left, expr.right]) {
    if (typeOf(side) === "scalar" || typeOf(side) === "instant vector") continue;
    throw wrong(side, "binary expression must contain only scalar and instant vector types");
  }
  const bothVectors = left === "instant vector" && right === "instant vector";
  if (!bothVectors && (expr.matching?.labels.length ?? 0) > 0) {
    throw wrong(expr, "vector matching only allowed between instant vectors");
  }
  if (!bothVectors && fills(expr)) throw wrong(expr, "filling in missing series only allowed between instant vectors");
  if (isSet && !bothVectors)
    throw wrong(expr, `set operator "${expr.operator}" not allowed in binary scalar expression`);
};

const fills = ({ matching }: Binary): boolean => matching?.fillLeft !== undefined || matching?.fillRight !== undefined;

const checkMatching = (expr: Binary): void => {
  const { matching } = expr;
  if (matching === undefined) return;
  const both = matching.on ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
  if (both !== undefined) throw wrong(expr.sign, `label "${both}" must not occur in ON and GROUP clause at once`);
  if (!SET_OPERATORS.has(expr.operator)) return;
  if (matching.cardinality !== "one-to-one") throw wrong(expr, `no grouping allowed for "${expr.operator}" operation`);
  if (fills(expr)) throw wrong(expr, "filling in missing series not allowed for set operators");
};

const checkCall = (expr: Call, features: Features, check: (inner: Expr) => void): void => {
  const signature = SIGNATURES.get(expr.name);
  if (signature === undefined) throw wrong(expr, `unknown function with name "${expr.name}"`);
  if (signature.experimental && !features.experimentalFunctions) throw experimental(expr, expr.name);
  if (UNSUPPORTED.has(expr.name)) throw wrong(expr, `function "${expr.name}" is not supported`);
  checkCount(expr, signature.args.length, signature.variadic);
  expr.args.forEach((arg, i) => {
    const wanted = signature.args[Math.min(i, signature.args.length - 1)] as ValueType;
    check(arg);
    expectType(arg, wanted, `call to function "${expr.name}"`);
  });
};

const checkCount = (expr: Call, wanted: number, variadic: number): void => {
  const given = expr.args.length;
  const least = variadic === 0 ? wanted : wanted - 1;
  if (variadic === 0 && given !== wanted) {
    throw wrong(expr, `expected ${wanted} argument(s) in call to "${expr.name}", got ${given}`);
  }
  if (given < least) {
    throw wrong(expr, `expected at least ${least} argument(s) in call to "${expr.name}", got ${given}`);
  }
  if (variadic > 0 && given > least + variadic) {
    throw wrong(expr, `expected at most ${least + variadic} argument(s) in call to "${expr.name}", got ${given}`);
  }
};

const checkSelector = (expr: Expr & { kind: "selector" }): void => {
  if (expr.name === "") {
    if (expr.matchers.some((matcher) => !matcher.matches(""))) return;
    throw wrong(expr, "vector selector must contain at least one non-empty matcher");
  }
  const twice = expr.matchers.slice(0, -1).find(({ name }) => name === METRIC_NAME);
  if (twice !== undefined) throw wrong(expr, `metric name must not be set twice: "${expr.name}" or "${twice.value}"`);
};
