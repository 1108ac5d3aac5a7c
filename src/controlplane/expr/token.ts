/** A piece of a formula and where it begins. */
export interface Token {
  readonly kind: "number" | "name" | "operator" | "bracket" | "end";
  readonly text: string;
  /** Offset in the formula. */
  readonly at: number;
}

/** A formula that can't be used as it is. */
export class FormulaError extends Error {
  /** Offset in the formula. */
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const WORDS = new Set(["not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"]);

/** In this order, since the first that fits is taken. */
const RULES: readonly (readonly [Token["kind"] | "space" | "text", RegExp])[] = [
  ["space", /\s+|\/\/[^\n]*|\/\*[^]*?\*\//y],
  // A dot after a number that another follows is a range: 1..3.
  [
    "number",
    /0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?/y,
  ],
  ["name", /[A-Za-z_$][A-Za-z0-9_$]*/y],
  ["text", /['"`]/y],
  ["operator", /\?\?|\?\.|\*\*|\|\||&&|==|!=|<=|>=|\.\.|::|[?:,;%+\-^&!=*<>/#.|]/y],
  ["bracket", /[()[\]{}]/y],
];

/**
 * Splits a formula of the expr language (expr-lang/expr v1.17, parser/lexer) into tokens; the last is its end.
 * @throws FormulaError at what it doesn't know; texts are not spoken here
 */
export const tokensOf = (formula: string): readonly Token[] => {
  const tokens: Token[] = [];
  let at = 0;
  while (at < formula.length) {
    const { kind, text } = tokenAt(formula, at);
    if (kind === "text")
      throw new FormulaError("uses a text: formulas over trigger values are simulated with numbers and lists only", at);
    if (kind !== "space") tokens.push({ kind: kind === "name" && WORDS.has(text) ? "operator" : kind, text, at });
    at += text.length;
    if (kind === "number" && /[A-Za-z0-9_]/.test(formula[at] ?? ""))
      throw new FormulaError(`bad number ${text}${formula[at]}`, at - text.length);
  }
  return [...tokens, { kind: "end", text: "", at }];
};

const tokenAt = (formula: string, at: number) => {
  for (const [kind, rule] of RULES) {
    rule.lastIndex = at;
    const [text] = rule.exec(formula) ?? [];
    if (text !== undefined) return { kind, text };
  }
  throw new FormulaError(`unrecognized character ${JSON.stringify(formula[at])}`, at);
};
