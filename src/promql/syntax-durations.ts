import type { Duration, Place } from "./ast.ts";
import { LONGEST_MS, parseDurationMs } from "./durations.ts";
import { parseNumber } from "./go-numbers.ts";
import { ParseError } from "./query-error.ts";
import { children, type Node, type Source, textOf } from "./syntax-tree.ts";

/** A number, or a length of time in seconds: `5m` is 300. @throws ParseError */
export const numberOf = (source: Source, place: Place): number => {
  const text = textOf(source, place);
  const durationMs = /^\d+[a-z]/.test(text) ? parseDurationMs(text) : undefined;
  const value = durationMs === undefined ? parseNumber(text) : durationMs / 1000;
  if (value === undefined)
    throw new ParseError(`bad number or duration syntax: ${JSON.stringify(text)}`, place.from, place.to);
  return value;
};

/**
 * A range, a step or an offset. Beyond plain lengths of time, it may be computed if the server has that feature.
 *
 * @param signed offsets may be negative or nothing; ranges and steps may not
 */
export const durationOf = (source: Source, node: Node, signed: boolean): Duration => {
  const duration = read(source, node);
  const plain = plainSeconds(duration);
  if (plain === undefined || (!signed && duration.kind !== "seconds")) {
    if (!source.features.durationExpressions) {
      throw new ParseError("experimental duration expression is not enabled", node.from, node.to);
    }
    return duration;
  }
  if (Number.isNaN(plain) || Math.abs(plain) * 1000 > LONGEST_MS) {
    throw new ParseError("duration out of range", node.from, node.to);
  }
  if (plain <= 0 && !signed) throw new ParseError("duration must be greater than 0", node.from, node.to);
  return duration;
};

/** Of a number with or without a sign. */
const plainSeconds = (duration: Duration): number | undefined => {
  if (duration.kind === "seconds") return duration.seconds;
  if (duration.kind !== "negated" || duration.of.kind !== "seconds") return undefined;
  return -duration.of.seconds;
};

const OPERATORS = { Add: "+", Sub: "-", Mul: "*", Div: "/", Mod: "%", Pow: "^" } as const;

const read = (source: Source, node: Node): Duration => {
  const [first, second, third] = children(node);
  if (first === undefined) return { kind: "seconds", seconds: numberOf(source, node) };
  switch (first.name) {
    case "NumberDurationLiteralInDurationContext":
      return { kind: "seconds", seconds: numberOf(source, first) };
    case "DurationStep":
      return { kind: "step" };
    case "DurationRange":
      return { kind: "range" };
    case "DurationMinOf":
    case "DurationMaxOf":
      return {
        kind: "computed",
        operator: first.name === "DurationMinOf" ? "min" : "max",
        left: read(source, second as Node),
        right: read(source, third as Node),
      };
    case "UnaryOp": {
      const of = read(source, second as Node);
      return textOf(source, first) === "-" ? { kind: "negated", of } : of;
    }
    default:
      break;
  }
  if (second === undefined) return read(source, first);
  const operator = OPERATORS[second.name as keyof typeof OPERATORS];
  return { kind: "computed", operator, left: read(source, first), right: read(source, third as Node) };
};
