import { describe, expect, it } from "vitest";
import { CORRECTIONS } from "../../src/latency/corrections.ts";
import { fitted } from "../../src/latency/fitted.ts";
import type { LatencyContext } from "../../src/latency/latency-model.ts";
import { bandOf, paces, stepUncertainty } from "../../src/latency/uncertainty.ts";
import { findGpu } from "../../src/model/catalogue/index.ts";
import { shapeOf } from "./fixtures.ts";

const contextOf = (model: string, gpu: string, tp = 1): LatencyContext => {
  const found = findGpu(gpu);
  if (!found.found) throw new Error(found.message);
  const parallelism = { tp, pp: 1, dp: 1, expertParallel: false };
  return { shape: shapeOf(model), hardware: found.hardware, parallelism, mode: "vllm" };
};

describe("what was fitted", () => {
  it("has a value and a variance per correction, and names its data", () => {
    expect(fitted.corrections).toHaveLength(CORRECTIONS.length);
    expect(fitted.covariance).toHaveLength(CORRECTIONS.length);
    fitted.covariance.forEach((row, i) => {
      expect(row).toHaveLength(CORRECTIONS.length);
      expect(row[i]).toBeGreaterThan(0);
      // Nothing is known less well than before anything was measured.
      expect(row[i]).toBeLessThanOrEqual((CORRECTIONS[i]?.spread as number) ** 2 * 1.0001);
      row.forEach((value, j) => expect(value).toBeCloseTo(fitted.covariance[j]?.[i] as number, 4));
    });
    expect(fitted.data.length).toBeGreaterThan(0);
    for (const { sha256 } of fitted.data) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("uncertainty of a step", () => {
  const known = stepUncertainty(contextOf("Qwen/Qwen3-14B", "H100"));

  it("is some percent where everything was measured, and says nothing then", () => {
    expect(known.novelties).toEqual([]);
    expect(known.deviation).toBeGreaterThan(0.01);
    expect(known.deviation).toBeLessThan(0.2);
  });

  it.each([
    { name: "a GPU that was never measured", model: "Qwen/Qwen3-14B", gpu: "A100-80", said: /A100-SXM-80GB/ },
    { name: "latent attention", model: "deepseek-ai/DeepSeek-V2-Lite", gpu: "H100", said: /latent attention/ },
  ])("is larger for $name, which is said", ({ model, gpu, said }) => {
    const { deviation, novelties } = stepUncertainty(contextOf(model, gpu));
    expect(deviation).toBeGreaterThan(known.deviation);
    expect(novelties.join()).toMatch(said);
  });

  it("makes paces on both sides of one", () => {
    const { fast, slow } = paces(known);
    expect(fast).toBeLessThan(1);
    expect(fast * slow).toBeCloseTo(1, 12);
  });
});

describe("a band", () => {
  it("holds its figure, and what the ends of the step time made of it", () => {
    const { p10, p90 } = bandOf("e2e_mean", { middle: 10, fast: 9, slow: 12 });
    expect(p10).toBeLessThanOrEqual(9);
    expect(p90).toBeGreaterThanOrEqual(12);
  });

  it("is as wide upwards as a queue that forms", () => {
    const { p10, p90 } = bandOf("ttft_mean", { middle: 0.05, fast: 0.045, slow: 20 });
    expect(p90).toBeGreaterThan(20);
    expect(p10).toBeGreaterThan(0.02);
  });

  it("is nothing around nothing", () => {
    expect(bandOf("ttft_mean", { middle: 0, fast: 0, slow: 0 })).toEqual({ p10: 0, p90: 0 });
  });
});
