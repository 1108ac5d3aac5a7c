import type { Endpoint } from "../model/endpoint.ts";

export interface Assignable {
  readonly id: number;
  /** Names of the prompt's blocks, in order. */
  readonly blocks: readonly number[];
}

export interface AssignBy {
  /** Most requests of one prompt per endpoint. */
  readonly perEndpoint: number;
  /** Leading blocks that different prompts must share to go together; 0: they never do. */
  readonly minShared: number;
  /** Whether blocks are spread evenly, or requests. */
  readonly byBlocks: boolean;
}

/** Requests with the same blocks. */
interface Group {
  readonly ids: number[];
  readonly blocks: readonly number[];
}

/**
 * Which endpoint each request of a window goes to, of those that have a prompt (or with `minShared` its beginning) in
 * common: groups first, then single requests, each the longest first, to an endpoint of fair share that has most of its
 * beginning, else to the one with least of the window, then fewest running, then by name (llm-d-router v0.9, burstprefix).
 */
export const assign = (
  entries: readonly Assignable[],
  endpoints: readonly Endpoint[],
  by: AssignBy,
): Map<number, Endpoint> => {
  const groups = grouped(entries);
  const shared = sharedBeginnings(groups, by.minShared);
  const byLength = (a: Group, b: Group): number => b.blocks.length - a.blocks.length;
  const pairs = groups.filter(({ ids }) => ids.length >= 2).sort(byLength);
  const singles = groups.filter((group) => group.ids.length === 1 && shared.has(group)).sort(byLength);
  const units = [...pairs, ...singles];
  const window = new Window(endpoints, by, units);
  for (const unit of endpoints.length === 0 ? [] : units) window.place(unit);
  return window.found;
};

const grouped = (entries: readonly Assignable[]): Group[] => {
  const groups = new Map<string, Group>();
  for (const { id, blocks } of entries) {
    if (blocks.length === 0) continue;
    const key = blocks.join();
    const group = groups.get(key) ?? { ids: [], blocks };
    group.ids.push(id);
    groups.set(key, group);
  }
  return [...groups.values()];
};

const sharedBeginnings = (groups: readonly Group[], blocks: number): ReadonlySet<Group> => {
  const long = blocks <= 0 ? [] : groups.filter((group) => group.blocks.length >= blocks);
  const beginning = (group: Group): string => group.blocks.slice(0, blocks).join();
  const counts = new Map<string, number>();
  for (const group of long) counts.set(beginning(group), (counts.get(beginning(group)) ?? 0) + group.ids.length);
  return new Set(long.filter((group) => (counts.get(beginning(group)) ?? 0) >= 2));
};

/** One window's placements. */
class Window {
  readonly found = new Map<number, Endpoint>();
  readonly #endpoints: readonly Endpoint[];
  readonly #by: AssignBy;
  readonly #fairShare: number;
  readonly #load = new Map<Endpoint, number>();
  readonly #holders = new Map<number, Set<Endpoint>>();

  constructor(endpoints: readonly Endpoint[], by: AssignBy, units: readonly Group[]) {
    this.#endpoints = endpoints;
    this.#by = by;
    const total = units.reduce((sum, { ids, blocks }) => sum + (by.byBlocks ? blocks.length : ids.length), 0);
    this.#fairShare = Math.ceil(total / endpoints.length);
  }

  place({ ids, blocks }: Group): void {
    const matches = this.#by.minShared > 0 || this.#by.byBlocks ? this.#matches(blocks) : new Map<Endpoint, number>();
    const here = new Map<Endpoint, number>();
    for (let at = 0; at < ids.length; ) {
      const target = (at === 0 && this.#bestMatch(matches)) || this.#least(here);
      const before = here.get(target) ?? 0;
      const run = Math.min(ids.length - at, Math.max(1, this.#by.perEndpoint - before));
      for (const id of ids.slice(at, at + run)) this.found.set(id, target);
      here.set(target, before + run);
      const more = !this.#by.byBlocks ? run : before > 0 ? 0 : Math.max(0, blocks.length - (matches.get(target) ?? 0));
      this.#load.set(target, this.#loadOf(target) + more);
      at += run;
    }
    for (const block of blocks) {
      const holders = this.#holders.get(block) ?? new Set();
      for (const endpoint of here.keys()) holders.add(endpoint);
      this.#holders.set(block, holders);
    }
  }

  #loadOf(endpoint: Endpoint): number {
    return this.#load.get(endpoint) ?? 0;
  }

  /** Blocks placed there in this window, up to the first that was placed nowhere. */
  #matches(blocks: readonly number[]): Map<Endpoint, number> {
    const matches = new Map<Endpoint, number>();
    for (const block of blocks) {
      const holders = this.#holders.get(block);
      if (holders === undefined) break;
      for (const endpoint of holders) matches.set(endpoint, (matches.get(endpoint) ?? 0) + 1);
    }
    return matches;
  }

  #bestMatch(matches: ReadonlyMap<Endpoint, number>): Endpoint | undefined {
    if (this.#by.minShared <= 0) return undefined;
    let best: Endpoint | undefined;
    for (const endpoint of this.#endpoints) {
      const match = matches.get(endpoint) ?? 0;
      if (match < this.#by.minShared || this.#loadOf(endpoint) >= this.#fairShare) continue;
      const most = best === undefined ? -1 : (matches.get(best) ?? 0);
      if (best === undefined || match > most || (match === most && this.#isLess(endpoint, best))) best = endpoint;
    }
    return best;
  }

  #least(here: ReadonlyMap<Endpoint, number>): Endpoint {
    const open = this.#endpoints.filter((endpoint) => (here.get(endpoint) ?? 0) < this.#by.perEndpoint);
    return (open.length > 0 ? open : this.#endpoints).reduce((a, b) => (this.#isLess(b, a) ? b : a));
  }

  #isLess(a: Endpoint, b: Endpoint): boolean {
    const load = this.#loadOf(a) - this.#loadOf(b);
    if (load !== 0) return load < 0;
    return a.running === b.running ? a.name < b.name : a.running < b.running;
  }
}
