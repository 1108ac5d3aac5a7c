import type { Request } from "../model/request.ts";
import { invariant } from "../sim/invariant.ts";
import { ProcessorSharing } from "../sim/processor-sharing.ts";
import { after, micros, NEVER, type SimTime, START } from "../sim/time.ts";
import type { ChunkName, KvTier } from "./kv-tier.ts";

/** A disk or a remote cache for KV. */
export interface KvStoreConfig {
  /** Left out: no bound. */
  readonly capacityBytes?: number;
  /** Added once per transfer. */
  readonly latencyMicros: number;
  /** Of all replicas together, in GB/s (1e9 bytes). */
  readonly readGBs: number;
  readonly writeGBs: number;
  /** Of one replica in either direction. */
  readonly replicaGBs: number;
}

type Direction = "read" | "write";

interface Entry {
  readonly key: string;
  readonly bytes: number;
  /** By whom it is being written; undefined: it can be read. */
  writer: string | undefined;
  /** Reads under way; meanwhile it stays. */
  readers: number;
}

interface Transfer {
  readonly direction: Direction;
  readonly replica: string;
  readonly entries: readonly Entry[];
  /** Whose prompt is read. */
  readonly request: Request | undefined;
}

/** Transfers of one replica in one direction: the first is under way, since its latency or flowing. */
interface Line {
  readonly transfers: Transfer[];
  /** When the first one flows; NEVER: it does. */
  flows: SimTime;
}

/** A prompt's KV has come to a replica. */
export interface LoadedKv {
  readonly replica: string;
  readonly request: Request;
}

/** What came of all that was asked for: of what was begun, the rest is under way or given up with its replica. */
export interface KvStoreTally {
  readonly begun: Readonly<Record<Direction, number>>;
  readonly done: Readonly<Record<Direction, number>>;
  readonly givenUp: Readonly<Record<Direction, number>>;
  readonly writtenBytes: number;
  readonly readBytes: number;
  readonly evictedBytes: number;
}

/**
 * Chunks of KV on a disk or in a cache that replicas may share. What one has written another finds, where model and layout
 * are the same (`space`). The one used longest ago goes first, but none that is being written or read; what finds no room
 * is not written. Transfers of one replica in one direction follow one another; those of different replicas share the
 * store's bandwidth equally, and none is faster than its replica's link.
 *
 * Sources: LMCache (lmcache/v1/storage_backend, 2026): LRU, what is there is not written again; llm-d's file system backend
 * and vLLM's `fs` tier (vllm/v1/kv_offload/tiering/fs, September 2026): one file per chunk under a directory that says model
 * and layout, and never deleted, which is a store without a bound.
 */
export class KvStore {
  readonly #config: KvStoreConfig;
  readonly #changed: () => void;
  /** Used longest ago first. */
  readonly #entries = new Map<string, Entry>();
  readonly #links: Readonly<Record<Direction, ProcessorSharing<string>>>;
  readonly #lines: Readonly<Record<Direction, Map<string, Line>>> = { read: new Map(), write: new Map() };
  #bytes = 0;
  readonly #begun = { read: 0, write: 0 };
  readonly #done = { read: 0, write: 0 };
  readonly #givenUp = { read: 0, write: 0 };
  #writtenBytes = 0;
  #readBytes = 0;
  #evictedBytes = 0;

