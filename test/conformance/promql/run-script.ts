import type { Answer, QueryValue, SeriesPoints } from "../../../src/promql/answer.ts";
import type { Expr } from "../../../src/promql/ast.ts";
import { ALL_FEATURES } from "../../../src/promql/features.ts";
import { compareLabels, Labels } from "../../../src/promql/labels.ts";
import { selectorsOf } from "../../../src/promql/metric-names.ts";
import { parseQuery } from "../../../src/promql/parse.ts";
import { PreparedQuery } from "../../../src/promql/query.ts";
import { Store } from "../../../src/promql/store.ts";
import { pinned } from "./pin.ts";
import type { Command, Evaluation, Expected, Load, Times } from "./script.ts";
import type { SeriesLine } from "./series-line.ts";

/** What became of a script's evaluations. */
export interface ScriptResult {
  readonly passed: number;
  readonly failures: readonly string[];
  /** What was not run, with the reason's name. */
  readonly outOfScope: readonly { readonly line: number; readonly query: string; readonly what: string }[];
}

/** Of the language, what this evaluator does not have, by name. All else must pass. */
const OUT_OF_SCOPE: readonly (readonly [RegExp, string])[] = [
  [/\binfo\s*\(/, "info()"],
  [/<\/|>\//, "native histograms (trim operators)"],
  [/\bstart_timestamp\s*\(/, "start timestamps (start_timestamp)"],
];

const FOREVER_MS = 1e15;

/** Runs the commands in their order. @returns every expectation that does not hold, with line and query */
export const runScript = (commands: readonly Command[]): ScriptResult => {
  let world = new World();
  const failures: string[] = [];
  const outOfScope: { line: number; query: string; what: string }[] = [];
  let passed = 0;
  for (const command of commands) {
    if (command.kind === "clear") world = new World();
    else if (command.kind === "load") world.load(command);
    else if (command.kind === "out-of-scope") world.refuse(command.what);
    else {
      const what = world.outOfScope(command);
      if (what !== undefined) {
        outOfScope.push({ line: command.line, query: command.query, what });
        continue;
      }
      const wrong = world.evaluate(command);
      if (wrong.length === 0) passed += 1;
      failures.push(...wrong.map((text) => `line ${command.line}: ${command.query}: ${text}`));
    }
  }
  return { passed, failures, outOfScope };
};

class World {
  readonly #store = new Store({ retentionMs: FOREVER_MS });
  /** Native histograms, which are not loaded: an evaluation that would read them is out of scope. */
  readonly #native: Labels[] = [];
  #refused: string | undefined;

  /** Something that all evaluations up to the next `clear` may depend on. */
  refuse(what: string): void {
    this.#refused = what;
  }

  load({ series, stepMs, alsoNative }: Load): void {
    // Of two lines for one series the later counts.
    for (const { labels, points } of new Map(series.map((line) => [line.labels.key, line])).values()) {
      if (points.includes("native")) this.#native.push(labels);
      if (alsoNative) this.#native.push(nativeLabels(labels));
      const target = this.#store.series(labels);
      points.forEach((point, i) => {
        if (point === "stale") this.#store.end(target, i * stepMs);
        else if (typeof point === "number") this.#store.append(target, i * stepMs, point);
      });
    }
  }

  /** @returns the name of what makes it so */
  outOfScope({ query, series }: Evaluation): string | undefined {
    const named = OUT_OF_SCOPE.find(([pattern]) => pattern.test(query));
    if (named !== undefined) return named[1];
    if (this.#refused !== undefined) return this.#refused;
    if (series.some(({ points }) => points.includes("native"))) return "native histograms (expected)";
    const parsed = parseQuery(query, ALL_FEATURES);
    if (!parsed.ok) return undefined;
    const reads = selectorsOf(parsed.expr).some(({ matchers }) =>
      this.#native.some((labels) => matchers.every(({ name, matches }) => matches(labels.get(name)))),
    );
    return reads ? "native histograms (read)" : undefined;
  }

  evaluate(command: Evaluation): readonly string[] {
    const parsed = parseQuery(command.query, ALL_FEATURES);
    if (!parsed.ok) return command.fails ? [] : [parsed.message];
    const { expr } = parsed;
    const query = this.#query(command.query, expr);
    if (command.stepMs > 0)
      return checkAnswer(command, query.range(command.startMs, command.endMs, command.stepMs), command);
    return this.#instantly(command, query, expr);
  }

  #query(text: string, expr: Expr): PreparedQuery {
    return new PreparedQuery(text, expr, this.#store, { features: ALL_FEATURES });
  }

  /** As it is; pinned to its time and asked at others; and as one step of a range query. */
  #instantly(command: Evaluation, query: PreparedQuery, expr: Expr): readonly string[] {
    const at = command.matrix?.endMs ?? command.startMs;
    const wrong = [...checkAnswer(command, query.instant(at), command.matrix ?? command)];
    if (wrong.length > 0) return wrong;
    // Asked again: what it has kept must not show.
    const again = checkAnswer(command, query.instant(at), command.matrix ?? command);
    wrong.push(...again.map((text) => `asked again: ${text}`));
    const fixed = pinned(expr, at);
    const others = fixed === undefined ? [] : at === 0 ? [-1000, 1000] : [-10 * at, 0, Math.trunc(at / 5), 10 * at];
    for (const other of others) {
      const answer = this.#query(command.query, fixed as Expr).instant(other);
      wrong.push(
        ...checkAnswer(command, answer, command.matrix ?? command).map((text) => `@ ${at} at ${other}: ${text}`),
      );
    }
    if (command.fails || command.matrix !== undefined || command.text !== undefined) return wrong;
    if (/\b(start|end|range|step)\(\)/.test(command.query)) return wrong;
    wrong.push(...this.#asStep(command, query, at).map((text) => `in a range query: ${text}`));
    return wrong;
  }

  #asStep(command: Evaluation, query: PreparedQuery, at: number): readonly string[] {
    const answer = query.range(at - 60_000, at + 60_000, 60_000);
    if (!answer.ok) return [answer.message];
    const { series } = answer.value as QueryValue & { kind: "matrix" };
    const points = series.flatMap(({ labels, points: all }) =>
      all.filter(({ atMs }) => atMs === at).map(({ value }) => ({ labels, value })),
    );
    const [first] = points;
    if (command.scalar !== undefined) {
      return checkValue({ ...command, ordered: false }, { kind: "scalar", value: first?.value ?? Number.NaN }, command);
    }
    return checkValue({ ...command, ordered: false }, { kind: "vector", samples: points }, command);
  }
}

/** The classic histogram's name without its ending, and its labels without bounds. */
const nativeLabels = (labels: Labels): Labels =>
  labels.drop(["le"]).with("__name__", labels.name.replace(/_(bucket|count|sum)$/, ""));

const checkAnswer = (command: Evaluation, answer: Answer, times: Times): readonly string[] => {
  if (command.fails) return answer.ok ? ["should have failed"] : [];
  if (!answer.ok) return [answer.message];
  const counted = (level: "warning" | "info") =>
    answer.annotations.filter((one) => one.level === level).map(({ text }) => text);
  return [
    ...checkCount("warnings", command.warnings, counted("warning")),
    ...checkCount("infos", command.infos, counted("info")),
    ...checkValue(command, answer.value, times),
  ];
};

const checkCount = (what: string, { count }: Expected, found: readonly string[]): readonly string[] => {
  const holds =
    count === "ignored" ||
    (count === "any" && found.length > 0) ||
    (count === "none" && found.length === 0) ||
    count === found.length;
  return holds ? [] : [`expected ${count} ${what}, got ${JSON.stringify(found)}`];
};

const checkValue = (command: Evaluation, value: QueryValue, times: Times): readonly string[] => {
  if (command.text !== undefined) {
    return value.kind === "string" && value.text === command.text
      ? []
      : [`expected ${command.text}, got ${JSON.stringify(value)}`];
  }
  if (command.scalar !== undefined) {
    const same = value.kind === "scalar" && almostEqual(value.value, command.scalar);
    return same ? [] : [`expected ${command.scalar}, got ${JSON.stringify(value)}`];
  }
  if (value.kind === "vector") return checkVector(command, value.samples);
  if (value.kind === "matrix") return checkMatrix(command.series, value.series, times);
  return [`expected series, got ${JSON.stringify(value)}`];
};

const checkVector = (command: Evaluation, samples: (QueryValue & { kind: "vector" })["samples"]): readonly string[] => {
  const wrong: string[] = [];
  const expected = new Map(command.series.map((line, i) => [line.labels.key, { line, i }] as const));
  samples.forEach(({ labels, value }, i) => {
    const found = expected.get(labels.key);
    if (found === undefined) wrong.push(`unexpected ${labels} ${value}`);
    else if (command.ordered && found.i !== i) wrong.push(`expected ${labels} at place ${found.i}, got it at ${i}`);
    else if (!almostEqual(value, found.line.points[0] as number)) {
      wrong.push(`expected ${labels} ${found.line.points[0]}, got ${value}`);
    }
    expected.delete(labels.key);
  });
  for (const { line } of expected.values()) wrong.push(`missing ${line.labels} ${line.points[0]}`);
  return wrong;
};

const checkMatrix = (
  expected: readonly SeriesLine[],
  series: readonly SeriesPoints[],
  { startMs, stepMs }: Times,
): readonly string[] => {
  const wrong: string[] = [];
  const left = new Map(expected.map((line) => [line.labels.key, line] as const));
  series.forEach(({ labels, points }, i) => {
    const line = left.get(labels.key);
    left.delete(labels.key);
    if (i > 0 && compareLabels((series[i - 1] as SeriesPoints).labels, labels) > 0)
      wrong.push(`${labels} is out of order`);
    if (line === undefined) return void wrong.push(`unexpected ${labels} ${JSON.stringify(points)}`);
    const wanted = line.points.flatMap((value, k) => (value === "none" ? [] : [{ atMs: startMs + k * stepMs, value }]));
    const same =
      wanted.length === points.length &&
      wanted.every(
        ({ atMs, value }, k) => points[k]?.atMs === atMs && almostEqual(points[k]?.value as number, value as number),
      );
    if (!same) wrong.push(`expected ${labels} ${JSON.stringify(wanted)}, got ${JSON.stringify(points)}`);
  });
  for (const line of left.values()) wrong.push(`missing ${line.labels}`);
  return wrong;
};

const EPSILON = 0.000001;
const SMALLEST_NORMAL = 2.2250738585072014e-308;

/** Source: almost.Equal, Prometheus 3.14, with the tolerance of its test runner. */
export const almostEqual = (a: number, b: number): boolean => {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return difference < EPSILON * SMALLEST_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < EPSILON;
};
