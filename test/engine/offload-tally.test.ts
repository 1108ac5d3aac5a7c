import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import type { OffloadConfig } from "../../src/engine/engine.ts";
import { OffloadTally } from "../../src/engine/offload-tally.ts";
import type { OffloadState } from "../../src/model/engine-state.ts";
import type { Request } from "../../src/model/request.ts";
import { replicaMetrics } from "../../src/report/metrics/index.ts";
import { instant, START } from "../../src/sim/time.ts";
import { engineState, replica } from "../report/views.ts";
import { drive, plainConfig, plainTiming, request } from "./drive.ts";

/**
 * Worked out by hand. A step takes 1000 us and 10 us per prompt token; blocks of 4 tokens, eight of them on the GPU; a transfer
 * takes 50 us and 100 us per block, of which each of two GPUs has 3 MB.
 */
const offload = (hostBlocks: number, more: Partial<OffloadConfig> = {}): OffloadConfig => ({
  hostBlocks,
  microsPerBlock: 100,
  latencyMicros: 50,
  connector: { gpus: 2, bytesPerBlock: 3e6 },
  ...more,
});
const small = { ...plainConfig, prefixCaching: true, numGpuBlocks: 9, maxModelLen: 32 };
const prefixed = (id: number, arrival: number): Request => ({
  ...request(id, arrival, 16, 1),
  prefix: { kind: "group", key: "a", tokens: 16 },
});

describe("an offloading connector shows", () => {
  it("what was stored and loaded, on each GPU with its share", () => {
    // 1 stores four blocks, 2 seven, for which the prefix's last one has to go: 3 loads three, and stores the fourth,
    // which is still under way when all else is done.
    const { state } = drive({ ...small, offload: offload(10) }, [
      prefixed(1, 0),
      request(2, 2000, 31, 1),
      prefixed(3, 1e4),
    ]);
    const { load, store, allocations, failures, ...rest } = state.offload as OffloadState;
    expect(load).toMatchObject({ bytes: 3 * 6e6, micros: 2 * 350 });
    expect(load.sizes.value()).toMatchObject({ counts: [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0], sum: 2 * 9e6 });
    expect(store).toMatchObject({ bytes: 11 * 6e6, micros: 2 * (450 + 750) });
    expect(store.sizes.value()).toMatchObject({ counts: [0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0], sum: 2 * 33e6 });
    expect(allocations.value()).toMatchObject({ counts: [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], sum: 12 });
    expect({ failures, ...rest }).toEqual({ failures: 0, reading: 0, writing: 0.1 });
  });

  it("stores that find no room", () => {
    const { state } = drive({ ...small, offload: offload(3) }, [prefixed(1, 0)]);
    expect(state.offload).toMatchObject({ failures: 1, store: { bytes: 0 } });
    expect(state.offload?.allocations.count).toBe(1);
  });

  it("host memory that is being written and read, and a transfer once it has ended", () => {
    const engine = createEngine(
      { ...small, offload: offload(10) },
      plainTiming,
      { firstToken: () => {}, finished: () => {} },
      START,
    );
    const look = (at: number) => {
      const { load, store, reading, writing } = engine.look(instant(at)).offload as OffloadState;
      return { stored: store.bytes, loaded: load.bytes, reading, writing };
    };
    const submit = (one: Request): void => engine.submit(one, one.arrival);
    submit(prefixed(1, 0));
    expect(look(1160)).toEqual({ stored: 0, loaded: 0, reading: 0, writing: 0.4 });
    expect(look(1610)).toEqual({ stored: 4 * 6e6, loaded: 0, reading: 0, writing: 0 });
    submit(request(2, 2000, 31, 1));
    submit(prefixed(3, 10_000));
    expect(look(10_349)).toEqual({ stored: 11 * 6e6, loaded: 0, reading: 0.3, writing: 0 });
    expect(look(10_350)).toEqual({ stored: 11 * 6e6, loaded: 3 * 6e6, reading: 0, writing: 0 });
  });

  it("a block once that several read, and what comes from below as loaded", () => {
    const tally = new OffloadTally({ gpus: 1, bytesPerBlock: 1e6, tier: "1:fs" }, 10);
    tally.begin("load", [1, 2], instant(100), 100, START);
    tally.begin("load", [2, 3], instant(200), 100, START);
    tally.passed(5, 70);
    const below = { read: 5, written: 7 };
    expect(tally.look(below, START)).toMatchObject({ reading: 0.3, load: { bytes: 5e6, micros: 70 } });
    const later = tally.look(below, instant(200));
    expect(later).toMatchObject({ reading: 0, load: { bytes: 9e6, micros: 270 } });
    expect(later.tier).toEqual({ name: "1:fs", readBytes: 5e6, writtenBytes: 7e6 });
  });

  it("nothing where another connector has the memory", () => {
    const { connector, ...silent } = offload(10);
    expect(connector).toBeDefined();
    expect(drive({ ...small, offload: silent }, [prefixed(1, 0)]).state.offload).toBeUndefined();
  });
});

describe("its page", () => {
  const pageOf = (state: OffloadState | undefined) => {
    const shown = replica(engineState(state === undefined ? {} : { offload: state }));
    const rows = replicaMetrics.filter(({ name }) => name.startsWith("vllm:kv_offload_"));
    return new Map(
      rows.flatMap((row) => {
        const samples = row.samples(shown);
        return samples.length === 0 ? [] : [[row.name, samples] as const];
      }),
    );
  };

  it("has gauges and the deprecated series before the first transfer", () => {
    const page = pageOf(new OffloadTally({ gpus: 1, bytesPerBlock: 1e6 }, 10).look({ read: 0, written: 0 }, START));
    const gauges = ["cpu_cache_usage_perc", "cpu_cache_write_usage_perc", "cpu_cache_read_usage_perc"];
    const deprecated = ["total_bytes", "total_time", "size"];
    expect([...page.keys()]).toEqual([...gauges, ...deprecated].map((name) => `vllm:kv_offload_${name}`));
    expect(page.get("vllm:kv_offload_total_bytes")).toEqual(
      ["CPU_to_GPU", "GPU_to_CPU"].map((transfer_type) => ({
        labels: { model_name: "llama", engine: "0", transfer_type },
        value: 0,
      })),
    );
  });

  it("has the tier below host memory by its name", () => {
    const tally = new OffloadTally({ gpus: 1, bytesPerBlock: 1e6, tier: "1:fs" }, 10);
    const page = pageOf(tally.look({ read: 5, written: 7 }, START));
    const labels = { model_name: "llama", engine: "0", tier: "1:fs" };
    expect(page.get("vllm:kv_offload_tiering_read_bytes")).toEqual([{ labels, value: 5e6 }]);
    expect(page.get("vllm:kv_offload_tiering_write_bytes")).toEqual([{ labels, value: 7e6 }]);
  });

  it("is empty without a connector", () => expect(pageOf(undefined).size).toBe(0));
});
