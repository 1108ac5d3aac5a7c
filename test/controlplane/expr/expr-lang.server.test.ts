import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { type FormulaResult, formula } from "../../../src/controlplane/expr/formula.ts";
import { type Rng, rngOf } from "../../../src/sim/rng.ts";
import { binaries } from "../../env/build.ts";

/**
 * The formula language against the real expr-lang, on random formulas: what is refused, what fails, and every value (but for
 * the last bits of powers, which Go computes by itself). Left out is what expr-lang 1.17's optimizer gets wrong: first and
 * last of a filter, numbers of both kinds where the first kind is taken for all, and `and`/`or` beside a literal true or false, whose other side it forgets.
 */
const SEED = Number(process.env["SEED"] ?? 1);
const COUNT = Number(process.env["FORMULAS"] ?? 4000);
const NAMES = ["queue", "running", "pending"];

interface Answer {
  readonly value?: string;
  readonly nil?: boolean;
  readonly refused?: string;
  readonly failed?: string;
}

const oneOf = <T>(rng: Rng, ...choices: readonly T[]): T => choices[rng.below(choices.length)] as T;

const number = (rng: Rng): string => oneOf(rng, "0", "1", "2", "7", "0.5", "2.75", "1e3", "-3", "16");

const list = (rng: Rng, depth: number): string => {
  if (depth <= 0) return `[${leaf(rng)}, ${leaf(rng)}]`;
  return oneOf(
    rng,
    () => `[${Array.from({ length: rng.below(4) }, () => numeric(rng, depth - 1)).join(", ")}]`,
    () => `${rng.below(4)}..${rng.below(6)}`,
    () => `filter(${list(rng, depth - 1)}, # ${oneOf(rng, ">", "<=", "==")} ${number(rng)})`,
    () => `map(${list(rng, depth - 1)}, # ${oneOf(rng, "*", "+", "-", "/")} ${number(rng)})`,
    () => `${oneOf(rng, "sort", "reverse", "uniq", "flatten")}(${list(rng, depth - 1)})`,
    () => `concat(${list(rng, depth - 1)}, ${list(rng, depth - 1)})`,
  )();
};

const truth = (rng: Rng, depth: number): string =>
  oneOf(
    rng,
    () => `${numeric(rng, depth - 1)} ${oneOf(rng, "<", ">", "<=", ">=", "==", "!=")} ${numeric(rng, depth - 1)}`,
    () => `(${truth(rng, depth - 1)}) ${oneOf(rng, "and", "or", "&&", "||")} (${truth(rng, depth - 1)})`,
    () => `${oneOf(rng, "not", "!")} (${truth(rng, depth - 1)})`,
    () => `${oneOf(rng, "all", "any", "none", "one")}(${list(rng, depth - 1)}, # > ${number(rng)})`,
  )();

const leaf = (rng: Rng): string => (rng.below(2) === 0 ? number(rng) : oneOf(rng, ...NAMES));

const numeric = (rng: Rng, depth: number): string => {
  if (depth <= 0) return leaf(rng);
  const deeper = (): string => numeric(rng, depth - 1);
  return oneOf(
    rng,
    () => leaf(rng),
    () => `${deeper()} ${oneOf(rng, "+", "-", "*", "/", "**")} ${deeper()}`,
    () => `(${deeper()} ${oneOf(rng, "+", "-", "*", "/")} ${deeper()})`,
    () => `${oneOf(rng, "-", "+")}${deeper()}`,
    () => `(${oneOf(rng, ...NAMES, "nil")} ?? ${deeper()})`,
    () => `(${truth(rng, depth - 1)} ? ${deeper()} : ${deeper()})`,
    () => `${oneOf(rng, "max", "min", "mean", "median")}(float(${deeper()}), ${deeper()})`,
    () => `${oneOf(rng, "max", "min", "sum", "mean", "median", "len")}(${list(rng, depth - 1)})`,
    () => `${oneOf(rng, "first", "last")}(reverse(${list(rng, depth - 1)}))`,
    () => `count(${list(rng, depth - 1)}, # < ${number(rng)})`,
    () => `${oneOf(rng, "abs", "ceil", "floor", "round", "int", "float")}(${deeper()})`,
    () => `int(${deeper()}) % ${1 + rng.below(9)}`,
    () => `reduce(${list(rng, depth - 1)}, #acc + #, ${number(rng)})`,
    () => `(let v${depth} = ${deeper()}; v${depth} * 2)`,
  )();
};

/** As KEDA wraps it (scaledobject_webhook.go, castToFloatIfNecessary). */
const wrapped = (text: string): string => {
  if (text.includes("??")) {
    return text.startsWith("let _kedaCompositeResult = ")
      ? text
      : `let _kedaCompositeResult = (${text}); _kedaCompositeResult == nil ? nil : float(_kedaCompositeResult)`;
  }
  return text.startsWith("float(") ? text : `float(${text})`;
};

const bits = (value: number): string => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16);
};

const fromBits = (text: string): number => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${text}`));
  return view.getFloat64(0);
};

it(`agrees with expr-lang on ${COUNT} random formulas`, async () => {
  const { expr } = await binaries({ needed: ["expr"] });
  const rng = rngOf(SEED).stream("formulas");
  const cases = Array.from({ length: COUNT }, () => ({
    text: numeric(rng, 1 + rng.below(4)),
    triggers: Object.fromEntries(
      NAMES.map((name) => [name, rng.below(6) === 0 ? null : oneOf(rng, 0, 1, 2.5, 40, -1)]),
    ),
  }));
  const lines = cases.map(({ text, triggers }) => JSON.stringify({ formula: wrapped(text), triggers }));
  const { stdout, status } = spawnSync(expr, { input: lines.join("\n"), encoding: "utf8", maxBuffer: 2 ** 28 });
  expect(status).toBe(0);
  const answers = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
  const seen = { value: 0, nil: 0, failed: 0, refused: 0 };
  const differences = cases.flatMap(({ text, triggers }, i) => {
    const made = formula(text, NAMES, "formula");
    const ours = made.ok ? made.value.run(triggers) : undefined;
    seen[ours === undefined ? "refused" : ours.kind === "error" ? "failed" : ours.kind] += 1;
    const what = differs(made, ours, answers[i] ?? {});
    return what === undefined
      ? []
      : [`${text} with ${JSON.stringify(triggers)}: ${what}, really ${JSON.stringify(answers[i])}`];
  });
  expect(differences, `seed ${SEED}`).toEqual([]);
  expect(seen.value, JSON.stringify(seen)).toBeGreaterThan(COUNT / 3);
  expect(seen.failed).toBeGreaterThan(COUNT / 100);
});

/** @returns what ours came to, if the real one came to something else */
const differs = (
  made: ReturnType<typeof formula>,
  ours: FormulaResult | undefined,
  real: Answer,
): string | undefined => {
  if (ours === undefined) {
    // Ours refuses what fails in KEDA's trial run as well.
    const trial = !made.ok && made.problems.some(({ message }) => message.startsWith("fails when it is tried"));
    return real.refused !== undefined || trial ? undefined : `refused, ${made.ok ? "" : made.problems[0]?.message}`;
  }
  if (ours.kind === "error") return real.failed === undefined ? `failed, ${ours.message}` : undefined;
  if (ours.kind === "nil") return real.nil === true ? undefined : "nil";
  const close = real.value !== undefined && Math.abs(fromBits(real.value) - ours.value) <= 1e-12 * Math.abs(ours.value);
  return real.value === bits(ours.value) || close || (Number.isNaN(ours.value) && real.value !== undefined)
    ? undefined
    : `${ours.value}`;
};
