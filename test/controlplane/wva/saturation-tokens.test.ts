import { describe, expect, it } from "vitest";
import { costAware } from "../../../src/controlplane/wva/cost-aware.ts";
import { batchBound, median, TokenSaturation } from "../../../src/controlplane/wva/saturation-tokens.ts";
import type { ReplicaSignals, VariantState } from "../../../src/controlplane/wva/variant.ts";
import { target } from "../controller-fixtures.ts";

const thresholds = { kvCacheThreshold: 0.8, queueLengthThreshold: 5, scaleUpThreshold: 0.85, scaleDownBoundary: 0.7 };
const none = { requests: 0, bytes: 0 };

const replica = (variant: string, change: Partial<ReplicaSignals> = {}): ReplicaSignals => ({
  pod: `${variant}-0`,
  variant,
  kvUsage: 0,
  queue: 0,
  kvTokens: 16_000,
  tokensInUse: 5000,
  inputTokens: 0,
  outputTokens: 0,
  hitRate: 0,
  ...change,
});
const state = (name: string, current: number, change: Partial<VariantState> = {}): VariantState => ({
  target: target(name),
  current,
  desired: 0,
  pending: 0,
  ...change,
});
const engine = target("a").engine;

// Cases of llm-d WVA's internal/engines/analyzers/saturation_v2/analyzer_test.go.
describe("V2's capacity of a replica", () => {
  const capacity = (...passes: readonly ReplicaSignals[]): number | undefined => {
    const tokens = new TokenSaturation(thresholds);
    const results = passes.map((one) => tokens.analyse("llama", [one], [state("a", 1)], none));
    return results.at(-1)?.variants[0]?.perReplica;
  };

  it("is bound by memory where nothing else is known", () => expect(capacity(replica("a"))).toBe(12_800));
  it("is what it holds once its queue is long", () =>
    expect(capacity(replica("a", { tokensInUse: 8000, queue: 6 }))).toBe(8000));
  it("is remembered when the queue is gone", () =>
    expect(capacity(replica("a", { tokensInUse: 8000, queue: 6 }), replica("a"))).toBe(8000));
  it("is the mean of the last ten that were seen", () => {
    const seen = Array.from({ length: 12 }, (_, i) => replica("a", { tokensInUse: 1000 + 100 * i, queue: 5 }));
    expect(capacity(...seen, replica("a"))).toBe(1650);
  });
  it("is remembered apart for outputs of other lengths", () =>
    expect(
      capacity(
        replica("a", { tokensInUse: 8000, queue: 6, outputTokens: 50, inputTokens: 100 }),
        replica("a", { outputTokens: 700, inputTokens: 100 }),
      ),
    ).toBe(12_800));
  it("follows from the engine's arguments, within memory", () => {
    expect(capacity(replica("a", { inputTokens: 500, outputTokens: 100, kvTokens: 1_000_000 }))).toBe(140_800);
    expect(capacity(replica("a", { inputTokens: 500, outputTokens: 100 }))).toBe(12_800);
  });
  it.each([
    [500, 100, {}, 140_800],
    [100, 200, { maxNumSeqs: 64 }, 12_800],
    [500, 0, {}, 0],
  ])("by arguments, %d in and %d out", (input, output, change, tokens) =>
    expect(batchBound({ ...engine, ...change }, input, output)).toBe(tokens),
  );
  it.each([
    [[], 0],
    [[42], 42],
    [[5, 1, 3], 3],
    [[1, 3, 5, 7], 4],
    [[1, 2], 1],
  ])("median of %j", (values, middle) => expect(median(values)).toBe(middle));
});

describe("V2's demand", () => {
  const demand = (change: Partial<ReplicaSignals>, queue = none): number =>
    new TokenSaturation(thresholds).analyse("llama", [replica("a", change)], [state("a", 1)], queue).demand;

  it("is what is in use and what waits", () => {
    expect(demand({})).toBe(5000);
    expect(demand({ queue: 3, inputTokens: 100.9 })).toBe(5300);
  });
  it("counts the picker's queue by requests or by bytes, the more of both, less what is cached", () => {
    const served = { inputTokens: 100, outputTokens: 50, hitRate: 0.5 };
    expect(demand(served, { requests: 10, bytes: 0 })).toBe(5000 + 500 + 500);
    expect(demand({ ...served, hitRate: 0 }, { requests: 10, bytes: 20_000 })).toBe(5000 + 5000 + 500);
  });
});

