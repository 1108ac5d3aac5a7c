/** A stream of chance. Its numbers depend on the seed and the stream's name alone, never on who drew before. */
export interface Rng {
  /** @returns uniform in [0, 1), 53 bits */
  next(): number;
  /** @returns a whole number, uniform in [0, below) */
  below(below: number): number;
}

export interface Streams {
  stream(name: string): Rng;
}

/** Seeds every stream of a run. Names are ids ("workload/chat"), not counters. */
export const rngOf = (seed: number): Streams => ({
  stream: (name) => new Sfc32(seed, name),
});

/** FNV-1a with a final mix (MurmurHash3), 32 bits. Not for secrets. */
export const hash32 = (text: string, basis = 0x811c9dc5): number => {
  let h = basis | 0;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded by the seed's two halves and two hashes of the name. */
class Sfc32 implements Rng {
  /** Words of 32 bits: as fields or variables, V8 would take their sums for doubles. */
  readonly #state: Int32Array;

  constructor(seed: number, name: string) {
    this.#state = Int32Array.of(seed, Math.floor(seed / 2 ** 32) ^ hash32(name), hash32(name, 0x9e3779b9), 1);
    for (let i = 0; i < 15; i += 1) this.#bits();
  }

  next(): number {
    return ((this.#bits() >>> 5) * 67108864 + (this.#bits() >>> 6)) / 9007199254740992;
  }

  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  #bits(): number {
    const state = this.#state;
    const a = state[0] as number;
    const b = state[1] as number;
    const c = state[2] as number;
    const d = state[3] as number;
    const sum = (((a + b) | 0) + d) | 0;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    state[3] = d + 1;
    return sum >>> 0;
  }
}

/** Folds a 32-bit word into a 32-bit lane (MurmurHash3's step and finaliser). */
export const mix32 = (lane: number, word: number): number => {
  let h = lane ^ Math.imul((word << 15) ^ (word >>> 17) ^ Math.imul(word, 0xcc9e2d51), 0x1b873593);
  h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
};
