import * as z from "zod";
import type { Ask } from "../ask.ts";
import { alike, integersFor } from "../columns.ts";
import type { PrefixMatch } from "../knowledge.ts";
import { type Scorer, scorer } from "../scorer.ts";

/**
 * Spreads requests that nobody holds anything of: never-used endpoints first, then the least recently used,
 * 1 - rank / (n - 1), at least 0; a single candidate scores 1. Where any candidate holds a block, 0.5 for all.
 * Ranks count endpoints that are no candidates too. Only cold requests move their endpoints (also that of the profile
 * `prefill`) to the end of the line (llm-d-router v0.9).
 */
export const noHitLru = scorer({
  name: "no-hit-lru-scorer",
  summary: "spread requests that hit no cache over the least recently used endpoints",
  params: () =>
    z.object({
      lruSize: z.int().default(1024).meta({ description: "Endpoints remembered; 0 or less: the default." }),
      prefixMatchInfoProducerName: z.string().optional().meta({ description: "Producer of the matches." }),
      prefixPluginType: z.string().optional().meta({ description: "Ignored." }),
      prefixPluginName: z.string().optional().meta({ description: "Ignored." }),
    }),
  create: ({ lruSize, prefixMatchInfoProducerName }, { knowledge }) =>
    new NoHitLru(knowledge.prefix(prefixMatchInfoProducerName), lruSize > 0 ? lruSize : 1024),
});

class NoHitLru implements Scorer {
  readonly #prefix: PrefixMatch;
  readonly #size: number;
  /** Names, least recently used first. */
  readonly #used = new Set<string>();
  /** Place in line by slot, 1 for the first; 0: never used. */
  #places = new Int32Array(8);
  /** Slots by name, of endpoints that came by. */
  readonly #slots = new Map<string, number>();
  #stale = false;
  /** The last decision whose request was cold. */
  #cold = -1;
  readonly blind = true;

  constructor(prefix: PrefixMatch, size: number) {
    this.#prefix = prefix;
    this.#size = size;
  }

  score(ask: Ask, into: Float64Array): void {
    const cold = this.#isCold(ask);
    this.#cold = cold ? ask.decision : -1;
    if (!cold) return alike(ask, into, 0.5);
    if (ask.count === 1) return alike(ask, into, 1);
    this.#line(ask);
    const { kept, count, slots } = ask;
    let unused = 0;
    for (let k = 0; k < count; k += 1) {
      const at = kept[k] as number;
      if (this.#places[slots[at] as number] === 0) into[at] = 1 - unused++ / (count - 1);
    }
    for (let k = 0; k < count; k += 1) {
      const at = kept[k] as number;
      const place = this.#places[slots[at] as number] as number;
      if (place > 0) into[at] = Math.max(0, 1 - (unused + place - 1) / (count - 1));
    }
  }

  placed(ask: Ask, { primary, prefill }: { readonly primary: number; readonly prefill: number }): void {
    if (this.#cold !== ask.decision) return;
    this.#use(ask, primary);
    if (prefill >= 0) this.#use(ask, prefill);
  }

  left(_slot: number, name: string): void {
    this.#slots.delete(name);
    this.#stale = true;
  }

  #isCold({ kept, count }: Ask): boolean {
    const { matched } = this.#prefix;
    for (let k = 0; k < count; k += 1) if ((matched[kept[k] as number] as number) > 0) return false;
    return true;
  }

  #use(ask: Ask, position: number): void {
    const { name } = ask.endpoints[position] as (typeof ask.endpoints)[number];
    this.#slots.set(name, ask.slots[position] as number);
    this.#used.delete(name);
    this.#used.add(name);
    if (this.#used.size > this.#size) {
      for (const oldest of this.#used) {
        this.#used.delete(oldest);
        break;
      }
    }
    this.#stale = true;
  }

  /** Places change with each cold request, so they are written down once per change. */
  #line(ask: Ask): void {
    let highest = 0;
    for (let at = 0; at < ask.endpoints.length; at += 1) highest = Math.max(highest, ask.slots[at] as number);
    const places = integersFor(this.#places, highest + 1);
    if (places === this.#places && !this.#stale) return;
    this.#places = places;
    this.#stale = false;
    places.fill(0);
    let place = 0;
    for (const name of this.#used) {
      place += 1;
      const slot = this.#slots.get(name);
      if (slot !== undefined && slot < places.length) places[slot] = place;
    }
  }
}