describe("V2's signals", () => {
  const analyse = (tokensInUse: number, states: readonly VariantState[]) =>
    new TokenSaturation(thresholds).analyse("llama", [replica("a", { tokensInUse })], states, none);

  it("ask for what is missing, counting replicas on their way", () => {
    expect(analyse(12_800, [state("a", 1)]).required).toBeCloseTo(12_800 / 0.85 - 12_800, 6);
    expect(analyse(12_800, [state("a", 2, { pending: 1 })]).required).toBe(0);
  });
  it("spare by ready replicas alone", () => {
    expect(analyse(3500, [state("a", 2)]).spare).toBeCloseTo(25_600 - 5000, 6);
    expect(analyse(3500, [state("a", 2, { pending: 1 })]).spare).toBeCloseTo(12_800 - 5000, 6);
  });
  it("are quiet in between", () => expect(analyse(10_000, [state("a", 1)])).toMatchObject({ required: 0, spare: 0 }));
  it("know a variant that has none now by what it had, or by one like it", () => {
    const tokens = new TokenSaturation(thresholds);
    const b = { ...state("b", 0), target: target("b") };
    const served = { inputTokens: 500, outputTokens: 100 };
    const first = tokens.analyse("llama", [replica("a", served)], [state("a", 1), b], none);
    expect(first.variants[1]?.perReplica).toBe(12_800);
    const unlike = { ...b, target: target("b", { accelerator: "A100" }) };
    const other = new TokenSaturation(thresholds).analyse(
      "llama",
      [replica("a", served)],
      [state("a", 1), unlike],
      none,
    );
    expect(other.variants[1]?.perReplica).toBe(140_800);
    const silent = new TokenSaturation(thresholds).analyse("llama", [replica("a")], [state("a", 1), unlike], none);
    expect(silent.variants[1]?.perReplica).toBe(8192);
  });
});

describe("the cost-aware optimizer", () => {
  const wanted = (
    said: readonly { name: string; cost: number; has: number; per: number; min?: number; max?: number }[],
    { required = 0, spare = 0 },
  ): Record<string, number> => {
    const targets = said.map(({ name, cost, min, max }) =>
      target(name, {
        cost,
        ...(min === undefined ? {} : { minReplicas: min }),
        ...(max === undefined ? {} : { maxReplicas: max }),
      }),
    );
    const variants = said.map(({ per, has }, i) => ({
      target: targets[i] as (typeof targets)[number],
      ready: has,
      pending: 0,
      perReplica: per,
      demand: 0,
    }));
    const states = said.map(({ has }, i) => ({
      target: targets[i] as (typeof targets)[number],
      current: has,
      desired: 0,
      pending: 0,
    }));
    return Object.fromEntries(costAware({ variants, supply: 0, demand: 0, required, spare }, states));
  };
  const dear = { name: "dear", cost: 30, has: 2, per: 20_000 };
  const cheap = { name: "cheap", cost: 10, has: 1, per: 10_000 };

  it("adds where a token is cheapest", () =>
    expect(wanted([dear, cheap], { required: 15_000 })).toEqual({ dear: 2, cheap: 3 }));
  it("goes on to the next at a maximum", () =>
    expect(wanted([dear, { ...cheap, max: 2 }], { required: 25_000 })).toEqual({ dear: 3, cheap: 2 }));
  it("removes whole replicas where one is dearest, then the next", () =>
    expect(wanted([dear, { ...cheap, has: 3 }], { spare: 55_000 })).toEqual({ dear: 0, cheap: 2 }));
  it("keeps a minimum", () =>
    expect(
      wanted(
        [
          { ...dear, min: 1 },
          { ...cheap, min: 1 },
        ],
        { spare: 90_000 },
      ),
    ).toEqual({ dear: 1, cheap: 1 }));
  it("keeps the last replica of all", () =>
    expect(
      wanted(
        [
          { ...dear, has: 0 },
          { ...cheap, has: 4 },
        ],
        { spare: 90_000 },
      ),
    ).toEqual({ dear: 0, cheap: 1 }));
  it("passes over one of which nothing is known", () =>
    expect(wanted([dear, { ...cheap, per: 0 }], { required: 15_000 })).toEqual({ dear: 3, cheap: 1 }));
});
