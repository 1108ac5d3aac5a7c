/** Order of texts by UTF-16 units, which no locale changes; for `sort`. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
