/** Pairs of numbers: keys and values, in the order they stand. */
export interface NumberPairs {
  readonly keys: readonly number[];
  readonly values: readonly number[];
}

const NUMBER = /\s*(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*/y;

/**
 * Reads a Python dict literal of numbers, `{39: 0.00036, 40: 1.8e-05}`, without running it.
 * @returns undefined if it is anything else
 */
export const numberPairs = (text: string): NumberPairs | undefined => {
  const keys: number[] = [];
  const values: number[] = [];
  let at = text.search(/\S/);
  if (at < 0 || text[at] !== "{") return undefined;
  at += 1;
  const number = (): number | undefined => {
    NUMBER.lastIndex = at;
    const found = NUMBER.exec(text);
    if (found === null) return undefined;
    at = NUMBER.lastIndex;
    return Number(found[1]);
  };
  for (;;) {
    const key = number();
    if (key === undefined) break;
    if (text[at] !== ":") return undefined;
    at += 1;
    const value = number();
    if (value === undefined) return undefined;
    keys.push(key);
    values.push(value);
    if (text[at] !== ",") break;
    at += 1;
  }
  return /^\s*\}\s*$/.test(text.slice(at)) ? { keys, values } : undefined;
};
