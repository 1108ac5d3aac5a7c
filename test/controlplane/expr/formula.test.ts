import { describe, expect, it } from "vitest";
import { formula } from "../../../src/controlplane/expr/formula.ts";
import { describeProblem } from "../../../src/model/problem.ts";

type Triggers = Readonly<Record<string, number | null>>;

const compiled = (text: string, names: readonly string[]) => {
  const made = formula(text, names, "formula");
  if (!made.ok) throw new Error(made.problems.map(describeProblem).join("\n"));
  return made.value;
};
const run = (text: string, triggers: Triggers = {}) => compiled(text, Object.keys(triggers)).run(triggers);
const value = (text: string, triggers: Triggers = {}): unknown => {
  const result = run(text, triggers);
  return result.kind === "value" ? result.value : result.kind;
};
const refusal = (text: string, ...names: string[]): string => {
  const made = formula(text, names, "formula");
  return made.ok ? "taken" : made.problems.map(describeProblem).join("\n");
};

// llm-d's queue guard, with hand-computed results (published_cases.json, control-keda-queue-guard-formula).
const QUEUE_GUARD =
  "let queue_per_replica = 1; let running_per_replica = 16; let demand = max(queue / queue_per_replica, running / running_per_replica); demand <= replicas ? demand : max(demand - (pending ?? 0), replicas)";

