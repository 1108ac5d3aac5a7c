import { hash32, mix32 } from "../sim/rng.ts";
import { START } from "../sim/time.ts";
import type { RequestHead, SharedPrefix } from "./request.ts";

/**
 * Names of the KV blocks that a request may share. Blocks whose names come of the same two lanes are one strand, so that
 * names are equal exactly where strand and index are. vLLM hashes each full block's tokens together with the block before,
 * the adapter and the cache salt; without tokens any name does that is equal exactly where those are (design notes 1.7).
 * Names are 52-bit hashes: two of a million live blocks collide once in 10 000 runs.
 */
export class PrefixKeys {
  /** Blocks before this one have names that others may know: those of the prefix, or all of a conversation. */
  readonly limit: number;
  readonly #prefix: SharedPrefix | undefined;
  readonly #blockSize: number;
  /** Leading full blocks of the prefix. */
  readonly #inPrefix: number;
  /** Two 32-bit lanes per id of the chain, or the two lanes of the group. */
  readonly #lanes: Uint32Array;
  readonly #conversation: Uint32Array;
  /** The one strand of a group's prefix; 0: there is none. */
  readonly #groupStrand: number;

  constructor(request: RequestHead, blockSize: number) {
    const { prefix, conversation, promptTokens } = request;
    this.#prefix = prefix;
    this.#blockSize = blockSize;
    const tokens =
      prefix === undefined ? 0 : prefix.kind === "group" ? prefix.tokens : prefix.ids.length * prefix.blockTokens;
    this.#inPrefix = Math.floor(Math.min(tokens, promptTokens) / blockSize);
    this.limit = conversation === undefined ? this.#inPrefix : Number.POSITIVE_INFINITY;
    const apart = this.limit === 0 ? "" : [request.cacheSalt ?? "", request.adapter ?? ""].join("\n");
    this.#lanes = this.#inPrefix === 0 ? NONE : lanesOf(prefix as SharedPrefix, apart);
    this.#conversation = conversation === undefined ? NONE : textLanes(`conversation ${conversation}`, apart);
    this.#groupStrand = this.#inPrefix > 0 && prefix?.kind === "group" ? this.#chainStrand(0) : 0;
  }

  /** @param index below `limit` @returns never 0 */
  at(index: number): number {
    return nameOf(mix32(this.#lane(index, 0), index), mix32(this.#lane(index, 1), index));
  }

  /** The strand of block `index`: equal where the strands are. */
  strandOf(index: number): number {
    return this.#groupStrand > 0 && index < this.#inPrefix ? this.#groupStrand : this.#chainStrand(index);
  }

  #chainStrand(index: number): number {
    return nameOf(this.#lane(index, 0), this.#lane(index, 1));
  }

  /** The first block after `index` that is of another strand, at most `limit`. */
  strandEnd(index: number): number {
    if (index >= this.#inPrefix) return this.limit;
    if (this.#prefix?.kind !== "blocks") return this.#inPrefix;
    const { blockTokens } = this.#prefix;
    const last = this.#lastId(index, blockTokens);
    return Math.min(this.#inPrefix, Math.floor(((last + 1) * blockTokens) / this.#blockSize));
  }

  /** Hands on the blocks before `limit`, strand by strand. */
  eachStrand(limit: number, hear: (strand: number, from: number, to: number) => void): void {
    for (let at = 0; at < limit; ) {
      const to = Math.min(limit, this.strandEnd(at));
      hear(this.strandOf(at), at, to);
      at = to;
    }
  }

  /** One of the two lanes of block `index`'s strand. */
  #lane(index: number, lane: 0 | 1): number {
    const lanes = index < this.#inPrefix ? this.#lanes : this.#conversation;
    const chained = index < this.#inPrefix && this.#prefix?.kind === "blocks";
    const pair = chained ? this.#lastId(index, this.#prefix.blockTokens) : 0;
    return lanes[2 * pair + lane] as number;
  }

  /** Which id of the chain the block's last token lies in. */
  #lastId(index: number, blockTokens: number): number {
    return Math.floor(((index + 1) * this.#blockSize - 1) / blockTokens);
  }
}

const NONE = new Uint32Array(0);

/** Names of a request's blocks. Requests with one and the same prefix object, salt and adapter are given the same names. */
export const prefixKeys = (request: RequestHead, blockSize: number): PrefixKeys => {
  const { prefix, conversation } = request;
  if (conversation !== undefined) return new PrefixKeys(request, blockSize);
  if (prefix === undefined) return NOTHING_SHARED;
  // A whole one is the same for every prompt that begins with it.
  return prefix.kind === "group" && prefix.tokens <= request.promptTokens
    ? keysOfGroup(request, prefix, blockSize)
    : new PrefixKeys(request, blockSize);
};

interface GroupKeys {
  readonly blockSize: number;
  readonly cacheSalt: string | undefined;
  readonly adapter: string | undefined;
  readonly keys: PrefixKeys;
}

/** By prefix: its keys for each block size, salt and adapter that it was asked with. They are a function of these alone. */
const groups = new WeakMap<SharedPrefix, GroupKeys[]>();

const keysOfGroup = (request: RequestHead, prefix: SharedPrefix, blockSize: number): PrefixKeys => {
  const { cacheSalt, adapter } = request;
  let known = groups.get(prefix);
  if (known === undefined) groups.set(prefix, (known = []));
  for (const one of known) {
    if (one.blockSize === blockSize && one.cacheSalt === cacheSalt && one.adapter === adapter) return one.keys;
  }
  const keys = new PrefixKeys(request, blockSize);
  if (known.length < MOST_PER_GROUP) known.push({ blockSize, cacheSalt, adapter, keys });
  return keys;
};

/** Salts may be as many as requests. */
const MOST_PER_GROUP = 8;

const nameOf = (high: number, low: number): number => (high >>> 0) * 2 ** 20 + (low >>> 12) + 1;

const textLanes = (text: string, apart: string): Uint32Array =>
  Uint32Array.of(hash32(text, hash32(apart)), hash32(text, hash32(apart, 0x9e3779b9)));

const lanesOf = (prefix: SharedPrefix, apart: string): Uint32Array => {
  if (prefix.kind === "group") return textLanes(prefix.key, apart);
  const lanes = new Uint32Array(2 * prefix.ids.length);
  let [a, b] = [hash32(apart), hash32(apart, 0x9e3779b9)];
  prefix.ids.forEach((id, i) => {
    const upper = Math.floor(id / 2 ** 32);
    a = mix32(mix32(a, id), upper);
    b = mix32(mix32(b, upper), id);
    lanes[2 * i] = a;
    lanes[2 * i + 1] = b;
  });
  return lanes;
};

const NOTHING_SHARED = new PrefixKeys({ id: 0, arrival: START, promptTokens: 0 }, 1);
