import { usageError } from "./exit.ts";
import type { Format } from "./format.ts";
import { formats } from "./formats/index.ts";

/** What a format is asked to print: runs, what a change does, or what a sweep found. */
export type Printing = "print" | "compare" | "sweep";

export const formatNames = (printing: Printing): string =>
  formats
    .filter((format) => format[printing] !== undefined)
    .map(({ name }) => name)
    .join(", ");

/** @throws BadInput if there is no such format, or it can't print that */
export const formatNamed = <P extends Printing>(name: string, printing: P): NonNullable<Format[P]> => {
  const found = formats.find((format) => format.name === name)?.[printing];
  if (found !== undefined) return found;
  throw usageError(`there is no output format ${name}`, `choose one of ${formatNames(printing)}`);
};
