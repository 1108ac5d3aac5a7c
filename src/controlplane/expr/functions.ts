import { asInt, equal, fail, isNumber, less, rounded, type Type, typeName, typeOf, type Value } from "./value.ts";

/** A builtin function: what it takes, what comes of it, and how. */
export interface Builtin {
  /** @returns the result's type @throws with what is wrong, as the checker's message ends */
  check(args: readonly Type[]): Type;
  run(args: readonly Value[]): Value;
}

/** The builtin functions over numbers and lists (builtin/builtin.go and lib.go of expr-lang/expr v1.17). */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ["abs", { check: one("abs", NUMBERS(), (type) => type), run: ([x]) => absolute(x as Value) }],
  ["ceil", rounding("ceil", Math.ceil)],
  ["floor", rounding("floor", Math.floor)],
  ["round", rounding("round", rounded)],
  ["int", { check: one("int", NUMBERS(), () => "int"), run: ([x]) => toInt(x as Value) }],
  ["float", { check: one("float", NUMBERS(), () => "float"), run: ([x]) => toFloat("float", x as Value) }],
  ["len", { check: one("len", ["list", "any"], () => "int"), run: ([x]) => BigInt(listOf("len", x as Value).length) }],
  ["max", { check: aggregate("max"), run: (args) => extreme("max", args, (best, other) => less(best, other)) }],
  ["min", { check: aggregate("min"), run: (args) => extreme("min", args, (best, other) => less(other, best)) }],
  ["mean", { check: aggregate("mean"), run: (args) => mean(flatNumbers("mean", args)) }],
  ["median", { check: aggregate("median"), run: (args) => median(flatNumbers("median", args)) }],
  ["first", { check: one("first", ["list", "any"], () => "any"), run: ([x]) => at(x as Value, 0) }],
  ["last", { check: one("last", ["list", "any"], () => "any"), run: ([x]) => at(x as Value, -1) }],
  ["take", { check: taking, run: ([x, n]) => taken(listOf("take", x as Value), n as Value) }],
  ["get", { check: getting, run: ([x, i]) => (x === null ? null : at(x as Value, Number(i))) }],
  [
    "reverse",
    {
      check: one("reverse", ["list", "any"], () => "list"),
      run: ([x]) => [...listOf("reverse", x as Value)].reverse(),
    },
  ],
  ["uniq", { check: one("uniq", ["list", "any"], () => "list"), run: ([x]) => unique(listOf("uniq", x as Value)) }],
  ["concat", { check: lists("concat"), run: (args) => args.flatMap((list) => [...listOf("concat", list)]) }],
  [
    "flatten",
    { check: one("flatten", ["list", "any"], () => "list"), run: ([x]) => flat(listOf("flatten", x as Value)) },
  ],
  ["sort", { check: one("sort", ["list", "any"], () => "list"), run: ([x]) => sorted(listOf("sort", x as Value)) }],
]);

/** Functions that expr-lang has and formulas over trigger values have no use for: named, not simulated. */
export const OTHER_FUNCTIONS: ReadonlySet<string> = new Set(
  `type string trim trimPrefix trimSuffix upper lower split splitAfter replace repeat join indexOf lastIndexOf hasPrefix hasSuffix
toJSON fromJSON toBase64 fromBase64 now duration date timezone keys values toPairs fromPairs groupBy
bitand bitor bitxor bitnand bitshl bitshr bitushr bitnot`.split(/\s+/),
);

function NUMBERS(): readonly Type[] {
  return ["int", "float", "any"];
}

function one(name: string, takes: readonly Type[], gives: (type: Type) => Type): (args: readonly Type[]) => Type {
  return (args) => {
    const [type] = args;
    if (args.length !== 1 || type === undefined)
      throw new Error(`invalid number of arguments (expected 1, got ${args.length})`);
    if (!takes.includes(type)) throw new Error(`invalid argument for ${name} (type ${typeName(type)})`);
    return gives(type);
  };
}

function rounding(name: string, round: (value: number) => number): Builtin {
  return { check: one(name, NUMBERS(), () => "float"), run: ([x]) => round(toFloat(name, x as Value)) };
}

function aggregate(name: string): (args: readonly Type[]) => Type {
  return (args) => {
    const [first] = args;
    if (first === undefined) throw new Error(`not enough arguments to call ${name}`);
    // Whoever may be a list makes the result unknown, and those after it unchecked.
    for (const type of args) {
      if (type === "any" || type === "list") return "any";
      if (type !== "int" && type !== "float") throw new Error(`invalid argument for ${name} (type ${typeName(type)})`);
    }
    // As in the original, even where another argument of the other kind comes out.
    return first;
  };
}

