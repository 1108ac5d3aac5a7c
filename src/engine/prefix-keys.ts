import type { SharedPrefix } from "../model/request.ts";
import { hash32, mix32 } from "../sim/rng.ts";

/**
 * Names of the KV blocks that a request may share. vLLM hashes each full block's tokens together with the block before;
 * without tokens any name does that is equal exactly where the tokens are (design notes 1.7). Names are 52-bit hashes,
 * negative, so that they never meet a private name: two of a million live blocks collide once in 10 000 runs.
 */
export class PrefixKeys {
  /** Leading full blocks that may be shared. */
  readonly count: number;
  readonly #prefix: SharedPrefix | undefined;
  readonly #blockSize: number;
  /** Two 32-bit lanes per id of the chain, or the two lanes of the group. */
  readonly #lanes: Uint32Array;

  constructor(prefix: SharedPrefix | undefined, promptTokens: number, blockSize: number) {
    this.#prefix = prefix;
    this.#blockSize = blockSize;
    const shared =
      prefix === undefined ? 0 : prefix.kind === "group" ? prefix.tokens : prefix.ids.length * prefix.blockTokens;
    this.count = Math.floor(Math.min(shared, promptTokens) / blockSize);
    this.#lanes = this.count === 0 ? NONE : lanesOf(prefix as SharedPrefix);
  }

  /** @param index below `count` */
  at(index: number): number {
    const chained = this.#prefix?.kind === "blocks" ? this.#lastId(index, this.#prefix.blockTokens) : 0;
    const high = mix32(this.#lanes[2 * chained] as number, index) >>> 0;
    const low = mix32(this.#lanes[2 * chained + 1] as number, index) >>> 12;
    return -(high * 2 ** 20 + low) - 1;
  }

  /** Which id of the chain the block's last token lies in. */
  #lastId(index: number, blockTokens: number): number {
    return Math.floor(((index + 1) * this.#blockSize - 1) / blockTokens);
  }
}

const NONE = new Uint32Array(0);

const lanesOf = (prefix: SharedPrefix): Uint32Array => {
  if (prefix.kind === "group") return Uint32Array.of(hash32(prefix.key), hash32(prefix.key, 0x9e3779b9));
  const lanes = new Uint32Array(2 * prefix.ids.length);
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  prefix.ids.forEach((id, i) => {
    const upper = Math.floor(id / 2 ** 32);
    a = mix32(mix32(a, id), upper);
    b = mix32(mix32(b, upper), id);
    lanes[2 * i] = a;
    lanes[2 * i + 1] = b;
  });
  return lanes;
};
