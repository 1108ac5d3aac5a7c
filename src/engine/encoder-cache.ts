import type { EncoderItem } from "../model/request.ts";
import type { Sequence } from "./sequence.ts";

interface Entry {
  readonly tokens: number;
  readonly holders: Set<Sequence>;
}

/** What a step would encode for one sequence, and how many tokens it may compute with that. */
export interface EncoderPlan {
  readonly tokens: number;
  /** Indices of the items to encode. */
  readonly items: readonly number[];
  /** Their tokens. */
  readonly cost: number;
}

/**
 * Encodings of images and the like, kept from the step that makes them until the tokens they stand for are computed,
 * and longer while there is room: items of the same id are encoded once.
 * Source: vllm/v1/core/encoder_cache_manager.py and Scheduler._try_schedule_encoder_inputs (May 2026).
 */
export class EncoderCache {
  readonly #size: number;
  readonly #entries = new Map<string, Entry>();
  /** Ids of entries that nobody holds, the oldest first. */
  readonly #freeable = new Set<string>();
  #held = 0;

  /** @param size tokens */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Cuts `tokens` new tokens of a sequence to where its encodings reach. Those that are there are held from now on, and
   * room is made for those to come.
   * @param budget tokens that may still be encoded in this step
   */
  plan(sequence: Sequence, computed: number, tokens: number, budget: number): EncoderPlan {
    const items: number[] = [];
    let cost = 0;
    for (const [index, { offset, tokens: length }] of sequence.encoderItems.entries()) {
      if (offset >= computed + tokens) break;
      if (offset + length <= computed) continue;
      const id = idOf(sequence, index);
      if (this.#hold(id, sequence) || items.some((other) => idOf(sequence, other) === id)) continue;
      if (length + cost > budget || this.#held + cost + length > this.#size) {
        return { tokens: Math.max(0, offset - computed), items, cost };
      }
      items.push(index);
      cost += length;
      this.#makeRoom(cost);
    }
    return { tokens, items, cost };
  }

  /** Items of a plan are encoded. */
  encode(sequence: Sequence, items: readonly number[]): void {
    for (const index of items) {
      const { tokens } = sequence.encoderItems[index] as { readonly tokens: number };
      this.#entries.set(idOf(sequence, index), { tokens, holders: new Set([sequence]) });
      this.#held += tokens;
    }
  }

  /** A sequence lets go of the encodings whose tokens are among its first `computed`. */
  passed(sequence: Sequence, computed: number): void {
    const items = sequence.encoderItems;
    for (let index = 0; index < items.length; index += 1) {
      const { offset, tokens } = items[index] as EncoderItem;
      if (offset + tokens <= computed) this.#release(idOf(sequence, index), sequence);
    }
  }

  /** A sequence lets go of all. */
  free(sequence: Sequence): void {
    this.passed(sequence, Number.POSITIVE_INFINITY);
  }

  #hold(id: string, sequence: Sequence): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    if (entry.holders.size === 0) {
      this.#freeable.delete(id);
      this.#held += entry.tokens;
    }
    entry.holders.add(sequence);
    return true;
  }

  #release(id: string, sequence: Sequence): void {
    const entry = this.#entries.get(id);
    if (!entry?.holders.delete(sequence) || entry.holders.size > 0) return;
    this.#freeable.add(id);
    this.#held -= entry.tokens;
  }

  #makeRoom(tokens: number): void {
    let all = this.#held;
    for (const id of this.#freeable) all += (this.#entries.get(id) as Entry).tokens;
    for (const id of this.#freeable) {
      if (all + tokens <= this.#size) return;
      all -= (this.#entries.get(id) as Entry).tokens;
      this.#freeable.delete(id);
      this.#entries.delete(id);
    }
  }
}

const idOf = ({ order, encoderItems }: Sequence, index: number): string =>
  encoderItems[index]?.id ?? `${order}/${index}`;
