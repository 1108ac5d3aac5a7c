import type { Node } from "./ast.ts";
import { FormulaError, type Token, tokensOf } from "./token.ts";

interface Operator {
  readonly precedence: number;
  readonly right?: true;
}

/** Source: parser/operator/operator.go of expr-lang/expr v1.17. */
const BINARY: ReadonlyMap<string, Operator> = new Map([
  ["|", { precedence: 0 }],
  ["or", { precedence: 10 }],
  ["||", { precedence: 10 }],
  ["and", { precedence: 15 }],
  ["&&", { precedence: 15 }],
  ...["==", "!=", "<", ">", ">=", "<=", "in", "matches", "contains", "startsWith", "endsWith"].map(
    (text): [string, Operator] => [text, { precedence: 20 }],
  ),
  ["..", { precedence: 25 }],
  ["+", { precedence: 30 }],
  ["-", { precedence: 30 }],
  ["*", { precedence: 60 }],
  ["/", { precedence: 60 }],
  ["%", { precedence: 60 }],
  ["**", { precedence: 100, right: true }],
  ["^", { precedence: 100, right: true }],
  ["??", { precedence: 500 }],
]);
const UNARY: ReadonlyMap<string, number> = new Map([
  ["not", 50],
  ["!", 50],
  ["-", 90],
  ["+", 90],
]);
const COMPARISONS = new Set(["<", ">", "<=", ">="]);
const TEXTUAL = new Set(["matches", "contains", "startsWith", "endsWith"]);

/** How many arguments a function with a predicate takes, at least and at most; the second is the predicate. */
export const PREDICATES: ReadonlyMap<string, readonly [least: number, most: number]> = new Map([
  ...["all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex"].map(
    (name): [string, readonly [number, number]] => [name, [2, 2]],
  ),
  ["count", [1, 2]],
  ["sum", [1, 2]],
  ["sortBy", [2, 3]],
  ["reduce", [2, 3]],
]);

/**
 * Reads a formula as expr-lang/expr v1.17 does (parser/parser.go), which KEDA compiles `scalingModifiers.formula` with.
 * @throws FormulaError where it stops to make sense, and at constructs that aren't simulated: texts, maps, members, methods
 */
