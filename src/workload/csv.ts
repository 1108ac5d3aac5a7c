import { shown } from "./trace-row.ts";

/** Where the wanted columns are. */
export interface Columns {
  /** Index per wanted name, in the order wanted; undefined: an optional one that isn't there. */
  readonly at: readonly (number | undefined)[];
  /** Fields per line. */
  readonly count: number;
}

/** @param header without quotes, as all traces read here have it. @returns what is wrong with the header, if it lacks a required column */
export const columnsOf = (
  header: string,
  required: readonly string[],
  optional: readonly string[] = [],
): Columns | string => {
  const names = header.split(",").map((name) => name.trim());
  const missing = required.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    return `the header ${shown(header)} has no column ${missing.join(", ")}; it must name ${required.join(",")}`;
  }
  const at = [...required, ...optional].map((name) => (names.includes(name) ? names.indexOf(name) : undefined));
  return { at, count: names.length };
};

/** @returns the whole number written in plain digits, or NaN */
export const wholeOf = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);

/** Fields of a line as RFC 4180 has them: quoted ones may hold commas, line ends and doubled quotes. @returns undefined if a quote never ends */
export const fieldsOf = (line: string): readonly string[] | undefined => {
  if (!line.includes('"')) return line.split(",");
  const fields: string[] = [];
  let from = 0;
  while (from <= line.length) {
    const quoted = line[from] === '"';
    const close = quoted ? closingQuote(line, from + 1) : from;
    if (close === undefined) return undefined;
    const end = quoted ? close + 1 : from;
    const comma = line.indexOf(",", end);
    const to = comma < 0 ? line.length : comma;
    fields.push(quoted ? line.slice(from + 1, close).replaceAll('""', '"') : line.slice(from, to));
    from = to + 1;
  }
  return fields;
};

/** Where the quote that ends a field stands. */
const closingQuote = (line: string, from: number): number | undefined => {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 2)) {
    if (line[at + 1] !== '"') return at;
  }
  return undefined;
};
