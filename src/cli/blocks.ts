/** What a report says, before it is Markdown or a page. */
export type Block =
  | { readonly kind: "heading"; readonly level: 1 | 2 | 3; readonly text: string }
  | { readonly kind: "text"; readonly text: string; readonly strong?: boolean }
  | { readonly kind: "list"; readonly items: readonly string[] }
  /** `text`: columns that are words; the others are figures. */
  | {
      readonly kind: "table";
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
      readonly words: readonly number[];
    }
  | Chart;

/** Lines over simulated time, all with one value per instant. */
export interface Chart {
  readonly kind: "chart";
  readonly title: string;
  readonly atSeconds: readonly number[];
  readonly bucketSeconds: number;
  readonly lines: readonly { readonly name: string; readonly values: readonly number[] }[];
  /** Values hold for their whole bucket. */
  readonly steps: boolean;
}

/** All columns but these are figures. */
export const tableBlock = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  words: readonly number[] = [0],
): Block => ({ kind: "table", head, rows, words });

export const heading = (level: 1 | 2 | 3, text: string): Block => ({ kind: "heading", level, text });
export const textBlock = (text: string, strong = false): Block => ({
  kind: "text",
  text,
  ...(strong ? { strong } : {}),
});
/** @returns nothing where there is nothing to list */
export const listBlock = (title: string, items: readonly string[]): readonly Block[] =>
  items.length === 0 ? [] : [heading(3, title), { kind: "list", items }];
