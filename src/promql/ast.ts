import type { Matcher } from "./matcher.ts";

export type ValueType = "scalar" | "instant vector" | "range vector" | "string";

/** Where in the query's text. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

export type Operator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "^"
  | "atan2"
  | "=="
  | "!="
  | ">"
  | "<"
  | ">="
  | "<="
  | "and"
  | "or"
  | "unless";

/** A length of time that may depend on the step and the range of the query. */
export type Duration =
  | { readonly kind: "seconds"; readonly seconds: number }
  | { readonly kind: "step" | "range" }
  | { readonly kind: "negated"; readonly of: Duration }
  | {
      readonly kind: "computed";
      readonly operator: "+" | "-" | "*" | "/" | "%" | "^" | "min" | "max";
      readonly left: Duration;
      readonly right: Duration;
    };

/** When a selector looks: `@ 100` in milliseconds, or at the start or end of the query. */
export type At = number | "start" | "end";

interface Shifted {
  readonly offset: Duration | undefined;
  readonly at: At | undefined;
}

export interface VectorSelector extends Place, Shifted {
  readonly kind: "selector";
  /** The name before the braces; "" without one. */
  readonly name: string;
  /** The name's among them, last. */
  readonly matchers: readonly Matcher[];
  readonly extension: "anchored" | "smoothed" | undefined;
}

export interface MatrixSelector extends Place {
  readonly kind: "matrix";
  readonly selector: VectorSelector;
  readonly range: Duration;
}

export interface Subquery extends Place, Shifted {
  readonly kind: "subquery";
  readonly expr: Expr;
  readonly range: Duration;
  /** undefined: the default evaluation interval */
  readonly step: Duration | undefined;
}

export interface Call extends Place {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expr[];
}

export interface Aggregate extends Place {
  readonly kind: "aggregate";
  readonly operator: string;
  readonly expr: Expr | undefined;
  readonly param: Expr | undefined;
  readonly grouping: readonly string[];
  readonly without: boolean;
  /** Arguments that are too many. */
  readonly extra: number;
}

export interface Matching {
  readonly cardinality: "one-to-one" | "many-to-one" | "one-to-many" | "many-to-many";
  /** Match on these labels; else on all but these. */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels that the "one" side lends the result. */
  readonly include: readonly string[];
  readonly fillLeft: number | undefined;
  readonly fillRight: number | undefined;
}

export interface Binary extends Place {
  readonly kind: "binary";
  readonly operator: Operator;
  readonly left: Expr;
  readonly right: Expr;
  readonly returnBool: boolean;
  /** What was written; undefined without a modifier. */
  readonly matching: Matching | undefined;
  /** Place of the operator. */
  readonly sign: Place;
}

export interface Unary extends Place {
  readonly kind: "unary";
  readonly operator: "+" | "-";
  readonly expr: Expr;
}

export interface Paren extends Place {
  readonly kind: "paren";
  readonly expr: Expr;
}

export interface NumberLiteral extends Place {
  readonly kind: "number";
  readonly value: number;
}

export interface StringLiteral extends Place {
  readonly kind: "string";
  readonly value: string;
}

export type Expr =
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregate
  | Binary
  | Unary
  | Paren
  | NumberLiteral
  | StringLiteral;

export const COMPARISONS: ReadonlySet<Operator> = new Set<Operator>(["==", "!=", ">", "<", ">=", "<="]);
export const SET_OPERATORS: ReadonlySet<Operator> = new Set<Operator>(["and", "or", "unless"]);

/** Parentheses change nothing but the order of operators. */
export const bare = (expr: Expr): Expr => (expr.kind === "paren" ? bare(expr.expr) : expr);
