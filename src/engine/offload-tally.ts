import type { LinkTally, OffloadState } from "../model/engine-state.ts";
import { Histogram } from "../model/metric-family.ts";
import type { SimTime } from "../sim/time.ts";
import type { OffloadConnector } from "./engine.ts";

/** One of the host link's transfers, which ends after those before it. */
interface Transfer {
  readonly end: SimTime;
  readonly micros: number;
  readonly keys: readonly number[];
}

/** Bounds of TRANSFER_SIZE_BUCKETS, in bytes, and of `vllm:kv_offload_cpu_allocation_size`, in blocks. */
const SIZES = [1e6, 5e6, 1e7, 2e7, 4e7, 6e7, 8e7, 1e8, 1.5e8, 2e8];
const ALLOCATIONS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144];

/**
 * What an offloading connector counts: transfers when they end, each on every GPU of the engine, with its share of the bytes
 * and the time that it takes there. Sources (vLLM, September 2026): DirectionalTransferStats and get_finished
 * (vllm/distributed/kv_transfer/kv_connector/v1/offloading/common.py, vllm/v1/kv_offload/cpu/gpu_worker.py), `get_stats` and
 * `prepare_store` (vllm/v1/kv_offload/cpu/manager.py).
 */
export class OffloadTally {
  readonly #connector: OffloadConnector;
  readonly #hostBlocks: number;
  readonly #tallies: Readonly<Record<Direction, LinkTally>> = { load: noTally(), store: noTally() };
  readonly #underWay: Readonly<Record<Direction, Transfer[]>> = { load: [], store: [] };
  readonly #allocations = new Histogram(ALLOCATIONS);
  #failures = 0;

  constructor(connector: OffloadConnector, hostBlocks: number) {
    this.#connector = connector;
    this.#hostBlocks = hostBlocks;
  }

  /** A transfer of blocks with these keys is asked for now, and will take the last `micros` before `end`. */
  begin(direction: Direction, keys: readonly number[], end: SimTime, micros: number, now: SimTime): void {
    this.#settle(direction, now);
    this.#underWay[direction].push({ end, micros, keys });
  }

  /** Blocks have come from the tier below to the GPU, for whose last part of the way the link takes `micros`. */
  passed(blocks: number, micros: number): void {
    this.#count("load", blocks, micros);
  }

  /** A store asks for room. */
  allocate(blocks: number, found: boolean): void {
    this.#allocations.observe(blocks);
    if (!found) this.#failures += 1;
  }

  /** @param below blocks begun to be read from the tier below, and to be written there, since the start */
  look(below: { readonly read: number; readonly written: number }, now: SimTime): OffloadState {
    for (const direction of DIRECTIONS) this.#settle(direction, now);
    const { tier, gpus, bytesPerBlock } = this.#connector;
    const { load, store } = this.#tallies;
    const bytes = (blocks: number): number => blocks * gpus * bytesPerBlock;
    return {
      load: { ...load },
      store: { ...store },
      allocations: this.#allocations,
      failures: this.#failures,
      reading: this.#held("load") / this.#hostBlocks,
      writing: this.#held("store") / this.#hostBlocks,
      ...(tier === undefined
        ? {}
        : { tier: { name: tier, readBytes: bytes(below.read), writtenBytes: bytes(below.written) } }),
    };
  }

  #settle(direction: Direction, now: SimTime): void {
    const transfers = this.#underWay[direction];
    let ended = 0;
    for (const { end, micros, keys } of transfers) {
      if (end > now) break;
      ended += 1;
      this.#count(direction, keys.length, micros);
    }
    transfers.splice(0, ended);
  }

  #count(direction: Direction, blocks: number, micros: number): void {
    const { gpus, bytesPerBlock } = this.#connector;
    const tally = this.#tallies[direction];
    tally.bytes += gpus * blocks * bytesPerBlock;
    tally.micros += gpus * micros;
    tally.sizes.observe(blocks * bytesPerBlock, gpus);
  }

  /** Several may read the same block. */
  #held(direction: Direction): number {
    return new Set(this.#underWay[direction].flatMap(({ keys }) => keys)).size;
  }
}

/** From host memory, or to it. */
export type Direction = "load" | "store";
const DIRECTIONS = ["load", "store"] as const satisfies readonly Direction[];

const noTally = (): LinkTally => ({ bytes: 0, micros: 0, sizes: new Histogram(SIZES) });
