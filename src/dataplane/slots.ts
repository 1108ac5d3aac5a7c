import type { Endpoint } from "../model/endpoint.ts";
import { integersFor } from "./columns.ts";

/** Small numbers for endpoints, each its own until it leaves. */
export class Slots {
  readonly #bySlot: (string | undefined)[] = [];
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  #list: readonly Endpoint[] | undefined;
  #length = 0;
  #column = new Int32Array(8);
  /** By slot, the position in the list; -1: the slot is of none of these. */
  positions = new Int32Array(8);

  /** @returns the endpoint's slot, a new one if it has none */
  take(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#free.pop() ?? this.#bySlot.length;
    this.#bySlot[slot] = name;
    this.#slots.set(name, slot);
    this.#list = undefined;
    return slot;
  }

  has(name: string): boolean {
    return this.#slots.has(name);
  }

  /** @returns the slot that it had; it may be another's from now on */
  give(name: string): number | undefined {
    const slot = this.#slots.get(name);
    if (slot === undefined) return undefined;
    this.#slots.delete(name);
    this.#bySlot[slot] = undefined;
    this.#free.push(slot);
    this.#list = undefined;
    return slot;
  }

  /** Whether these are the endpoints of the call before, and nobody has come or gone since. */
  isSame(endpoints: readonly Endpoint[]): boolean {
    return endpoints === this.#list && endpoints.length === this.#length;
  }

  /** @returns the slots of these endpoints, by position; as long as nobody comes or goes the same list is not looked through again */
  of(endpoints: readonly Endpoint[]): Int32Array {
    if (this.isSame(endpoints)) return this.#column;
    this.#column = integersFor(this.#column, endpoints.length);
    for (let at = 0; at < endpoints.length; at += 1) this.#column[at] = this.take((endpoints[at] as Endpoint).name);
    this.positions = integersFor(this.positions, this.#bySlot.length).fill(-1);
    for (let at = 0; at < endpoints.length; at += 1) this.positions[this.#column[at] as number] = at;
    // Last: whoever was new has made the list stale.
    this.#list = endpoints;
    this.#length = endpoints.length;
    return this.#column;
  }
}
