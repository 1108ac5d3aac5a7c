import { parser } from "@prometheus-io/lezer-promql";
import type { Aggregate, Binary, Expr, Matching, Operator, Place, VectorSelector } from "./ast.ts";
import type { Features } from "./features.ts";
import { METRIC_NAME } from "./labels.ts";
import { type Matcher, type MatchOperator, matcherOf, nameMatcher } from "./matcher.ts";
import { addAt, addExtension, addOffset, addRange, addSubquery, type Modifier } from "./modifiers.ts";
import { ParseError } from "./query-error.ts";
import { RegexpError } from "./regexp.ts";
import { SIGNATURES } from "./signatures.ts";
import { unquote } from "./strings.ts";
import { durationOf, numberOf } from "./syntax-durations.ts";
import { childOf, children, type Node, type Source, textOf } from "./syntax-tree.ts";

/** Deeper queries are refused: every level takes a few frames of the stack, the grammar's parser's as well. */
const MOST_NESTED = 200;
const MOST_OPERATORS = 800;
const LONGEST_QUERY = 100_000;

/**
 * Makes an expression of the grammar's tree. The grammar is an editor's, good at saying what is where and careless about
 * what binds to what (`a + b offset 5m` shifts the sum, `-1 ^ 2` is 1), so operands, operators and modifiers are taken from
 * it in their order, and put together by Prometheus' own precedence.
 *
 * @throws ParseError
 * Source: promql/parser/generated_parser.y, Prometheus 3.14; @prometheus-io/lezer-promql 0.315.0
 */
export const readExpression = (query: string, features: Features): Expr => {
  if (query.length > LONGEST_QUERY) throw new ParseError(`query is longer than ${LONGEST_QUERY} characters`, 0, 0);
  const source: Source = { original: query, query: forTheGrammar(query), features, depth: 0 };
  refuseDepth(query);
  const tree = parser.parse(source.query);
  refuseErrors(source, tree.topNode);
  const top = children(tree.topNode)[0];
  if (top === undefined) throw new ParseError("no expression found in input", 0, 0);
  return readChain(source, top);
};

const TOKENS =
  /"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`[^`]*`|#[^\n]*|[a-z_:][\w:]*|0x[\da-f_]+|\d[\d_]*\.\d\w*|(\d[\d_]*)\.(e[+-]?\d+)?|[[\]]/gi;

const DURATION_FUNCTION = /^(step|range|min_of|max_of)$/i;

/** Of scalars the grammar knows these as durations only. It takes any function that it does know in their place. */
const STAND_IN = "minute";

/**
 * Spellings that the grammar does not know, in ones that it does; all stays at its place. `2.`, `2.e3` and `0X1F` are
 * numbers, the functions of durations may be written in any case, and `min_of` and `max_of` are functions of scalars, too.
 */