  /** @param changed is called when `due` may be another */
  constructor(config: KvStoreConfig, changed: () => void) {
    this.#config = config;
    this.#changed = changed;
    this.#links = {
      read: new ProcessorSharing(1e9 * config.readGBs, START),
      write: new ProcessorSharing(1e9 * config.writeGBs, START),
    };
  }

  /** As a replica's engine sees it. @param space equal where chunks of two replicas are the same @param chunkBytes of all its GPUs */
  tierOf(replica: string, space: string, chunkBytes: number): KvTier {
    const keyOf = (chunk: ChunkName): string => `${space} ${chunk}`;
    return {
      has: (chunk) => {
        const entry = this.#entries.get(keyOf(chunk));
        return entry !== undefined && entry.writer === undefined;
      },
      load: (request, chunks, now) => this.#load(replica, request, chunks.map(keyOf), now),
      store: (chunks, now) => this.#store(replica, chunks.map(keyOf), chunkBytes, now),
    };
  }

  get due(): SimTime {
    let due = Math.min(this.#links.read.due, this.#links.write.due);
    for (const lines of Object.values(this.#lines)) for (const { flows } of lines.values()) due = Math.min(due, flows);
    return due as SimTime;
  }

  /** Does what is due by `now`. @returns what has come, in order of its request's being asked for */
  advance(now: SimTime): readonly LoadedKv[] {
    const loaded: LoadedKv[] = [];
    for (const direction of DIRECTIONS) {
      for (const replica of this.#links[direction].advance(now)) {
        const transfer = this.#lineOf(direction, replica).transfers.shift() as Transfer;
        this.#end(transfer);
        if (transfer.request !== undefined) loaded.push({ replica, request: transfer.request });
        this.#next(direction, replica, now);
      }
      for (const [replica, line] of this.#lines[direction])
        if (line.flows <= now) this.#flow(direction, replica, line, now);
    }
    return loaded;
  }

  /** A replica is gone, and what it was about to read or write. */
  lost(replica: string, now: SimTime): void {
    for (const direction of DIRECTIONS) {
      const line = this.#lines[direction].get(replica);
      if (line === undefined) continue;
      this.#links[direction].cancel(replica, now);
      this.#lines[direction].delete(replica);
      for (const { entries } of line.transfers) {
        this.#givenUp[direction] += entries.length;
        for (const entry of entries) {
          if (direction === "read") entry.readers -= 1;
          else this.#forget(entry);
        }
      }
    }
    this.#changed();
  }

  get tally(): KvStoreTally {
    return {
      begun: { ...this.#begun },
      done: { ...this.#done },
      givenUp: { ...this.#givenUp },
      writtenBytes: this.#writtenBytes,
      readBytes: this.#readBytes,
      evictedBytes: this.#evictedBytes,
    };
  }

  /** Held now, with what is being written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Chunks that are on their way. */
  underWay(direction: Direction): number {
    let chunks = 0;
    for (const { transfers } of this.#lines[direction].values()) {
      for (const { entries } of transfers) chunks += entries.length;
    }
    return chunks;
  }

  #load(replica: string, request: Request, keys: readonly string[], now: SimTime): void {
    const entries = keys.map((key) => {
      const entry = this.#entries.get(key);
      invariant(entry !== undefined && entry.writer === undefined, "what is read is there");
      entry.readers += 1;
      return entry;
    });
    this.#touch(entries);
    this.#begin({ direction: "read", replica, entries, request }, now);
  }

  #store(replica: string, keys: readonly string[], bytes: number, now: SimTime): number {
    const fresh: Entry[] = [];
    const all = keys.flatMap((key) => {
      const found = this.#entries.get(key);
      if (found !== undefined) return [found];
      if (!this.#makeRoom(bytes, keys)) return [];
      const entry: Entry = { key, bytes, writer: replica, readers: 0 };
      this.#entries.set(key, entry);
      this.#bytes += bytes;
      fresh.push(entry);
      return [entry];
    });
    this.#touch(all);
    if (fresh.length > 0) this.#begin({ direction: "write", replica, entries: fresh, request: undefined }, now);
    return fresh.length;
  }

  /** @param keep what is offered together with it */
  #makeRoom(bytes: number, keep: readonly string[]): boolean {
    const { capacityBytes = Number.POSITIVE_INFINITY } = this.#config;
    let lacking = this.#bytes + bytes - capacityBytes;
    const spare: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (lacking <= 0) break;
      if (entry.readers > 0 || entry.writer !== undefined || keep.includes(entry.key)) continue;
      spare.push(entry);
      lacking -= entry.bytes;
    }
    if (lacking > 0) return false;
    for (const entry of spare) {
      this.#evictedBytes += entry.bytes;
      this.#forget(entry);
    }
    return true;
  }

  #forget({ key, bytes }: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= bytes;
  }

  /** The last one first, so that the beginning of a prompt outlives its end. */
  #touch(entries: readonly Entry[]): void {
    for (let i = entries.length - 1; i >= 0; i -= 1) {
      const entry = entries[i] as Entry;
      this.#entries.delete(entry.key);
      this.#entries.set(entry.key, entry);
    }
  }

  // ---- transfers

  #begin(transfer: Transfer, now: SimTime): void {
    const { direction, replica, entries } = transfer;
    this.#begun[direction] += entries.length;
    const line = this.#lineOf(direction, replica);
    line.transfers.push(transfer);
    if (line.transfers.length > 1) return;
    this.#next(direction, replica, now);
    this.#changed();
  }

  /** The first in line begins, if there is one. */
  #next(direction: Direction, replica: string, now: SimTime): void {
    const line = this.#lineOf(direction, replica);
    if (line.transfers.length === 0) this.#lines[direction].delete(replica);
    else line.flows = after(now, micros(this.#config.latencyMicros));
  }

  #flow(direction: Direction, replica: string, line: Line, now: SimTime): void {
    line.flows = NEVER;
    const [first] = line.transfers as [Transfer];
    const bytes = first.entries.reduce((sum, entry) => sum + entry.bytes, 0);
    this.#links[direction].start(replica, bytes, 1e9 * this.#config.replicaGBs, now);
  }

  #end({ direction, entries }: Transfer): void {
    this.#done[direction] += entries.length;
    for (const entry of entries) {
      if (direction === "read") {
        entry.readers -= 1;
        this.#readBytes += entry.bytes;
      } else {
        entry.writer = undefined;
        this.#writtenBytes += entry.bytes;
      }
    }
  }

  #lineOf(direction: Direction, replica: string): Line {
    const found = this.#lines[direction].get(replica);
    if (found !== undefined) return found;
    const line: Line = { transfers: [], flows: NEVER };
    this.#lines[direction].set(replica, line);
    return line;
  }
}

const DIRECTIONS = ["write", "read"] as const satisfies readonly Direction[];
