import type { Labels } from "./labels.ts";
import { QueryError } from "./query-error.ts";
import { compileRegexp, type Regexp, RegexpError } from "./regexp.ts";

/** label_replace(): if `pattern` matches all of `from`, `to` becomes the template, its `$1` and `${name}` filled in. */
export const labelReplace = (
  to: string,
  template: string,
  from: string,
  pattern: string,
): ((labels: Labels) => Labels) => {
  const regexp = compiled(pattern);
  if (!isLabelName(to)) throw new QueryError(`invalid destination label name in label_replace(): ${to}`);
  return (labels) => {
    const groups = regexp.exec(labels.get(from));
    return groups === undefined ? labels : changed(labels, to, expand(template, regexp, groups));
  };
};

/** label_join(): `to` becomes the values of the others, with a separator between. */
export const labelJoin = (to: string, separator: string, from: readonly string[]): ((labels: Labels) => Labels) => {
  const wrong = from.find((name) => !isLabelName(name));
  if (wrong !== undefined) throw new QueryError(`invalid source label name in label_join(): ${wrong}`);
  if (!isLabelName(to)) throw new QueryError(`invalid destination label name in label_join(): ${to}`);
  return (labels) => changed(labels, to, from.map((name) => labels.get(name)).join(separator));
};

/** Any text in UTF-8, but nothing. Bytes that are none are read as U+FFFD. */
export const isLabelName = (name: string): boolean => name !== "" && !name.includes("\ufffd");

/** Always an object of its own, so that it shows that the label was set. */
const changed = (labels: Labels, name: string, value: string): Labels => labels.with(name, value);

const compiled = (pattern: string): Regexp => {
  try {
    return compileRegexp(pattern);
  } catch (error) {
    if (error instanceof RegexpError) throw new QueryError(`invalid regular expression in label_replace(): ${pattern}`);
    throw error;
  }
};

/** Source: Regexp.Expand, Go 1.26: a name is as long as can be; one that is unknown is empty; `$$` is `$`. */
export const expand = (template: string, regexp: Regexp, groups: readonly (string | undefined)[]): string =>
  template.replace(/\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (whole, braced?: string, plain?: string) => {
    if (whole === "$$") return "$";
    const name = braced ?? plain ?? "";
    if (/^\d+$/.test(name)) return groups[Number(name)] ?? "";
    return groups.find((group, i) => group !== undefined && regexp.groups[i] === name) ?? "";
  });
