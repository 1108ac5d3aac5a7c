import type * as z from "zod";
import type { Problem } from "../model/problem.ts";
import { nearest } from "./nearest.ts";
import { fieldsAt } from "./schema-at.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];
type Said = Pick<Problem, "reason" | "message" | "fix">;

/** What zod found, in the words of whoever wrote the object. One issue may be several problems: one per unknown field. */
export const problemsOf = (issue: Issue, schema: z.core.$ZodType, raw: unknown): readonly Problem[] => {
  if (issue.code === "unrecognized_keys") {
    const known = fieldsAt(schema, raw, issue.path);
    return issue.keys.map((key) => problem([...issue.path, key], unknownField(key, known)));
  }
  return [problem(issue.path, said(issue, valueAt(raw, issue.path)))];
};

const problem = (path: Path, { reason, message, fix }: Said): Problem => ({
  severity: "error",
  reason,
  field: fieldPath(path),
  message,
  ...(fix === undefined ? {} : { fix }),
});

const said = (issue: Issue, value: unknown): Said => {
  if (issue.code === "custom") return { reason: "Invalid", message: issue.message, fix: issue.params?.fix };
  if (value === undefined) return missing(issue);
  switch (issue.code) {
    case "invalid_type":
      return wrongType(issue.expected, value);
    case "invalid_value":
      return notOneOf(issue.values.map(String), value);
    case "invalid_union":
      return notOneOf((issue as { options?: readonly unknown[] }).options?.map(String) ?? [], value);
    case "too_small":
      return outOfBounds(issue.origin, issue.inclusive === false ? "above" : "at least", issue.minimum, value);
    case "too_big":
      return outOfBounds(issue.origin, issue.inclusive === false ? "below" : "at most", issue.maximum, value);
    case "invalid_format":
      return { reason: "BadFormat", message: `${issue.message}, got ${shown(value)}` };
    default:
      return { reason: "Invalid", message: issue.message };
  }
};

const missing = (issue: Issue): Said => {
  const choices = issue.code === "invalid_value" ? issue.values : (issue as { options?: readonly unknown[] }).options;
  const wanted = issue.code === "invalid_type" ? `set it to ${TYPES[issue.expected] ?? issue.expected}` : undefined;
  const fix = choices === undefined ? wanted : `set it to ${oneOf(choices.map(String))}`;
  return { reason: "Required", message: "is required", ...(fix === undefined ? {} : { fix }) };
};

const wrongType = (expected: string, value: unknown): Said => {
  const message = `must be ${TYPES[expected] ?? expected}, got ${shown(value)}`;
  const quotable = expected === "string" && (typeof value === "number" || typeof value === "boolean");
  return { reason: "WrongType", message, ...(quotable ? { fix: `put it in quotes: "${value}"` } : {}) };
};

const notOneOf = (allowed: readonly string[], value: unknown): Said => {
  const message = `must be ${oneOf(allowed)}, got ${shown(value)}`;
  if (typeof value === "number" && allowed.includes(String(value)))
    return { reason: "WrongType", message, fix: `put it in quotes: "${value}"` };
  return { reason: "UnknownValue", message, ...didYouMean(String(value), allowed) };
};

const unknownField = (key: string, known: readonly string[]): Said => {
  const listed = known.length > 0 && known.length <= 16 ? `; known here: ${known.join(", ")}` : "";
  return { reason: "UnknownField", message: `there is no such field${listed}`, ...didYouMean(key, known) };
};

const didYouMean = (word: string, candidates: readonly string[]) => {
  const near = nearest(word, candidates);
  return near === undefined ? {} : { fix: `did you mean \`${near}\`?` };
};

const outOfBounds = (origin: string, relation: string, bound: number | bigint, value: unknown): Said => {
  const what = { string: "characters", array: "entries", object: "fields" }[origin];
  if (what === undefined)
    return { reason: "OutOfBounds", message: `must be ${relation} ${bound}, got ${shown(value)}` };
  const size = typeof value === "string" || Array.isArray(value) ? value.length : Object.keys(value as object).length;
  return { reason: "OutOfBounds", message: `must have ${relation} ${bound} ${what}, has ${size}` };
};

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of fields",
  record: "a map",
};

const oneOf = (allowed: readonly string[]): string =>
  allowed.length === 1 ? `${allowed[0]}` : `one of ${allowed.slice(0, 40).join(", ")}`;

const shown = (value: unknown): string => {
  if (value === null) return "nothing (null)";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value !== "string") return String(value);
  return `"${value.length > 60 ? `${value.slice(0, 60)}…` : value}"`;
};

const valueAt = (raw: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown> | null | undefined)?.[step], raw);

/** `spec.workload.synthetic.clients[0].rate`; keys that aren't words in brackets and quotes. */
export const fieldPath = (path: Path): string =>
  path
    .map((step) => {
      if (typeof step === "number") return `[${step}]`;
      const name = String(step).slice(0, 64);
      return /^[A-Za-z_][\w-]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    })
    .join("")
    .replace(/^\./, "");
