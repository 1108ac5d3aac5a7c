import type { EncoderItem, Request } from "../../src/model/request.ts";
import { invariant } from "../../src/sim/invariant.ts";
import type { Sequence } from "./sequence.ts";

interface Encoding {
  readonly tokens: number;
  readonly holders: Set<Sequence>;
}

/** What of a chunk can be computed with the encodings at hand and those that this step may make. */
export interface EncoderPlan {
  readonly tokens: number;
  /** To be encoded, once there are KV blocks for the chunk. */
  readonly items: readonly EncoderItem[];
}

/**
 * Encodings of images and the like. One without a holder stays until its room is needed; the one given up first goes
 * first. Sources: vllm/v1/core/encoder_cache_manager.py, Scheduler._try_schedule_encoder_inputs (May 2026).
 */
export class EncoderCache {
  readonly #size: number;
  readonly #byId = new Map<string, Encoding>();
  /** Ids without a holder, the one given up first first. */
  #idle: string[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Tokens of encodings that somebody holds. */
  get held(): number {
    return sum([...this.#byId.values()].filter((one) => one.holders.size > 0).map((one) => one.tokens));
  }

  get used(): number {
    return sum([...this.#byId.values()].map((one) => one.tokens));
  }

  /**
   * Of the `tokens` tokens after `start`, those before the first item that is neither there nor can be encoded. Items that
   * are there are held from now on, and room is made for those to be encoded.
   */
  plan(sequence: Sequence, start: number, tokens: number, budget: number): EncoderPlan {
    const items: EncoderItem[] = [];
    const planned = new Map<string, number>();
    for (const [index, item] of itemsOf(sequence.request).entries()) {
      if (item.offset >= start + tokens) break;
      if (item.offset + item.tokens <= start) continue;
      const id = idOf(sequence, index);
      if (planned.has(id)) continue;
      if (this.#hold(sequence, id)) continue;
      const before = sum([...planned.values()]);
      if (before + item.tokens > budget || !this.#makeRoom(before + item.tokens)) {
        return { tokens: Math.max(0, item.offset - start), items };
      }
      planned.set(id, item.tokens);
      items.push(item);
    }
    return { tokens, items };
  }

  encode(sequence: Sequence, items: readonly EncoderItem[]): void {
    for (const [index, item] of itemsOf(sequence.request).entries()) {
      if (items.includes(item)) {
        this.#byId.set(idOf(sequence, index), { tokens: item.tokens, holders: new Set([sequence]) });
      }
    }
  }

  /** Gives up the items whose tokens are computed. */
  releasePassed(sequence: Sequence): void {
    for (const [index, { offset, tokens }] of itemsOf(sequence.request).entries()) {
      if (offset + tokens <= sequence.computed) this.#giveUp(sequence, idOf(sequence, index));
    }
  }

  releaseAll(sequence: Sequence): void {
    for (const index of itemsOf(sequence.request).keys()) this.#giveUp(sequence, idOf(sequence, index));
  }

  /** @param holders all sequences that may hold encodings @throws if others do, or too much is kept */
  audit(holders: readonly Sequence[]): void {
    invariant(this.used <= this.#size, "encodings fit their cache");
    const idle = [...this.#byId].filter(([, encoding]) => encoding.holders.size === 0).map(([id]) => id);
    invariant(idle.sort().join() === [...this.#idle].sort().join(), "encodings that nobody holds stand in line");
    for (const encoding of this.#byId.values()) {
      for (const holder of encoding.holders) invariant(holders.includes(holder), "only those who run hold encodings");
    }
  }

  #hold(sequence: Sequence, id: string): boolean {
    const encoding = this.#byId.get(id);
    if (encoding === undefined) return false;
    encoding.holders.add(sequence);
    this.#idle = this.#idle.filter((other) => other !== id);
    return true;
  }

  #giveUp(sequence: Sequence, id: string): void {
    const encoding = this.#byId.get(id);
    if (encoding?.holders.delete(sequence) && encoding.holders.size === 0) this.#idle.push(id);
  }

  #makeRoom(tokens: number): boolean {
    if (tokens > this.#size - this.held) return false;
    while (tokens > this.#size - this.used) this.#byId.delete(this.#idle.shift() as string);
    return true;
  }
}

export const itemsOf = ({ encoderItems = [] }: Request): readonly EncoderItem[] => encoderItems;

const idOf = ({ request, order }: Sequence, index: number): string => {
  const id = itemsOf(request)[index]?.id;
  return id === undefined ? `request ${order} item ${index}` : `id ${id}`;
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