const forTheGrammar = (query: string): string => {
  let brackets = 0;
  return query.replace(
    TOKENS,
    (token: string, digits: string | undefined, exponent: string | undefined, at: number) => {
      brackets += token === "[" ? 1 : token === "]" ? -1 : 0;
      if (digits !== undefined) return `${digits}${exponent ?? ""} `;
      if (token.startsWith("0X")) return token.toLowerCase();
      const isCalled = DURATION_FUNCTION.test(token) && /^\s*\(/.test(query.slice(at + token.length));
      if (!isCalled) return token;
      const isScalar = /_of$/i.test(token) && brackets === 0 && !isOffset(query.slice(Math.max(0, at - 1000), at));
      return isScalar ? STAND_IN : token.toLowerCase();
    },
  );
};

/** Whether what comes next belongs to an `offset` before it: at once, or within its parentheses. */
const isOffset = (before: string): boolean => {
  const since = /\boffset\s*((?:(?!\boffset\b)[^])*)$/i.exec(before)?.[1];
  if (since === undefined || !/^[-+\s]*($|\(|(min_of|max_of)\s*\()/i.test(since)) return false;
  let depth = 0;
  for (const char of since) {
    depth += char === "(" ? 1 : char === ")" ? -1 : 0;
    if (char === ")" && depth <= 0) return false;
  }
  return true;
};

/** Every bracket and every operator may be a level of the tree. */
const refuseDepth = (query: string): void => {
  const code = query.replace(/"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`[^`]*`|#[^\n]*/g, " ");
  let depth = 0;
  let operators = 0;
  for (const [token] of code.matchAll(/[([{]|[)\]}]|[-+*/%^=<>!@]+?|\b(?:and|or|unless|atan2|offset)\b/gi)) {
    if ("([{".includes(token)) depth += 1;
    else if (")]}".includes(token)) depth -= 1;
    else operators += 1;
    if (depth > MOST_NESTED) throw new ParseError("expression is nested too deeply", 0, 0);
    if (operators > MOST_OPERATORS) throw new ParseError(`query has more than ${MOST_OPERATORS} operators`, 0, 0);
  }
};

// ---- errors

const refuseErrors = (source: Source, top: Node): void => {
  let first: Node | undefined;
  const cursor = top.cursor();
  do {
    if (cursor.type.isError && (first === undefined || cursor.from < first.from)) first = cursor.node;
  } while (cursor.next());
  if (first !== undefined) throw errorAt(source, first.from);
};

const errorAt = ({ query }: Source, offset: number): ParseError => {
  if (query.replace(/#.*$/gm, "").trim() === "") return new ParseError("no expression found in input", 0, 0);
  const rest = query.slice(offset);
  const from = offset + (/^(\s|#.*(\n|$))*/.exec(rest)?.[0].length ?? 0);
  const call = unknownFunction(query, from);
  if (call !== undefined) return call;
  if (from >= query.length) return new ParseError("unexpected end of input", query.length, query.length);
  const token = /^("[^"\n]*"?|'[^'\n]*'?|`[^`]*`?|[a-zA-Z_:][\w:]*|[\d.][\w.]*|=~|!~|[=!<>]=|.)/s.exec(
    query.slice(from),
  );
  const text = token?.[0] ?? "";
  if (/^["'](?!.*["']$|.$)|^["']$/.test(text))
    return new ParseError("unterminated quoted string", from, from + text.length);
  return new ParseError(`unexpected ${kindOf(text)}${JSON.stringify(text)}`, from, from + text.length);
};

const kindOf = (token: string): string => {
  if (/^[\d.]+\w/.test(token) || /^\d/.test(token)) return "number or duration ";
  if (/^[a-zA-Z_:]/.test(token)) return "identifier ";
  return /^["'`]/.test(token) ? "string " : "";
};

/** The grammar takes a function that it does not know for a metric. */
const unknownFunction = (query: string, offset: number): ParseError | undefined => {
  const before = /([a-zA-Z_][\w:]*)\s*\(?\s*$/.exec(query.slice(0, offset + 1));
  const name = before?.[1];
  if (before === null || name === undefined || !/^\s*\(/.test(query.slice(before.index + name.length)))
    return undefined;
  if (SIGNATURES.has(name) || KEYWORDS.has(name.toLowerCase())) return undefined;
  const message = `unknown function with name ${JSON.stringify(name)}`;
  return new ParseError(message, before.index, before.index + name.length);
};

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "and or unless atan2 on ignoring group_left group_right bool by without offset fill fill_left fill_right sum avg " +
    "count min max group stddev stdvar topk bottomk count_values quantile limitk limit_ratio"
  ).split(" "),
);

// ---- operators and modifiers

type Piece =
  | { readonly kind: "operand"; readonly expr: Expr }
  | { readonly kind: "prefix"; readonly operator: "+" | "-"; readonly from: number }
  | { readonly kind: "postfix"; readonly apply: Modifier; readonly to: number; readonly greedy: boolean }
  | { readonly kind: "infix"; readonly operator: Operator; readonly place: Place; readonly modifiers: readonly Node[] };

const BINDS: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  ">": 3,
  "<": 3,
  ">=": 3,
  "<=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};
const POWER = 6;

const readChain = (source: Source, node: Node): Expr => {
  source.depth += 1;
  if (source.depth > MOST_NESTED) throw new ParseError("expression is nested too deeply", node.from, node.to);
  const pieces: Piece[] = [];
  collect(source, node, pieces);
  const reader = { pieces, at: 0 };
  const expr = readOperators(source, reader, 0);
  source.depth -= 1;
  return expr;
};

/** Flattens what the grammar has put together, by hand: chains may be longer than the stack is deep. */
const collect = (source: Source, top: Node, pieces: Piece[]): void => {
  const open: (Node | Piece)[] = [top];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if ("kind" in next) pieces.push(next);
    else open.push(...[...piecesOf(source, next)].reverse());
  }
};

/** What a node is made of, in its order in the text. */
const piecesOf = (source: Source, node: Node): readonly (Node | Piece)[] => {
  const parts = children(node);
  const [first, second] = parts as [Node, Node];
  switch (node.name) {
    case "BinaryExpr": {
      const operator = textOf(source, second).toLowerCase();
      if (!(operator in BINDS))
        throw new ParseError(`operator ${operator} is for native histograms only`, second.from, second.to);
      const infix = { kind: "infix" as const, operator: operator as Operator, place: second };
      return [first, { ...infix, modifiers: parts.slice(2, -1) }, parts[parts.length - 1] as Node];
    }
    case "UnaryExpr":
      return [{ kind: "prefix", operator: textOf(source, first) as "+" | "-", from: first.from }, second];
    case "NumberDurationLiteral":
      return numberPieces(source, node);
    case "OffsetExpr":
      return [
        first,
        postfix(
          node,
          addOffset(durationOf(source, parts[2] as Node, true), node.to),
          textOf(source, parts[2] as Node).startsWith("("),
        ),
      ];
    case "StepInvariantExpr":
      return [first, postfix(node, addAt(atOf(source, parts[2] as Node), node.to))];
    case "MatrixSelector":
      return [first, postfix(node, addRange(durationOf(source, second, false), node.to))];
    case "SubqueryExpr": {
      const [range, step] = parts.slice(1).map((part) => durationOf(source, part, false));
      return [first, postfix(node, addSubquery(range as NonNullable<typeof range>, step, node.to))];
    }
    case "AnchoredExpr":
    case "SmoothedExpr": {
      const word = textOf(source, second).toLowerCase() as "anchored" | "smoothed";
      if (source.features.extendedRanges) return [first, postfix(node, addExtension(word))];
      throw new ParseError(`${word} modifier is experimental and not enabled`, second.from, second.to);
    }
    default:
      return [{ kind: "operand", expr: readOperand(source, node) }];
  }
};

const postfix = (node: Node, apply: Modifier, greedy = false): Piece => ({
  kind: "postfix",
  apply,
  to: node.to,
  greedy,
});

/** The sign is an operator of its own: `-1 ^ 2` is -1. */
const numberPieces = (source: Source, node: Node): readonly Piece[] => {
  const text = textOf(source, node);
  const signed = /^([+-])(\s*)/.exec(text);
  const from = node.from + (signed?.[0].length ?? 0);
  const value = numberOf(source, { from, to: node.to });
  const operand = { kind: "operand" as const, expr: { kind: "number" as const, value, from, to: node.to } };
  if (signed === null) return [operand];
  return [{ kind: "prefix", operator: signed[1] as "+" | "-", from: node.from }, operand];
};

interface Reader {
  readonly pieces: readonly Piece[];
  at: number;
}

const readOperators = (source: Source, reader: Reader, least: number): Expr => {
  let left = readPrefixed(source, reader);
  for (;;) {
    const piece = reader.pieces[reader.at];
    if (piece?.kind !== "infix" || (BINDS[piece.operator] as number) < least) return left;
    reader.at += 1;
    const strength = BINDS[piece.operator] as number;
    const right = readOperators(source, reader, strength === POWER ? strength : strength + 1);
    left = binary(source, piece, left, right);
  }
};

/** Signs bind weaker than powers and stronger than all else; modifiers bind to what is just before them. */
const readPrefixed = (source: Source, reader: Reader): Expr => {
  const signs: { readonly operator: "+" | "-"; readonly from: number }[] = [];
  for (let piece = reader.pieces[reader.at]; piece?.kind === "prefix"; piece = reader.pieces[reader.at]) {
    signs.push(piece);
    reader.at += 1;
  }
  if (signs.length === 0) return readModified(reader);
  const inside = readOperators(source, reader, POWER);
  return signs.reduceRight((expr, { operator, from }) => unary(operator, expr, from), inside);
};

const readModified = (reader: Reader): Expr => {
  const operand = reader.pieces[reader.at];
  if (operand?.kind !== "operand") throw new ParseError("unexpected operator", 0, 0);
  reader.at += 1;
  let { expr } = operand;
  for (let piece = reader.pieces[reader.at]; piece?.kind === "postfix"; piece = reader.pieces[reader.at]) {
    expr = piece.apply(expr);
    reader.at += 1;
    if (piece.greedy) refuseArithmetic(reader, expr);
  }
  return expr;
};

/**
 * Prometheus takes arithmetic after an offset in parentheses for a part of the offset: `x offset (1m) + 2` is `x` of 62 s
 * ago. Nobody means that.
 */
const refuseArithmetic = (reader: Reader, expr: Expr): void => {
  const next = reader.pieces[reader.at];
  if (next?.kind !== "infix" || (BINDS[next.operator] as number) < (BINDS["+"] as number) || next.operator === "atan2")
    return;
  const fix = "write parentheses around the selector, or none around the offset";
  throw new ParseError(
    `arithmetic after an offset in parentheses would be part of the offset; ${fix}`,
    expr.from,
    expr.to,
  );
};

const unary = (operator: "+" | "-", expr: Expr, from: number): Expr => {
  if (expr.kind !== "number") return { kind: "unary", operator, expr, from, to: expr.to };
  return { ...expr, value: operator === "-" ? -expr.value : expr.value, from };
};

const binary = (source: Source, piece: Piece & { kind: "infix" }, left: Expr, right: Expr): Binary => {
  const named = new Map(piece.modifiers.map((node) => [node.name, node] as const));
  return {
    kind: "binary",
    operator: piece.operator,
    left,
    right,
    returnBool: named.has("BoolModifier"),
    matching: matchingOf(source, named.get("MatchingModifierClause"), named.get("FillModifier")),
    sign: { from: piece.place.from, to: piece.place.to },
    from: left.from,
    to: right.to,
  };
};

const matchingOf = (source: Source, clause: Node | undefined, fill: Node | undefined): Matching | undefined => {
  if (clause === undefined && fill === undefined) return undefined;
  const parts = clause === undefined ? [] : children(clause);
  const lists = parts.filter(({ name }) => name === "GroupingLabels").map((list) => labelsOf(source, list));
  const group = parts.find(({ name }) => name === "GroupLeft" || name === "GroupRight")?.name;
  return {
    cardinality: group === undefined ? "one-to-one" : group === "GroupLeft" ? "many-to-one" : "one-to-many",
    on: parts[0]?.name === "On",
    labels: lists[0] ?? [],
    include: lists[1] ?? [],
    ...fillsOf(source, fill),
  };
};

const fillsOf = (source: Source, fill: Node | undefined): Pick<Matching, "fillLeft" | "fillRight"> => {
  const fills: { fillLeft: number | undefined; fillRight: number | undefined } = {
    fillLeft: undefined,
    fillRight: undefined,
  };
  if (fill === undefined) return fills;
  if (!source.features.fillModifiers) {
    throw new ParseError("binop fill modifiers are experimental and not enabled", fill.from, fill.to);
  }
  for (const clause of children(fill)) {
    const literal = childOf(clause, "NumberDurationLiteral") as Node;
    const value = numberOf(source, literal);
    if (clause.name !== "FillRightClause") fills.fillLeft = value;
    if (clause.name !== "FillLeftClause") fills.fillRight = value;
  }
  return fills;
};

const labelsOf = (source: Source, list: Node): readonly string[] =>
  children(list).map((label) => (label.name === "LabelName" ? textOf(source, label) : stringOf(source, label)));

const stringOf = (source: Source, node: Place): string => {
  const text = unquote(textOf(source, node));
  if (text === undefined) {
    throw new ParseError(`error unquoting string ${textOf(source, node)}: invalid syntax`, node.from, node.to);
  }
  return text;
};

const MOST_SECONDS = 2 ** 63 / 1000;

const atOf = (source: Source, node: Node): number | "start" | "end" => {
  if (node.name === "AtModifierPreprocessors") return childOf(node, "AtStart") === undefined ? "end" : "start";
  const text = textOf(source, node);
  const sign = text.startsWith("-") ? -1 : 1;
  const from = node.from + (/^[+-]\s*/.exec(text)?.[0].length ?? 0);
  const seconds = sign * numberOf(source, { from, to: node.to });
  if (!(Math.abs(seconds) < MOST_SECONDS)) {
    throw new ParseError(`timestamp out of bounds for @ modifier: ${seconds}`, node.from, node.to);
  }
  return Math.round(seconds * 1000);
};

// ---- operands

const readOperand = (source: Source, node: Node): Expr => {
  const place = { from: node.from, to: node.to };
  switch (node.name) {
    case "ParenExpr":
      return { kind: "paren", expr: readChain(source, children(node)[0] as Node), ...place };
    case "StringLiteral":
      return { kind: "string", value: stringOf(source, node), ...place };
    case "VectorSelector":
      return readSelector(source, node);
    case "FunctionCall": {
      const { from, to } = childOf(node, "FunctionIdentifier") as Node;
      const name = source.original.slice(from, to).replace(/^(max_of|min_of)$/i, (word) => word.toLowerCase());
      return { kind: "call", name, args: argumentsOf(source, node), ...place };
    }
    case "AggregateExpr":
      return readAggregate(source, node);
    default:
      throw new ParseError(`unexpected ${JSON.stringify(textOf(source, node))}`, node.from, node.to);
  }
};

const argumentsOf = (source: Source, call: Node): readonly Expr[] =>
  children(childOf(call, "FunctionCallBody") as Node).map((arg) => readChain(source, arg));

const readAggregate = (source: Source, node: Node): Aggregate => {
  const modifier = childOf(node, "AggregateModifier");
  const grouping = modifier === undefined ? undefined : childOf(modifier, "GroupingLabels");
  const args = argumentsOf(source, node);
  return {
    kind: "aggregate",
    operator: textOf(source, childOf(node, "AggregateOp") as Node).toLowerCase(),
    // How many there must be is checked with the types.
    expr: args[args.length - 1],
    param: args.length < 2 ? undefined : args[0],
    grouping: grouping === undefined ? [] : labelsOf(source, grouping),
    without: modifier !== undefined && childOf(modifier, "Without") !== undefined,
    extra: Math.max(0, args.length - 2),
    from: node.from,
    to: node.to,
  };
};

const readSelector = (source: Source, node: Node): VectorSelector => {
  const identifier = childOf(node, "Identifier");
  const name = identifier === undefined ? "" : textOf(source, identifier);
  if (name.toLowerCase() === "atan2") throw new ParseError("unexpected operator atan2", node.from, node.to);
  const list = childOf(node, "LabelMatchers");
  const matchers = list === undefined ? [] : children(list).map((matcher) => readMatcher(source, matcher));
  return {
    kind: "selector",
    name,
    matchers: name === "" ? matchers : [...matchers, nameMatcher(name)],
    extension: undefined,
    offset: undefined,
    at: undefined,
    from: node.from,
    to: node.to,
  };
};

const readMatcher = (source: Source, node: Node): Matcher => {
  if (node.name === "QuotedLabelName") return matcherOf(METRIC_NAME, "=", stringOf(source, node));
  const [label, operator, value] = children(node) as [Node, Node, Node];
  const name = label.name === "LabelName" ? textOf(source, label) : stringOf(source, label);
  try {
    return matcherOf(name, textOf(source, operator) as MatchOperator, stringOf(source, value));
  } catch (error) {
    if (error instanceof RegexpError) throw new ParseError(error.message, node.from, node.to);
    throw error;
  }
};