export const parseFormula = (formula: string): Node => new Parser(tokensOf(formula)).whole();

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  /** Predicates around here: only inside one there is a `#`. */
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Node {
    const node = this.#sequence();
    if (this.#token.kind !== "end") this.#unexpected();
    return node;
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #is(...texts: string[]): boolean {
    const { kind, text } = this.#token;
    return (kind === "operator" || kind === "bracket") && texts.includes(text);
  }

  #take(): Token {
    const token = this.#token;
    this.#next += 1;
    return token;
  }

  #skip(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#next += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#skip(text)) this.#unexpected(`${text} is missing before`);
  }

  #unexpected(what = "unexpected"): never {
    const { kind, text, at } = this.#token;
    throw new FormulaError(
      kind === "end" ? `${what === "unexpected" ? "unexpected" : what} end of the formula` : `${what} ${text}`,
      at,
    );
  }

  #sequence(): Node {
    const { at } = this.#token;
    const nodes = [this.#expression(0)];
    while (this.#skip(";")) {
      if (this.#token.kind === "end") break;
      nodes.push(this.#expression(0));
    }
    const [only] = nodes;
    return nodes.length === 1 && only !== undefined ? only : { kind: "sequence", nodes, at };
  }

  #expression(precedence: number): Node {
    if (precedence === 0 && this.#is("let")) return this.#declaration();
    if (precedence === 0 && this.#is("if")) return this.#ifElse();
    const node = this.#binary(this.#primary(), precedence);
    return precedence === 0 ? this.#ternary(node) : node;
  }

  #declaration(): Node {
    this.#expect("let");
    const { kind, text: name, at } = this.#take();
    if (kind !== "name") throw new FormulaError("let needs a name", at);
    this.#expect("=");
    const value = this.#expression(0);
    this.#expect(";");
    return { kind: "let", name, value, body: this.#sequence(), at };
  }

  #ifElse(): Node {
    const { at } = this.#take();
    const condition = this.#expression(0);
    const yes = this.#block();
    this.#expect("else");
    return { kind: "conditional", condition, yes, no: this.#is("if") ? this.#ifElse() : this.#block(), at };
  }

  #block(): Node {
    this.#expect("{");
    const node = this.#sequence();
    this.#expect("}");
    return node;
  }

  #ternary(condition: Node): Node {
    let node = condition;
    while (this.#is("?")) {
      const { at } = this.#take();
      // `a ?: b` is `a ? a : b`.
      const yes = this.#is(":") ? node : this.#expression(0);
      this.#expect(":");
      node = { kind: "conditional", condition: node, yes, no: this.#expression(0), at };
    }
    return node;
  }

  #binary(first: Node, precedence: number): Node {
    let left = first;
    let before = "";
    for (;;) {
      const negated = this.#is("not") && this.#tokens[this.#next + 1]?.text === "in";
      const token = negated ? (this.#tokens[this.#next + 1] as Token) : this.#token;
      const operator = token.kind === "operator" ? BINARY.get(token.text) : undefined;
      if (operator === undefined || operator.precedence < precedence) return left;
      if (before === "??" && token.text !== "??" && token.text !== "|")
        throw new FormulaError(`${token.text} and ?? can't be mixed: put one of them in parentheses`, token.at);
      this.#next += negated ? 2 : 1;
      left = this.#operated(left, token, operator);
      if (negated) left = { kind: "unary", operator: "not", operand: left, at: token.at };
      before = token.text;
    }
  }

  #operated(left: Node, { text, at }: Token, { precedence, right }: Operator): Node {
    if (TEXTUAL.has(text)) throw new FormulaError(`${text} is for texts, which are not simulated`, at);
    if (text === "|") return this.#piped(left);
    if (COMPARISONS.has(text)) return this.#compared(left, text, at, precedence);
    const operand = this.#expression(right === true ? precedence : precedence + 1);
    return { kind: "binary", operator: text, left, right: operand, at };
  }

  #piped(left: Node): Node {
    const token = this.#take();
    if (token.kind !== "name") throw new FormulaError("| needs a function after it", token.at);
    return this.#postfix(this.#call(token, [left]));
  }

  /** `1 < x < 3` is `1 < x && x < 3`. */
  #compared(first: Node, operator: string, at: number, precedence: number): Node {
    let right = this.#expression(precedence + 1);
    let node: Node = { kind: "binary", operator, left: first, right, at };
    while (this.#token.kind === "operator" && COMPARISONS.has(this.#token.text)) {
      const token = this.#take();
      const next = this.#expression(precedence + 1);
      const more: Node = { kind: "binary", operator: token.text, left: right, right: next, at: token.at };
      node = { kind: "binary", operator: "&&", left: node, right: more, at: token.at };
      right = next;
    }
    return node;
  }

  #primary(): Node {
    const token = this.#token;
    const unary = token.kind === "operator" ? UNARY.get(token.text) : undefined;
    if (unary !== undefined) {
      this.#take();
      const operator = token.text === "!" ? "not" : (token.text as "-" | "+" | "not");
      return this.#postfix({ kind: "unary", operator, operand: this.#expression(unary), at: token.at });
    }
    if (this.#skip("(")) {
      const node = this.#sequence();
      this.#expect(")");
      return this.#postfix(node);
    }
    if (this.#is("#")) return this.#postfix(this.#pointer());
    if (this.#is("[")) return this.#postfix(this.#list());
    if (this.#is("{")) throw new FormulaError("maps are not simulated", token.at);
    if (token.kind === "number") return numberNode(this.#take());
    if (token.kind === "name") return this.#named();
    return this.#unexpected();
  }

  #pointer(): Node {
    const { at } = this.#take();
    if (this.#depth === 0)
      throw new FormulaError("# is an element, and there is no function around that goes through a list", at);
    const joined = this.#token.kind === "name" && this.#token.at === at + 1;
    return { kind: "pointer", name: joined ? this.#take().text : "", at };
  }

  #list(): Node {
    const { at } = this.#take();
    const items: Node[] = [];
    while (!this.#is("]")) {
      if (items.length > 0) this.#expect(",");
      if (this.#is("]")) break;
      items.push(this.#expression(0));
    }
    this.#expect("]");
    return { kind: "list", items, at };
  }

  #named(): Node {
    const token = this.#take();
    const { text, at } = token;
    if (text === "true" || text === "false") return { kind: "bool", value: text === "true", at };
    if (text === "nil") return { kind: "nil", at };
    return this.#postfix(this.#is("(") ? this.#call(token, []) : { kind: "name", name: text, at });
  }

  #call({ text: name, at }: Token, piped: readonly Node[]): Node {
    this.#expect("(");
    const args = [...piped];
    while (!this.#is(")")) {
      if (args.length > piped.length) this.#expect(",");
      if (this.#is(")")) break;
      args.push(args.length === 1 && PREDICATES.has(name) ? this.#predicate() : this.#expression(0));
    }
    this.#expect(")");
    return { kind: "call", name, args, at };
  }

  #predicate(): Node {
    this.#depth += 1;
    const node = this.#is("{") ? this.#block() : this.#expression(0);
    this.#depth -= 1;
    return node;
  }

  #postfix(node: Node): Node {
    let of = node;
    for (;;) {
      const { at } = this.#token;
      const optional = this.#is("?.") && this.#tokens[this.#next + 1]?.text === "[";
      if (optional) this.#take();
      if (this.#skip("[")) of = this.#subscript(of, optional, at);
      else if (this.#is(".", "?."))
        throw new FormulaError("members and methods are not simulated: trigger values are numbers", at);
      else return of;
    }
  }

  #subscript(of: Node, optional: boolean, at: number): Node {
    const from = this.#is(":") ? undefined : this.#expression(0);
    if (from !== undefined && this.#skip("]")) return { kind: "index", of, index: from, optional, at };
    this.#expect(":");
    const to = this.#is("]") ? undefined : this.#expression(0);
    this.#expect("]");
    return { kind: "slice", of, from, to, at };
  }
}

const INT_MAX = 2n ** 63n - 1n;

const numberNode = ({ text, at }: Token): Node => {
  const plain = text.replaceAll("_", "");
  if (/^0[xob]/i.test(plain) || !/[.e]/i.test(plain)) {
    const value = BigInt(plain);
    if (value > INT_MAX) throw new FormulaError(`${text} is too large for a whole number`, at);
    return { kind: "int", value, at };
  }
  const value = Number(plain);
  if (!Number.isFinite(value)) throw new FormulaError(`${text} is too large`, at);
  return { kind: "float", value, at };
};
