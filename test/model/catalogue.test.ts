import { describe, expect, it } from "vitest";
import { catalogueGpus } from "../../src/model/catalogue/hardware.ts";
import { findGpu, findModel, nearestModels } from "../../src/model/catalogue/index.ts";
import { catalogueModels } from "../../src/model/catalogue/models.ts";

describe("models", () => {
  it("has 57, each once and each with a source", () => {
    expect(catalogueModels).toHaveLength(57);
    expect(new Set(catalogueModels.map(({ shape }) => shape.id)).size).toBe(57);
    for (const { shape } of catalogueModels) {
      expect(shape.source.length).toBeGreaterThan(20);
      expect(shape.headDimExplicit || shape.headDim === Math.floor(shape.hidden / shape.heads)).toBe(true);
      expect(shape.moe === undefined ? shape.intermediate : shape.moe.experts).toBeGreaterThan(1);
    }
  });

  it.each([
    ["meta-llama/Llama-3.1-8B-Instruct", "exact", "meta-llama/Llama-3.1-8B-Instruct"],
    ["META-llama/llama-3.1-8b-instruct", "case", "meta-llama/Llama-3.1-8B-Instruct"],
    ["meta-llama/Llama-3.1-8B", "alias", "meta-llama/Llama-3.1-8B-Instruct"],
    ["meta-llama/Meta-Llama-3.1-8B-Instruct", "renamed", "meta-llama/Llama-3.1-8B-Instruct"],
    ["meta-llama/Meta-Llama-3.1-405B", "renamed", "meta-llama/Llama-3.1-405B"],
    ["RedHatAI/Llama-3.3-70B-Instruct-quantized.w4a16", "variant", "meta-llama/Llama-3.3-70B-Instruct"],
  ])("%s is found by rule %s", (id, rule, entry) => {
    expect(findModel(id)).toMatchObject({ rule, entry });
  });

  it("a variant has its own bytes per weight", () => {
    expect(findModel("RedHatAI/Llama-3.3-70B-Instruct-quantized.w4a16")?.shape).toMatchObject({
      id: "RedHatAI/Llama-3.3-70B-Instruct-quantized.w4a16",
      weightBytes: 0.5,
      layers: 80,
    });
  });

  it.each(["acme/secret-13b", "Qwen/Qwen3-14B-Base", ""])("does not guess %s", (id) => {
    expect(findModel(id)).toBeUndefined();
  });

  it("names the nearest, best first", () => {
    expect(nearestModels("meta-llama/Lama-3.1-8B-Instruct", 2)[0]).toBe("meta-llama/Llama-3.1-8B-Instruct");
    expect(nearestModels("Qwen/Qwen3-14B-Base", 3)).toContain("Qwen/Qwen3-14B");
    expect(nearestModels("", 3)).toHaveLength(3);
  });
});

describe("GPUs", () => {
  it("has 19 with figures", () => {
    expect(catalogueGpus).toHaveLength(19);
    for (const { hardware } of catalogueGpus) expect(hardware.memoryGiB).toBeGreaterThan(20);
  });

  it.each([
    ["H100-SXM", "H100-SXM", "exact"],
    ["NVIDIA-H100-80GB-HBM3", "H100-SXM", "exact"],
    ["NVIDIA-H100-80GB-HBM3-SHARED", "H100-SXM", "exact"],
    ["nvidia-h100-mega-80gb", "H100-SXM", "exact"],
    ["74a1", "MI300X", "exact"],
    ["AMD_Instinct_MI325_OAM", "MI325X", "exact"],
    ["H100", "H100-SXM", "alias"],
    ["h100", "H100-SXM", "alias"],
    ["l40s", "L40S", "alias"],
    ["A100-SXM-80", "A100-SXM-80GB", "alias"],
    ["NVIDIA-H200-SXM5-141GB", "H200-SXM", "pattern"],
    ["AMD-MI300X-192G", "MI300X", "pattern"],
    ["NVIDIA-GB200-NVL72", "GB200", "pattern"],
    ["NVIDIA-GH200-480GB", "GH200-96GB", "pattern"],
    ["NVIDIA-A100-SXM4-80GB-custom", "A100-SXM-80GB", "pattern"],
    ["NVIDIA-L40S-48GB", "L40S", "pattern"],
  ])("%s is %s by rule %s", (label, id, rule) => {
    expect(findGpu(label)).toMatchObject({ found: true, rule, hardware: { id } });
  });

  it("says that a GPU is shared", () => {
    expect(findGpu("NVIDIA-L4-SHARED")).toMatchObject({ found: true, shared: true });
    expect(findGpu("NVIDIA-L4")).toMatchObject({ found: true, shared: false });
  });

  it.each([
    ["NVIDIA-A100-SXM4-40GB-MIG-3g.20gb", "mig"],
    ["NVIDIA-H100-NVL", "unsourced"],
    ["H100-NVL", "unsourced"],
    ["a100", "ambiguous"],
    ["Tesla-T4", "unknown"],
    ["NVIDIA-L400", "unknown"],
    ["", "unknown"],
  ])("%s is missing: %s", (label, why) => {
    expect(findGpu(label)).toMatchObject({ found: false, why });
  });
});
