import type { Ask } from "./ask.ts";

/** @returns the same column, or a longer one where it is too short; its old values are not kept */
export const numbersFor = (column: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> =>
  column.length >= length ? column : new Float64Array(grown(length));

/** @returns the same column, or a longer one where it is too short; its old values are not kept */
export const integersFor = (column: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> =>
  column.length >= length ? column : new Int32Array(grown(length));

const grown = (length: number): number => 2 ** Math.ceil(Math.log2(Math.max(length, 8)));

/** Puts what is known by slot by position: 0 where nothing is. */
export const byPosition = (bySlot: Int32Array, slots: Int32Array, length: number, into: Int32Array): void => {
  const known = bySlot.length;
  for (let at = 0; at < length; at += 1) {
    const slot = slots[at] as number;
    into[at] = slot < known ? (bySlot[slot] as number) : 0;
  }
};

/** (max - value) / (max - min); 1 where all are equal. */
export const inverted = (value: number, least: number, most: number): number => {
  const range = most - least;
  return range === 0 ? 1 : (most - value) / range;
};

/** Turns the candidates' raw values into (value - min) / (max - min); 1 for all where they are equal. */
export const minMax = (ask: Ask, into: Float64Array): void => {
  const { kept, count } = ask;
  const least = minOf(ask, into);
  const range = maxOf(ask, into) - least;
  if (range === 0) return alike(ask, into, 1);
  for (let k = 0; k < count; k += 1) {
    const at = kept[k] as number;
    into[at] = ((into[at] as number) - least) / range;
  }
};

export const minOf = ({ kept, count }: Ask, values: Float64Array): number => {
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < count; k += 1) {
    const value = values[kept[k] as number] as number;
    if (value < least) least = value;
  }
  return least;
};

export const maxOf = ({ kept, count }: Ask, values: Float64Array): number => {
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < count; k += 1) {
    const value = values[kept[k] as number] as number;
    if (value > most) most = value;
  }
  return most;
};

/** Gives every candidate the same score. */
export const alike = ({ kept, count }: Ask, into: Float64Array, score: number): void => {
  for (let k = 0; k < count; k += 1) into[kept[k] as number] = score;
};
