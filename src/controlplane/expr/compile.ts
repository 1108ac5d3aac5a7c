import type { Node } from "./ast.ts";
import { BUILTINS, listOf, OTHER_FUNCTIONS } from "./functions.ts";
import { binaryOf } from "./operators.ts";
import { PREDICATES } from "./parser.ts";
import { predicateCall } from "./predicates.ts";
import type { Compiled, Frame, Scope } from "./scope.ts";
import { FormulaError } from "./token.ts";
import { eitherOf, fail, isNumber, type Type, typeName, typeOf, type Value, wrapped } from "./value.ts";

/**
 * Checks a node as expr-lang/expr v1.17 does (checker/checker.go), with every trigger a float, and makes it runnable.
 * @throws FormulaError where types don't go together or a name is unknown
 */
export const compile = (node: Node, scope: Scope): Compiled => {
  switch (node.kind) {
    case "int":
    case "float":
    case "bool":
      return constant(node.kind, node.value);
    case "nil":
      return constant("nil", null);
    case "name":
      return named(node, scope);
    case "pointer":
      return pointed(node, scope);
    case "list":
      return listed(node, scope);
    case "unary":
      return unary(node, scope);
    case "binary":
      return binaryOf(node, compile(node.left, scope), compile(node.right, scope));
    case "conditional":
      return conditional(node, scope);
    case "let":
      return declared(node, scope);
    case "sequence":
      return sequence(node, scope);
    case "call":
      return called(node, scope);
    case "index":
      return indexed(node, scope);
    case "slice":
      return sliced(node, scope);
    default:
      return node satisfies never;
  }
};

type Of<Kind extends Node["kind"]> = Extract<Node, { kind: Kind }>;

const constant = (type: Type, value: Value): Compiled => ({ type, run: () => value });

const named = ({ name, at }: Of<"name">, { triggers, locals }: Scope): Compiled => {
  const local = locals.get(name);
  if (local !== undefined) return { type: local.type, run: (frame) => frame.locals[local.slot] as Value };
  if (!triggers.includes(name)) {
    const known = triggers.length === 0 ? "no trigger has a name" : `the triggers are named ${triggers.join(", ")}`;
    throw new FormulaError(`unknown name ${name}: ${known}`, at);
  }
  return { type: "float", run: (frame) => frame.triggers[name] ?? null };
};

const pointed = ({ name, at }: Of<"pointer">, { reducing }: Scope): Compiled => {
  const innermost = (frame: Frame) => frame.elements[frame.elements.length - 1] as Frame["elements"][number];
  if (name === "") return { type: "any", run: (frame) => innermost(frame).element };
  if (name === "index") return { type: "int", run: (frame) => BigInt(innermost(frame).index) };
  if (name === "acc" && reducing) return { type: "any", run: (frame) => innermost(frame).accumulated };
  throw new FormulaError(`unknown pointer #${name}`, at);
};

const listed = ({ items }: Of<"list">, scope: Scope): Compiled => {
  const made = items.map((item) => compile(item, scope));
  return { type: "list", run: (frame) => made.map(({ run }) => run(frame)) };
};

const unary = ({ operator, operand, at }: Of<"unary">, scope: Scope): Compiled => {
  const { type, run } = compile(operand, scope);
  const takes: readonly Type[] = operator === "not" ? ["bool", "any"] : ["int", "float", "any"];
  if (!takes.includes(type)) throw new FormulaError(`${operator} can't be used on ${typeName(type)}`, at);
  if (operator === "not") {
    return {
      type: "bool",
      run: (frame) => {
        const value = run(frame);
        return typeof value === "boolean" ? !value : fail(`invalid operation: not ${typeName(typeOf(value))}`);
      },
    };
  }
  return {
    type,
    run: (frame) => {
      const value = run(frame);
      // A plus is not even compiled.
      if (operator === "+") return value;
      if (!isNumber(value)) return fail(`invalid operation: ${operator} ${typeName(typeOf(value))}`);
      return typeof value === "bigint" ? wrapped(-value) : -value;
    },
  };
};

