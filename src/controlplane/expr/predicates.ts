import type { Node } from "./ast.ts";
import { listOf } from "./functions.ts";
import { PREDICATES } from "./parser.ts";
import type { Compiled, Frame, Scope } from "./scope.ts";
import { FormulaError } from "./token.ts";
import { eitherOf, equal, fail, isNumber, less, type Type, typeName, typeOf, type Value, wrapped } from "./value.ts";

type Call = Extract<Node, { kind: "call" }>;

/** Asks the predicate about an element. */
type Ask = (frame: Frame, element: Value, index: number, accumulated?: Value) => Value;

/** Functions that go through a list with a predicate (`all(list, # > 1)`), as expr-lang/expr v1.17 has them. @throws FormulaError */
export const predicateCall = (node: Call, scope: Scope, compile: (node: Node, scope: Scope) => Compiled): Compiled => {
  const { name, args, at } = node;
  const [least, most] = PREDICATES.get(name) as readonly [number, number];
  if (args.length < least || args.length > most)
    throw new FormulaError(
      `invalid number of arguments for ${name} (expected ${least}${most === least ? "" : ` to ${most}`}, got ${args.length})`,
      at,
    );
  const list = compile(args[0] as Node, scope);
  if (list.type !== "list" && list.type !== "any")
    throw new FormulaError(`builtin ${name} takes only array (got ${typeName(list.type)})`, (args[0] as Node).at);
  const asked = args[1] === undefined ? undefined : compile(args[1], { ...scope, reducing: name === "reduce" });
  if (YES_OR_NO.has(name) && asked !== undefined && asked.type !== "bool" && asked.type !== "any")
    throw new FormulaError(`predicate should return boolean (got ${typeName(asked.type)})`, (args[1] as Node).at);
  if (args[2] !== undefined && name === "sortBy")
    throw new FormulaError("sortBy with an order uses a text, which is not simulated", args[2].at);
  const initial = args[2] === undefined ? undefined : compile(args[2], scope);
  const ask = asking(asked);
  const go = RUNS[name] as Run;
  return {
    type: typeAfter(name, asked?.type, initial?.type),
    run: (frame) =>
      go(
        listOf(name, list.run(frame)),
        (element, index, accumulated) => ask(frame, element, index, accumulated),
        initial?.run(frame),
      ),
  };
};

const YES_OR_NO = new Set([
  "all",
  "none",
  "any",
  "one",
  "filter",
  "count",
  "find",
  "findIndex",
  "findLast",
  "findLastIndex",
]);

const typeAfter = (name: string, asked: Type | undefined, initial: Type | undefined): Type => {
  if (["all", "none", "any", "one"].includes(name)) return "bool";
  if (["count", "findIndex", "findLastIndex"].includes(name)) return "int";
  if (["filter", "map", "sortBy"].includes(name)) return "list";
  if (name === "sum") return asked === undefined ? "any" : asked;
  return name === "reduce" && asked !== undefined ? eitherOf(asked, initial ?? asked) : "any";
};

const asking = (asked: Compiled | undefined): Ask => {
  if (asked === undefined) return (_frame, element) => element;
  return (frame, element, index, accumulated = null) => {
    frame.elements.push({ element, index, accumulated });
    try {
      return asked.run(frame);
    } finally {
      frame.elements.pop();
    }
  };
};

type Run = (
  list: readonly Value[],
  ask: (element: Value, index: number, accumulated?: Value) => Value,
  initial: Value | undefined,
) => Value;

const yes = (value: Value): boolean =>
  typeof value === "boolean" ? value : fail(`a predicate gave ${typeName(typeOf(value))}, not true or false`);

const last = (list: readonly Value[], ask: (element: Value, index: number) => Value): number => {
  for (let i = list.length - 1; i >= 0; i -= 1) if (yes(ask(list[i] as Value, i))) return i;
  return -1;
};

const RUNS: Readonly<Record<string, Run>> = {
  all: (list, ask) => list.every((value, i) => yes(ask(value, i))),
  none: (list, ask) => !list.some((value, i) => yes(ask(value, i))),
  any: (list, ask) => list.some((value, i) => yes(ask(value, i))),
  one: (list, ask) => list.filter((value, i) => yes(ask(value, i))).length === 1,
  filter: (list, ask) => list.filter((value, i) => yes(ask(value, i))),
  map: (list, ask) => list.map((value, i) => ask(value, i)),
  count: (list, ask) => BigInt(list.filter((value, i) => yes(ask(value, i))).length),
  find: (list, ask) => list.find((value, i) => yes(ask(value, i))) ?? null,
  findIndex: (list, ask) => BigInt(list.findIndex((value, i) => yes(ask(value, i)))),
  findLast: (list, ask) => list[last(list, ask)] ?? null,
  findLastIndex: (list, ask) => BigInt(last(list, ask)),
  // A sum begins with the whole number 0, which the first float turns into a float.
  sum: (list, ask) => list.reduce<Value>((sum, value, i) => plus(sum, ask(value, i)), 0n),
  sortBy: (list, ask) => {
    const keyed = list.map((value, i) => ({ value, key: ask(value, i) }));
    return keyed.sort((a, b) => (equal(a.key, b.key) ? 0 : less(a.key, b.key) ? -1 : 1)).map(({ value }) => value);
  },
  reduce: (list, ask, initial) => {
    if (initial === undefined && list.length === 0) return fail("reduce of empty array with no initial value");
    const from = initial === undefined ? 1 : 0;
    return list.slice(from).reduce<Value>((acc, value, i) => ask(value, i + from, acc), initial ?? (list[0] as Value));
  },
};

const plus = (a: Value, b: Value): Value => {
  if (!isNumber(a) || !isNumber(b)) return fail(`invalid operation: ${typeName(typeOf(a))} + ${typeName(typeOf(b))}`);
  return typeof a === "bigint" && typeof b === "bigint" ? wrapped(a + b) : Number(a) + Number(b);
};
