import { shown } from "./trace-row.ts";

/** Where the wanted columns are. */
export interface Columns {
  /** Index per wanted name, in the order wanted; undefined: an optional one that isn't there. */
  readonly at: readonly (number | undefined)[];
  /** Fields per line. */
  readonly count: number;
}

/** Plain CSV: no trace read here quotes a field. @returns what is wrong with the header, if it lacks a required column */
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