describe("a formula of scalingModifiers", () => {
  it.each([
    { queue: 0, running: 20, pending: 0, replicas: 2, out: 1.25 },
    { queue: 10, running: 32, pending: 4, replicas: 2, out: 6 },
    { queue: 10, running: 32, pending: 9, replicas: 2, out: 2 },
    { queue: 10, running: 32, pending: null, replicas: 2, out: 10 },
  ])("guards the queue: $queue queued, $pending pending → $out", ({ out, ...triggers }) =>
    expect(value(QUEUE_GUARD, triggers)).toBe(out),
  );

  it.each<[text: string, out: number]>([
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["7 / 2", 3.5],
    ["7 % 4", 3],
    ["-7 % 4", -3],
    ["2 ** 3 ** 2", 512],
    ["-2 ** 2", -4],
    ["2 ^ 3", 8],
    ["0x1F + 0b11 + 0o17 + 1_000", 1049],
    [".5 + 1.5e1", 15.5],
    ["9223372036854775807 + 1", -9223372036854775808],
    ["1 < 2 && 2 < 1 ? 1 : 2", 2],
    ["1 < 2 < 3 ? 1 : 2", 1],
    ["3 > 2 > 2 ? 1 : 2", 2],
    ["not true ? 1 : 2", 2],
    ["!(1 == 1.0) ? 1 : 2", 2],
    ["2 in [1, 2] ? 1 : 0", 1],
    ["2 not in [1, 2] ? 1 : 0", 0],
    ["if 1 > 2 { 1 } else if 2 > 1 { 5 } else { 3 }", 5],
    ["let x = 4; let y = x * 2; y - x", 4],
    ["1; 2; 3", 3],
    ["1; 2;", 2],
    ["max(1, 2.5, 2)", 2.5],
    ["min([4, 3], 5)", 3],
    ["mean(1, 2, [3, 6])", 3],
    ["median([4, 1, 3, 2])", 2.5],
    ["sum([1, 2, 3.5])", 6.5],
    ["sum([1, 2, 3], # * 2)", 12],
    ["count([1, 2, 3], # > 1)", 2],
    ["len(1..4)", 4],
    ["reduce([1, 2, 3], #acc + #, 10)", 16],
    ["reduce(1..4, #acc * #)", 24],
    ["first(filter([1, 5, 7], # > 3)) + last([1, 2])", 7],
    ["find([1, 5, 7], # > 3) + findIndex([1, 5, 7], # > 3)", 6],
    ["findLast([1, 5, 7], # > 3) + findLastIndex([1, 5, 7], # > 3)", 9],
    ["all([1, 2], # > 0) and any([1, 2], # > 1) and none([1], # > 1) and one([1, 2], # > 1) ? 1 : 0", 1],
    ["map([1, 2], # + #index) | sum()", 4],
    ["[3, 1, 2] | sort() | first()", 1],
    ["sortBy([3, 1, 2], -#)[0]", 3],
    ["reverse([1, 2, 3])[0] + [1, 2, 3][-1] + [1, 2, 3][1:][0]", 8],
    ["len(uniq([1, 1.0, 2])) + len(concat([1], [2, 3])) + len(flatten([1, [2, [3]]]))", 8],
    ["take([5, 6, 7], 2)[1] + (get([1], 5) ?? 4)", 10],
    ["ceil(1.2) + floor(1.8) + round(-2.5) + abs(-3) + int(2.9)", 5],
    ["nil ?? 5", 5],
    ["1 /* a remark */ + 1 // another", 2],
  ])("%s is %d", (text, out) => expect(value(text)).toBe(out));

  it.each([
    ["a / b", { a: 1, b: 0 }, Number.POSITIVE_INFINITY],
    ["a > b ? a : b", { a: 3, b: 4 }, 4],
    ["max(a, b) * 2", { a: 3, b: 4 }, 8],
    ["float(a)", { a: 3 }, 3],
    ["a ?? b ?? 1", { a: null, b: null }, 1],
    ["(a ?? 0) + b", { a: null, b: 2 }, 2],
  ] as const)("%s of triggers", (text, triggers, out) => expect(value(text, triggers)).toBe(out));

  it("is nil where ?? has nothing left, for the fallback to step in", () =>
    expect(run("a ?? b", { a: null, b: null })).toEqual({ kind: "nil" }));

  it("fails at run time where a trigger that failed is computed with", () => {
    const made = compiled("a + b", ["a", "b"]);
    expect(made.run({ a: null, b: 1 })).toEqual({ kind: "error", message: "invalid operation: nil + float64" });
  });

  it.each([
    ["a +", ["a"], /unexpected end of the formula\n \| a \+\n \| {4}\^/],
    ["a + c", ["a", "b"], /unknown name c: the triggers are named a, b\n \| a \+ c\n \| {5}\^/],
    ["a > 1", ["a"], /must give a number/],
    ["[a]", ["a"], /not a list/],
    ["a + true", ["a"], /mismatched types float64 and bool/],
    ["a % 2", ["a"], /mismatched types float64 and int/],
    ["a ? 1 : 2", ["a"], /a condition must be true or false, not float64/],
    ["a ?? 1 + 2", ["a"], /\+ and \?\? can't be mixed/],
    ["a == 'x' ? 1 : 2", ["a"], /uses a text/],
    ["a.b", ["a"], /members and methods are not simulated/],
    ["{x: 1}", [], /maps are not simulated/],
    ["now()", [], /the function now is not simulated/],
    ["foo(1)", [], /unknown function foo/],
    ["max()", [], /not enough arguments to call max/],
    ["abs(1, 2)", [], /expected 1, got 2/],
    ["let a = 1; a", ["a"], /cannot redeclare a, the name of a trigger/],
    ["let max = 1; max", [], /cannot redeclare builtin max/],
    ["#", [], /no function around/],
    ["all([1], #)", [], /must give a number|predicate/],
    ["all([1], # + 1) ? 1 : 2", [], /fails when it is tried/],
    ["1 @ 2", [], /unrecognized character "@"/],
    ["99999999999999999999", [], /too large/],
    ["5 % int(a + 1)", ["a"], /integer divide by zero/],
    ["a\n  + ~b", ["a", "b"], /unrecognized character "~"\n \| {3}\+ ~b\n \| {5}\^/],
  ] as const)("refuses %s, and says where", (text, names, says) => expect(refusal(text, ...names)).toMatch(says));
});
