import { parseDurationMs } from "../../../src/promql/durations.ts";
import { parseNumber } from "../../../src/promql/go-numbers.ts";
import { unquote } from "../../../src/promql/strings.ts";
import { parseSeriesLine, type SeriesLine } from "./series-line.ts";

/** Commands of a test script. Source: promql/promqltest/README.md and test.go, Prometheus 3.14. */
export type Command =
  | { readonly kind: "clear"; readonly line: number }
  | Load
  | Evaluation
  /** What upstream's runner has and this one does not, by name. */
  | { readonly kind: "out-of-scope"; readonly line: number; readonly what: string };

export interface Load {
  readonly kind: "load";
  readonly line: number;
  readonly stepMs: number;
  /** Each classic histogram is loaded as a native one as well, which is out of scope. */
  readonly alsoNative: boolean;
  readonly series: readonly SeriesLine[];
}

export interface Times {
  readonly startMs: number;
  readonly endMs: number;
  /** 0: instant. */
  readonly stepMs: number;
}

/** A kind of annotation that an evaluation must have. */
export interface Expected {
  /** `any`: one or more; `none`; a number: so many, for each has its own text. */
  readonly count: number | "any" | "none" | "ignored";
}

export interface Evaluation extends Times {
  readonly kind: "eval";
  readonly line: number;
  readonly query: string;
  readonly fails: boolean;
  readonly ordered: boolean;
  readonly warnings: Expected;
  readonly infos: Expected;
  readonly scalar: number | undefined;
  readonly text: string | undefined;
  readonly series: readonly SeriesLine[];
  /** Times of the points of a range vector that an instant query gives. */
  readonly matrix: Times | undefined;
}

const LOAD = /^load(?:_(with_nhcb))?\s+(.+?)$/;
const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/;
const EXPECT = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;
const EXPECT_RANGE = /^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$/;
const EXPECT_STRING = /^expect string\s+(.+)$/;

/** @throws Error for a command that it does not know */
export const parseScript = (text: string): readonly Command[] => {
  const lines = text.split("\n").map((line) => (line.trim().startsWith("#") ? "" : line.trim()));
  const commands: Command[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const head = lines[at] as string;
    if (head === "") continue;
    const block: string[] = [];
    const line = at + 1;
    const word = (head.split(/[\t ]+/)[0] as string).toLowerCase();
    if (word === "clear") {
      commands.push({ kind: "clear", line });
      continue;
    }
    while (lines[at + 1] !== undefined && lines[at + 1] !== "") {
      at += 1;
      block.push(lines[at] as string);
    }
    if (word.startsWith("load")) commands.push(parseLoad(head, block, line));
    else if (word.startsWith("eval")) commands.push(parseEval(head, block, line));
    else throw new Error(`line ${line}: unknown command ${JSON.stringify(head)}`);
  }
  return commands;
};

const durationMs = (text: string, line: number): number => {
  const parsed = parseDurationMs(text.trim());
  if (parsed === undefined) throw new Error(`line ${line}: ${JSON.stringify(text)} is no duration`);
  return parsed;
};

const parseLoad = (head: string, block: readonly string[], line: number): Load | Command => {
  const parts = LOAD.exec(head);
  if (parts === null) throw new Error(`line ${line}: unknown command ${JSON.stringify(head)}`);
  if (block.some((series) => /^\S+@st\s/.test(series))) {
    return { kind: "out-of-scope", line, what: "start timestamps (@st)" };
  }
  return {
    kind: "load",
    line,
    stepMs: durationMs(parts[2] as string, line),
    alsoNative: parts[1] !== undefined,
    series: block.map(parseSeriesLine),
  };
};

const parseEval = (head: string, block: readonly string[], line: number): Evaluation => {
  const instant = INSTANT.exec(head);
  const range = RANGE.exec(head);
  const parts = instant ?? range;
  if (parts === null) throw new Error(`line ${line}: unknown command ${JSON.stringify(head)}`);
  const modifier = parts[1];
  const times =
    instant === null ? rangeTimes((range as RegExpExecArray).slice(2, 5), line) : instantTime(instant[2] ?? "", line);
  const expects = block.filter((text) => /^expect( |$)/.test(text) || text.startsWith("expected_fail_"));
  const modes = expects.map((text) => parseExpect(text, line));
  const rest = block.filter((text) => !expects.includes(text));
  const scalar = rest.length > 0 ? scalarOf(rest[0] as string) : undefined;
  const matrix = expects.map((text) => EXPECT_RANGE.exec(text)).find((found) => found !== null);
  return {
    kind: "eval",
    line,
    query: (instant === null ? range?.[5] : instant[3]) as string,
    ...times,
    fails: modifier === "fail" || modes.some(({ mode }) => mode === "fail"),
    ordered: modifier === "ordered" || modes.some(({ mode }) => mode === "ordered"),
    warnings: expected("warn", modifier, modes),
    infos: expected("info", modifier, modes),
    scalar,
    text: expects.map((text) => stringOf(text)).find((text) => text !== undefined),
    series: scalar === undefined ? rest.map(parseSeriesLine) : [],
    matrix: matrix === undefined || matrix === null ? undefined : rangeTimes(matrix.slice(1, 4), line),
  };
};

const instantTime = (at: string, line: number): Times => {
  const startMs = durationMs(at, line);
  return { startMs, endMs: startMs, stepMs: 0 };
};

const rangeTimes = ([from = "", to = "", step = ""]: readonly string[], line: number): Times => ({
  startMs: durationMs(from, line),
  endMs: durationMs(to, line),
  stepMs: durationMs(step, line),
});

interface Mode {
  readonly mode: string;
  readonly exact: string | undefined;
}

const parseExpect = (text: string, line: number): Mode => {
  if (EXPECT_RANGE.test(text)) return { mode: "range", exact: undefined };
  if (EXPECT_STRING.test(text)) return { mode: "string", exact: undefined };
  if (/^expected_fail_(message|regexp)\s/.test(text)) return { mode: "fail", exact: undefined };
  const parts = EXPECT.exec(text);
  if (parts === null) throw new Error(`line ${line}: unknown expectation ${JSON.stringify(text)}`);
  return { mode: parts[1] as string, exact: parts[2] === "msg" ? (parts[3] as string).trim() : undefined };
};

const expected = (kind: "warn" | "info", modifier: string | undefined, modes: readonly Mode[]): Expected => {
  if (modes.some(({ mode }) => mode === `no_${kind}`)) return { count: "none" };
  const wanted = modes.filter(({ mode }) => mode === kind);
  if (wanted.length === 0) return { count: modifier === kind ? "any" : "ignored" };
  if (wanted.some(({ exact }) => exact === undefined)) return { count: "any" };
  return { count: new Set(wanted.map(({ exact }) => exact)).size };
};

const scalarOf = (text: string): number | undefined => {
  const unsigned = parseNumber(text.replace(/^[+-]/, ""));
  return unsigned === undefined ? undefined : text.startsWith("-") ? -unsigned : unsigned;
};

const stringOf = (text: string): string | undefined => {
  const literal = EXPECT_STRING.exec(text)?.[1];
  return literal === undefined ? undefined : unquote(literal);
};
