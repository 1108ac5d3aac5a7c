/**
 * What a query can't be answered for: a user's mistake that shows only when it runs, such as two series that match one.
 * Thrown inside the evaluator, caught at its door, and handed out as a value.
 */
export class QueryError extends Error {}

/** A query that can't be read. `from` and `to` are offsets in its text. */
export class ParseError extends Error {
  readonly from: number;
  readonly to: number;

  constructor(message: string, from: number, to: number) {
    super(message);
    this.from = from;
    this.to = to;
  }
}

/** `line:column`, both 1-based, columns in characters. Source: posrange.StartPosInput, Prometheus 3.14. */
export const placeIn = (query: string, offset: number): string => {
  const before = query.slice(0, offset);
  const line = before.split("\n").length;
  return `${line}:${offset - (before.lastIndexOf("\n") + 1) + 1}`;
};

/** The message as Prometheus spells it, and the line of the query with a caret under the place. */
export const describeParseError = (query: string, error: ParseError): string => {
  const start = query.lastIndexOf("\n", error.from - 1) + 1;
  const end = query.indexOf("\n", start);
  const line = query.slice(start, end < 0 ? undefined : end);
  const shown = line.length > 400 ? line.slice(Math.max(0, error.from - start - 200), error.from - start + 200) : line;
  const indent = line.length > 400 ? Math.min(200, error.from - start) : error.from - start;
  return `${placeIn(query, error.from)}: parse error: ${error.message}\n  ${shown}\n  ${" ".repeat(indent)}^`;
};