function lists(name: string): (args: readonly Type[]) => Type {
  return (args) => {
    if (args.length === 0) throw new Error("invalid number of arguments (expected at least 1, got 0)");
    const stranger = args.find((type) => type !== "list" && type !== "any");
    if (stranger !== undefined) throw new Error(`cannot ${name} ${typeName(stranger)}`);
    return "list";
  };
}

function taking(args: readonly Type[]): Type {
  const [list, count] = args;
  if (args.length !== 2 || list === undefined || count === undefined)
    throw new Error(`invalid number of arguments (expected 2, got ${args.length})`);
  if (list !== "list" && list !== "any") throw new Error(`cannot take from ${typeName(list)}`);
  if (count !== "int" && count !== "any") throw new Error(`cannot take ${typeName(count)} elements`);
  return list;
}

function getting(args: readonly Type[]): Type {
  const [list, index] = args;
  if (args.length !== 2 || list === undefined || index === undefined)
    throw new Error(`invalid number of arguments (expected 2, got ${args.length})`);
  if (list !== "list" && list !== "any") throw new Error(`type ${typeName(list)} does not support indexing`);
  if (index !== "int" && index !== "any") throw new Error(`non-integer slice index ${typeName(index)}`);
  return "any";
}

export const toFloat = (name: string, x: Value): number =>
  isNumber(x) ? Number(x) : fail(`invalid argument for ${name} (type ${typeName(typeOf(x))})`);

const toInt = (x: Value): bigint => {
  if (typeof x === "bigint") return x;
  return typeof x === "number" ? asInt(x) : fail(`invalid operation: int(${typeName(typeOf(x))})`);
};

const absolute = (x: Value): Value => {
  if (typeof x === "bigint") return x < 0n ? -x : x;
  // Go's abs leaves -0 as it is.
  return typeof x === "number" ? (x < 0 ? -x : x) : fail(`invalid argument for abs (type ${typeName(typeOf(x))})`);
};

export const listOf = (name: string, x: Value): readonly Value[] =>
  Array.isArray(x) ? (x as readonly Value[]) : fail(`${name} takes a list, got ${typeName(typeOf(x))}`);

/** The largest or smallest of numbers and of numbers in lists; nil of none. */
const extreme = (name: string, args: readonly Value[], better: (best: Value, other: Value) => boolean): Value => {
  let best: Value = null;
  for (const arg of args) {
    const other = Array.isArray(arg) ? extreme(name, arg as readonly Value[], better) : arg;
    if (other === null && Array.isArray(arg)) continue;
    if (!isNumber(other)) {
      if (args.length === 1) return arg;
      return fail(`invalid argument for ${name} (type ${typeName(typeOf(other))})`);
    }
    if (best === null || better(best, other)) best = other;
  }
  return best;
};

const flatNumbers = (name: string, args: readonly Value[]): number[] =>
  args.flatMap((arg) =>
    Array.isArray(arg)
      ? flatNumbers(name, arg as readonly Value[])
      : [isNumber(arg) ? Number(arg) : fail(`invalid argument for ${name} (type ${typeName(typeOf(arg))})`)],
  );

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

const median = (values: readonly number[]): number => {
  // Go sorts NaN to the front.
  const ordered = [...values].sort((a, b) => (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b));
  const middle = ordered.length >> 1;
  if (ordered.length === 0) return 0;
  if (ordered.length % 2 === 1) return ordered[middle] as number;
  return ((ordered[middle - 1] as number) + (ordered[middle] as number)) / 2;
};

/** Counted from the end if negative; nil where there is nothing. */
const at = (x: Value, index: number): Value => {
  const list = Array.isArray(x) ? (x as readonly Value[]) : [];
  return list.at(index) ?? null;
};

const taken = (list: readonly Value[], count: Value): Value => {
  const most = typeof count === "bigint" ? Number(count) : fail(`cannot take ${typeName(typeOf(count))} elements`);
  return most < 0 ? fail("slice bounds out of range") : list.slice(0, most);
};

const unique = (list: readonly Value[]): Value[] =>
  list.reduce<Value[]>((kept, value) => (kept.some((one) => equal(one, value)) ? kept : [...kept, value]), []);

const flat = (list: readonly Value[]): Value[] =>
  list.flatMap((value) => (Array.isArray(value) ? flat(value as readonly Value[]) : [value]));

const sorted = (list: readonly Value[]): Value[] => [...list].sort((a, b) => (less(a, b) ? -1 : less(b, a) ? 1 : 0));
