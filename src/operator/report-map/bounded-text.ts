import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

/** Something that is left out of a document where the whole of it is too long. */
export interface Cut<T> {
  readonly what: string;
  readonly cut: (document: T) => T;
}

/** A document as text within a bound, compressed where plain text is too long, and what was left out of it. */
export type BoundedText = { readonly omitted: readonly string[] } & (
  | { readonly plain: string }
  | { readonly gzipped: Buffer }
);

/** JSON of simulations shrinks to a fifth or less; what is longer than this is not worth the try. */
const LONGEST_RATIO = 32;

/**
 * @param rough about how many bytes the document's JSON has, without making it: a text of a gigabyte is not made to be thrown away
 * @param cuts in the order in which they are made
 * @param most bytes
 * @returns undefined if it is too long with all cuts made
 */
export const boundedText = async <T extends object>(
  document: T,
  rough: (document: T) => number,
  cuts: readonly Cut<T>[],
  most: number,
): Promise<BoundedText | undefined> => {
  let [rest, omitted]: [T, string[]] = [document, []];
  for (const next of [...cuts, undefined]) {
    if (rough(rest) <= most * LONGEST_RATIO) {
      const whole = omitted.length === 0 ? rest : { ...rest, omitted };
      const plain = `${JSON.stringify(whole)}\n`;
      if (Buffer.byteLength(plain) <= most) return { omitted, plain };
      const gzipped = await compress(plain);
      if (gzipped.length <= most) return { omitted, gzipped };
    }
    if (next === undefined) break;
    [rest, omitted] = [next.cut(rest), [...omitted, next.what]];
  }
  return undefined;
};

/** Of a list whose entries are much alike. */
export const roughBytes = (list: readonly unknown[]): number =>
  list.length === 0 ? 0 : list.length * JSON.stringify(list[0]).length;
