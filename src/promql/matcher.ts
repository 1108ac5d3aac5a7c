import { METRIC_NAME } from "./labels.ts";
import { compileRegexp, type Regexp } from "./regexp.ts";

export type MatchOperator = "=" | "!=" | "=~" | "!~";

/** What one label of a series must be. A label that is not there is "". Regular expressions match whole values. */
export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
  readonly matches: (value: string) => boolean;
}

/** @throws RegexpError for a pattern that RE2 would refuse */
export const matcherOf = (name: string, operator: MatchOperator, value: string): Matcher => ({
  name,
  operator,
  value,
  matches: testOf(operator, value),
});

const testOf = (operator: MatchOperator, value: string): ((text: string) => boolean) => {
  if (operator === "=") return (text) => text === value;
  if (operator === "!=") return (text) => text !== value;
  const regexp: Regexp = compileRegexp(value);
  return operator === "=~" ? (text) => regexp.matches(text) : (text) => !regexp.matches(text);
};

export const nameMatcher = (name: string): Matcher => matcherOf(METRIC_NAME, "=", name);

export const describeMatcher = ({ name, operator, value }: Matcher): string =>
  `${name}${operator}${JSON.stringify(value)}`;
