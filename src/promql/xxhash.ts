const MASK = (1n << 64n) - 1n;
const PRIMES = [
  11400714785074694791n,
  14029467366897019727n,
  1609587929392839161n,
  9650029242287828579n,
  2870177450012600261n,
];
const [P1, P2, P3, P4, P5] = PRIMES as [bigint, bigint, bigint, bigint, bigint];

const rotate = (value: bigint, bits: bigint): bigint => ((value << bits) | (value >> (64n - bits))) & MASK;
const round = (lane: bigint, input: bigint): bigint => (rotate((lane + input * P2) & MASK, 31n) * P1) & MASK;

/** XXH64 with seed 0. Source: Collet, xxHash specification 0.1.1; as cespare/xxhash v2 computes it. */
export const xxhash64 = (bytes: readonly number[]): bigint => {
  const word = (at: number, size: number): bigint => {
    let value = 0n;
    for (let i = size - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(bytes[at + i] as number);
    return value;
  };
  let at = 0;
  let hash = P5;
  if (bytes.length >= 32) {
    const lanes = [(P1 + P2) & MASK, P2, 0n, (MASK + 1n - P1) & MASK];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let k = 0; k < 4; k += 1) lanes[k] = round(lanes[k] as bigint, word(at + 8 * k, 8));
    }
    hash = [1n, 7n, 12n, 18n].reduce((sum, bits, k) => (sum + rotate(lanes[k] as bigint, bits)) & MASK, 0n);
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * P1 + P4) & MASK;
  }
  hash = (hash + BigInt(bytes.length)) & MASK;
  for (; at + 8 <= bytes.length; at += 8) hash = (rotate(hash ^ round(0n, word(at, 8)), 27n) * P1 + P4) & MASK;
  for (; at + 4 <= bytes.length; at += 4) hash = (rotate(hash ^ ((word(at, 4) * P1) & MASK), 23n) * P2 + P3) & MASK;
  for (; at < bytes.length; at += 1) hash = (rotate(hash ^ ((word(at, 1) * P5) & MASK), 11n) * P1) & MASK;
  hash = ((hash ^ (hash >> 33n)) * P2) & MASK;
  hash = ((hash ^ (hash >> 29n)) * P3) & MASK;
  return hash ^ (hash >> 32n);
};
