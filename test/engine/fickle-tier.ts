import type { Engine } from "../../src/engine/engine.ts";
import type { ChunkName, KvTier } from "../../src/engine/kv-tier.ts";
import type { Request } from "../../src/model/request.ts";
import { mix32 } from "../../src/sim/rng.ts";
import { NEVER, type SimTime } from "../../src/sim/time.ts";

/** How long things take, at most, and how long a chunk stays; microseconds. */
export interface FicklePlan {
  readonly seed: number;
  readonly writeMicros: number;
  readonly stayMicros: number;
  readonly loadMicros: number;
  /** Of the chunks offered. */
  readonly refusedRatio: number;
}

/**
 * A tier that others seem to use as well: chunks come and go by themselves, at instants that follow from how many were
 * written before. Engines that do the same see the same.
 */
export class FickleTier implements KvTier {
  readonly #plan: FicklePlan;
  readonly #chunks = new Map<ChunkName, { readonly from: number; readonly until: number }>();
  readonly #loads: { readonly id: number; readonly at: number }[] = [];
  readonly #tell: (text: string) => void;
  #drawn = 0;

  constructor(plan: FicklePlan, tell: (text: string) => void) {
    this.#plan = plan;
    this.#tell = tell;
  }

  has(chunk: ChunkName, now: SimTime): boolean {
    const found = this.#chunks.get(chunk);
    return found !== undefined && found.from <= now && now < found.until;
  }

  load({ id }: Request, chunks: readonly ChunkName[], now: SimTime): void {
    if (!chunks.every((chunk) => this.has(chunk, now))) throw new Error(`request ${id} loads what isn't there`);
    this.#tell(`loads ${id} ${now} ${chunks.length}`);
    this.#loads.push({ id, at: now + this.#draw(this.#plan.loadMicros) });
  }

  store(chunks: readonly ChunkName[], now: SimTime): number {
    let written = 0;
    for (const chunk of chunks) {
      const isHere = (this.#chunks.get(chunk)?.until ?? 0) > now;
      if (isHere || this.#draw(1e6) < 1e6 * this.#plan.refusedRatio) continue;
      const from = now + this.#draw(this.#plan.writeMicros);
      this.#chunks.set(chunk, { from, until: from + 1 + this.#draw(this.#plan.stayMicros) });
      written += 1;
    }
    this.#tell(`stores ${chunks.length} ${now} ${written}`);
    return written;
  }

  /** When it next has something to say. */
  get due(): SimTime {
    return Math.min(NEVER, ...this.#loads.map(({ at }) => at)) as SimTime;
  }

  /** Says what is due. */
  speak(engine: Engine, now: SimTime): void {
    const due = this.#loads.findIndex(({ at }) => at <= now);
    const [load] = due < 0 ? [] : this.#loads.splice(due, 1);
    if (load !== undefined) engine.kvArrived(load.id, now);
  }

  #draw(below: number): number {
    this.#drawn += 1;
    return (mix32(this.#plan.seed, this.#drawn) >>> 0) % Math.max(1, below);
  }
}