const conditional = ({ condition, yes, no }: Of<"conditional">, scope: Scope): Compiled => {
  const asked = compile(condition, scope);
  if (asked.type !== "bool" && asked.type !== "any")
    throw new FormulaError(`a condition must be true or false, not ${typeName(asked.type)}`, condition.at);
  const [one, other] = [compile(yes, scope), compile(no, scope)];
  return {
    type: eitherOf(one.type, other.type),
    run: (frame) => {
      const value = asked.run(frame);
      if (typeof value !== "boolean") return fail(`a condition is ${typeName(typeOf(value))}`);
      return value ? one.run(frame) : other.run(frame);
    },
  };
};

const declared = ({ name, value, body, at }: Of<"let">, scope: Scope): Compiled => {
  if (scope.triggers.includes(name)) throw new FormulaError(`cannot redeclare ${name}, the name of a trigger`, at);
  if (BUILTINS.has(name) || PREDICATES.has(name) || OTHER_FUNCTIONS.has(name))
    throw new FormulaError(`cannot redeclare builtin ${name}`, at);
  if (scope.locals.has(name)) throw new FormulaError(`cannot redeclare variable ${name}`, at);
  const made = compile(value, scope);
  const slot = scope.locals.size;
  const inside = compile(body, { ...scope, locals: new Map([...scope.locals, [name, { slot, type: made.type }]]) });
  return {
    type: inside.type,
    run: (frame) => {
      frame.locals[slot] = made.run(frame);
      return inside.run(frame);
    },
  };
};

const sequence = ({ nodes }: Of<"sequence">, scope: Scope): Compiled => {
  const made = nodes.map((node) => compile(node, scope));
  return {
    type: (made[made.length - 1] as Compiled).type,
    run: (frame) => made.reduce<Value>((_, { run }) => run(frame), null),
  };
};

const called = (node: Of<"call">, scope: Scope): Compiled => {
  const { name, args, at } = node;
  if (PREDICATES.has(name)) return predicateCall(node, scope, compile);
  const builtin = BUILTINS.get(name);
  if (builtin === undefined) {
    const known = OTHER_FUNCTIONS.has(name) ? `the function ${name} is not simulated` : `unknown function ${name}`;
    throw new FormulaError(known, at);
  }
  const made = args.map((arg) => compile(arg, scope));
  const type = checked(() => builtin.check(made.map((arg) => arg.type)), at);
  return { type, run: (frame) => builtin.run(made.map(({ run }) => run(frame))) };
};

const checked = <T>(check: () => T, at: number): T => {
  try {
    return check();
  } catch (error) {
    throw new FormulaError((error as Error).message, at);
  }
};

const indexed = ({ of, index, optional, at }: Of<"index">, scope: Scope): Compiled => {
  const [list, which] = [listType(compile(of, scope), at), wholeType(compile(index, scope), index.at)];
  return {
    type: "any",
    run: (frame) => {
      const value = list.run(frame);
      if (value === null && optional) return null;
      const items = listOf("[]", value);
      const found = items.at(Number(whole(which.run(frame))));
      return found === undefined ? fail("index out of range") : found;
    },
  };
};

const sliced = ({ of, from, to, at }: Of<"slice">, scope: Scope): Compiled => {
  const list = listType(compile(of, scope), at);
  const [low, high] = [from, to].map((end) => (end === undefined ? undefined : wholeType(compile(end, scope), end.at)));
  return {
    type: "list",
    run: (frame) => {
      const items = listOf("[:]", list.run(frame));
      const end = (one: Compiled | undefined): number | undefined =>
        one === undefined ? undefined : Number(whole(one.run(frame)));
      return items.slice(end(low) ?? 0, end(high) ?? items.length);
    },
  };
};

const listType = (made: Compiled, at: number): Compiled => {
  if (made.type === "list" || made.type === "any") return made;
  throw new FormulaError(`[] is for lists, not for ${typeName(made.type)}`, at);
};

const wholeType = (made: Compiled, at: number): Compiled => {
  if (made.type === "int" || made.type === "any") return made;
  throw new FormulaError(`lists are indexed by whole numbers, not by ${typeName(made.type)}`, at);
};

const whole = (value: Value): bigint =>
  typeof value === "bigint" ? value : fail(`invalid index ${typeName(typeOf(value))}`);
