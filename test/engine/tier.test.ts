import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import type { Engine, EngineConfig } from "../../src/engine/engine.ts";
import { KvStore } from "../../src/engine/kv-store.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { Request } from "../../src/model/request.ts";
import { NEVER, type SimTime, START } from "../../src/sim/time.ts";
import { StepEngine } from "../oracle/step-engine.ts";
import { type CreateEngine, plainConfig, plainTiming, request } from "./drive.ts";

/**
 * KV below host memory, worked out by hand. A step takes 1000 us and 10 us per prompt token; blocks of 4 tokens, eight of
 * them on the GPU; a transfer takes 50 us and 100 us per block.
 */
const BLOCK_BYTES = 100_000;
const config: EngineConfig = {
  ...plainConfig,
  prefixCaching: true,
  numGpuBlocks: 9,
  maxModelLen: 32,
  tier: { blocksPerChunk: 1, reads: true, writes: true },
};

const engines: readonly { readonly name: string; readonly create: CreateEngine }[] = [
  { name: "engine", create: createEngine },
  { name: "oracle", create: (...args) => new StepEngine(...args) },
];

describe.each(engines)("$name", ({ create }) => {
  /** Replicas that share a store, each with its requests. */
  const served = (said: Partial<EngineConfig>, ...replicas: readonly (readonly Request[])[]) => {
    const store = new KvStore({ latencyMicros: 50, readGBs: 1, writeGBs: 1, replicaGBs: 1 }, () => {});
    const facts = new Map<number, Finished>();
    const { tier = { blocksPerChunk: 1 } } = said;
    const made = replicas.map((requests, i): { readonly engine: Engine; readonly left: Request[] } => {
      const kvTier = store.tierOf(String(i), "model", BLOCK_BYTES * tier.blocksPerChunk);
      const finished = (told: Finished): void => void facts.set(told.request.id, told);
      const listener = { firstToken: () => {}, finished, kvTier };
      return { engine: create({ ...config, ...said }, plainTiming, listener, START), left: [...requests] };
    });
    for (;;) {
      const arrival = Math.min(...made.map(({ left }) => left[0]?.arrival ?? NEVER));
      const now = Math.min(store.due, arrival, ...made.map(({ engine }) => engine.due)) as SimTime;
      if (now === NEVER) break;
      if (store.due <= now) {
        for (const { replica, request: one } of store.advance(now))
          made[Number(replica)]?.engine.kvArrived(one.id, now);
        continue;
      }
      for (const { engine, left } of made) {
        if (engine.due <= now) engine.advance(now);
        if (left[0] !== undefined && left[0].arrival <= now) engine.submit(left.shift() as Request, now);
      }
    }
    const counters = made.map(({ engine }) => engine.look(1e9 as SimTime).counters);
    return { of: (id: number) => facts.get(id), counters };
  };

  const prefixed = (id: number, arrival: number): Request => ({
    ...request(id, arrival, 16, 1),
    prefix: { kind: "group", key: "a", tokens: 16 },
  });
  /** Takes all blocks of the GPU. */
  const large = (id: number, arrival: number): Request => request(id, arrival, 31, 1);

  it("brings back what the GPU has lost; of a prompt that is there wholly one token is computed again", () => {
    const { of, counters } = served({}, [prefixed(1, 0), large(2, 2000), prefixed(3, 10_000)]);
    expect(of(3)).toMatchObject({ queued: 10_000, scheduled: 10_450, firstToken: 11_460, cachedTokens: 15 });
    expect(counters[0]).toMatchObject({
      externalQueries: 16,
      externalHits: 16,
      tierLoadedBlocks: 4,
      tierStoredBlocks: 11,
    });
  });

  it("deals in whole chunks: of four blocks three, and the fourth is computed", () => {
    const tier = { blocksPerChunk: 3, reads: true, writes: true };
    const { of } = served({ tier }, [prefixed(1, 0), large(2, 2000), prefixed(3, 10_000)]);
    expect(of(3)).toMatchObject({ scheduled: 10_350, firstToken: 11_390, cachedTokens: 12 });
  });

  it("is found by another replica", () => {
    const { of } = served({}, [prefixed(1, 0)], [prefixed(2, 10_000)]);
    expect(of(2)).toMatchObject({ scheduled: 10_450, cachedTokens: 15 });
  });

  it("is shared fairly by replicas that read at a time", () => {
    const { of } = served({}, [prefixed(1, 0)], [prefixed(2, 10_000)], [prefixed(3, 10_000)]);
    expect([2, 3].map((id) => of(id)?.scheduled)).toEqual([10_850, 10_850]);
  });

  it.each([
    { name: "a producer looks nothing up", reads: false, writes: true, cached: 0, stored: 8 },
    { name: "a consumer keeps nothing", reads: true, writes: false, cached: 0, stored: 0 },
  ])("$name", ({ reads, writes, cached, stored }) => {
    const tier = { blocksPerChunk: 1, reads, writes };
    const { of, counters } = served(
      { tier },
      [prefixed(1, 0)],
      [{ ...prefixed(2, 10_000), prefix: { kind: "group", key: "b", tokens: 16 } }],
    );
    expect(of(2)?.cachedTokens).toBe(cached);
    expect(counters.reduce((sum, { tierStoredBlocks }) => sum + tierStoredBlocks, 0)).toBe(stored);
  });

  it("serves after host memory what that hasn't any more, and fills it again", () => {
    // Of ten places 2 takes seven: the prefix's last block comes from below, at the same time as three by the host's link.
    const offload = { hostBlocks: 10, microsPerBlock: 100, latencyMicros: 50 };
    const { of, counters } = served({ offload }, [prefixed(1, 0), large(2, 2000), prefixed(3, 10_000)]);
    expect(of(3)).toMatchObject({ scheduled: 10_350, cachedTokens: 15 });
    expect(counters[0]).toMatchObject({ loadedBlocks: 3, tierLoadedBlocks: 1 });
  });

  it("lets others pass while it loads", () => {
    const { of } = served({}, [prefixed(1, 0), large(2, 2000), prefixed(3, 10_000), request(4, 10_000, 4, 1)]);
    expect(of(4)?.scheduled).toBe(10_000);
    // Seen when that step ends.
    expect(of(3)?.scheduled).toBe(11_040);
  });
});
