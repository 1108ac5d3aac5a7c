import { parseNumber } from "../../../src/promql/go-numbers.ts";
import { Labels } from "../../../src/promql/labels.ts";
import { unquote } from "../../../src/promql/strings.ts";

/** One step of a series: a value, a staleness marker, nothing, or a native histogram, which is out of scope. */
export type Point = number | "stale" | "none" | "native";

export interface SeriesLine {
  readonly labels: Labels;
  readonly points: readonly Point[];
}

/** `name{label="value"} 1+2x3 _ stale`. Source: series_description in promql/parser/generated_parser.y, Prometheus 3.14. */
export const parseSeriesLine = (line: string): SeriesLine => {
  const { labels, rest } = parseMetric(line);
  return { labels, points: splitItems(rest).flatMap(pointsOf) };
};

const parseMetric = (line: string): { readonly labels: Labels; readonly rest: string } => {
  const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0] ?? "";
  let rest = line.slice(name.length).trimStart();
  const found: Record<string, string> = name === "" ? {} : { __name__: name };
  if (!rest.startsWith("{") || rest.startsWith("{{")) return { labels: Labels.of(found), rest };
  rest = rest.slice(1);
  for (;;) {
    rest = rest.replace(/^[\s,]+/, "");
    if (rest.startsWith("}")) return { labels: Labels.of(found), rest: rest.slice(1) };
    const pair = /^([a-zA-Z_]\w*|"(?:[^"\\]|\\.)*")\s*(?:=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`))?/.exec(
      rest,
    );
    if (pair === null) throw new Error(`can't read the labels of: ${line}`);
    const [whole, label = "", value] = pair;
    const key = label.startsWith('"') ? textOf(label) : label;
    if (value === undefined) found["__name__"] = key;
    else found[key] = textOf(value);
    rest = rest.slice(whole.length);
  }
};

const textOf = (literal: string): string => {
  const text = unquote(literal);
  if (text === undefined) throw new Error(`can't read the string ${literal}`);
  return text;
};

/** At spaces, but not inside of a native histogram. */
const splitItems = (text: string): readonly string[] =>
  (text.match(/(?:\{\{.*?\}\}|[^\s{])+/g) ?? []) as readonly string[];

const NUMBER = "(?:inf|nan|\\d[\\d_]*\\.?\\d*(?:e[+-]?\\d+)?|\\.\\d+(?:e[+-]?\\d+)?)";
const VALUE = new RegExp(`^(stale|[+-]?${NUMBER})(?:([+-]${NUMBER}))?(?:x(\\d+))?$`, "i");

const pointsOf = (item: string): readonly Point[] => {
  if (item.includes("{{")) return ["native"];
  const blank = /^_(?:x(\d+))?$/.exec(item);
  if (blank !== null) return Array.from({ length: Number(blank[1] ?? 1) }, () => "none" as const);
  const parts = VALUE.exec(item);
  if (parts === null) throw new Error(`can't read the value ${item}`);
  const [, first = "", step, times] = parts;
  const count = times === undefined ? 1 : Number(times) + 1;
  if (first.toLowerCase() === "stale") return Array.from({ length: count }, () => "stale" as const);
  const points: number[] = [];
  let value = signed(first);
  for (let i = 0; i < count; i += 1) {
    points.push(value);
    value += step === undefined ? 0 : signed(step);
  }
  return points;
};

const signed = (text: string): number => {
  const value = parseNumber(text.replace(/^[+-]/, ""));
  if (value === undefined) throw new Error(`can't read the number ${text}`);
  return text.startsWith("-") ? -value : value;
};
