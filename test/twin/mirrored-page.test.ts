import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { describeSource } from "../../src/model/known.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import { Quickstart } from "./quickstart.ts";

const W = "workloads[vllm-llama-8b]";
const FIELD = "spec.overrides.engine.metricsPage";
const info = (labels: string, engine = '"0"') => `vllm:cache_config_info{engine=${engine},${labels}} 1.0\n`;
const RUNNING = 'vllm:num_requests_running{engine="0",model_name="llama-3.1-8b"} 0.0\n';

const mirrored = (
  text: string,
  { engine = {}, change }: { engine?: object; change?: (q: Quickstart) => void } = {},
) => {
  const quickstart = new Quickstart();
  quickstart.simulation.spec.overrides = { engine: { metricsPage: { inline: "…" }, ...engine } };
  change?.(quickstart);
  return quickstart.mirror({ metricsPage: { text, from: "replica.prom" } });
};
const engineOf = (...args: Parameters<typeof mirrored>) => {
  const found = mirrored(...args);
  if (!found.ok) throw new Error(found.problems.map(describeProblem).join("\n"));
  const told = (name: string) => {
    const value = found.value.values.find(({ path }) => path === `${W}.engine.${name}`);
    return value === undefined ? undefined : [value.value, describeSource(value.from)];
  };
  const warnings = found.warnings.filter(({ field }) => field === FIELD).map(({ reason }) => reason);
  const { blockSize, numGpuBlocks } = found.value.scenario.workloads[0]?.engine ?? {};
  expect([told("numGpuBlocks")?.[0], told("blockSize")?.[0]]).toEqual([numGpuBlocks, blockSize]);
  return { numGpuBlocks: told("numGpuBlocks"), blockSize: told("blockSize"), warnings };
};
const own = (value: number) => [value, `override ${FIELD}`];
const problemsOf = (...args: Parameters<typeof mirrored>) => {
  const found = mirrored(...args);
  return found.ok ? [] : found.problems.filter(({ severity }) => severity === "error");
};

const GOOD = `${info('block_size="16",num_gpu_blocks="27000"')}${RUNNING}`;

describe("a replica's metrics page", () => {
  it("says how many blocks there are, and of what size", () => {
    expect(engineOf(GOOD)).toEqual({ numGpuBlocks: own(27_000), blockSize: own(16), warnings: [] });
    const wide = `${info('block_size="32",num_gpu_blocks="14000"')}${RUNNING}`;
    expect(engineOf(wide)).toEqual({ numGpuBlocks: own(14_000), blockSize: own(32), warnings: [] });
  });

  it("comes after an override and before a flag", () => {
    const { numGpuBlocks, blockSize } = engineOf(GOOD, { engine: { numGpuBlocks: 5000 } });
    expect(numGpuBlocks).toEqual([5000, "override spec.overrides.engine.numGpuBlocks"]);
    expect(blockSize).toEqual(own(16));
    const flagged = engineOf(GOOD, { change: (q) => q.setFlag("num-gpu-blocks-override", 9000) });
    expect(flagged.numGpuBlocks).toEqual(own(27_000));
  });

  it("may be of several engines that agree", () => {
    const labels = 'block_size="16",num_gpu_blocks="27000"';
    expect(engineOf(info(labels) + info(labels, '"1"')).numGpuBlocks).toEqual(own(27_000));
  });

  it("is read by the text format: order, spaces, escapes, time stamps, other families", () => {
    const labels = 'x="a\\"b,}\\\\" , num_gpu_blocks = "27000" ,block_size="16",';
    const text = `# HELP vllm:cache_config_info x\n# TYPE vllm:cache_config_info gauge\n\npython_info{a="b"} 1\r\nvllm:cache_config_info{${labels}} 1 1395066363000\r\n`;
    expect(engineOf(text)).toMatchObject({ numGpuBlocks: own(27_000), blockSize: own(16) });
  });

  it.each([
    ["of another model", GOOD.replace("llama-3.1-8b", "other/model"), undefined, ["OtherModel"]],
    ["of several, one of them right", `${GOOD}${RUNNING.replace("llama-3", "other")}`, undefined, []],
    ["without block size", info('block_size="None",num_gpu_blocks="27000"'), undefined, ["NoBlockSize"]],
    ["of far fewer blocks", info('block_size="16",num_gpu_blocks="9000"'), undefined, ["OtherCapacity"]],
    ["of far more blocks", info('block_size="16",num_gpu_blocks="90000"'), undefined, ["OtherCapacity"]],
    [
      "of another memory share",
      info('block_size="16",gpu_memory_utilization="0.9",num_gpu_blocks="27000"'),
      (q: Quickstart) => q.setFlag("gpu-memory-utilization", "0.93"),
      ["OtherSettings"],
    ],
    ["of another block size", GOOD, (q: Quickstart) => q.setFlag("block-size", 32), ["OtherSettings", "OtherCapacity"]],
  ])("%s is believed with a warning where it doesn't fit", (_name, text, change, reasons) => {
    const found = engineOf(text, change === undefined ? {} : { change });
    // 27000 blocks are twice what fits at 32 tokens each, but the page's size wins as well.
    expect(found.warnings).toEqual(reasons.filter((reason) => reason !== "OtherCapacity" || change === undefined));
  });

  it.each([
    ["nothing", "", "replica.prom has no vllm:cache_config_info"],
    ["a login page", "<html>vllm:cache_config_info</html>", "replica.prom has no vllm:cache_config_info"],
    ["no count yet", info('block_size="16",num_gpu_blocks="None"'), 'num_gpu_blocks="None"'],
    ["no count", info('block_size="16"'), "no num_gpu_blocks"],
    ["a count of none", info('block_size="16",num_gpu_blocks="0"'), 'num_gpu_blocks="0"'],
    ["a count that isn't", info('block_size="16",num_gpu_blocks="12.5"'), 'num_gpu_blocks="12.5"'],
    ["a count beyond all memory", info('block_size="16",num_gpu_blocks="99999999999"'), "no count of blocks"],
    ["a broken line", '\nvllm:cache_config_info{block_size="16', "line 2: this is no sample"],
    [
      "ranks that disagree",
      info('block_size="16",num_gpu_blocks="5"') + info('block_size="16",num_gpu_blocks="6"', '"1"'),
      "disagree on num_gpu_blocks (engine 0: 5, engine 1: 6)",
    ],
    [
      "ranks of unlike blocks",
      info('block_size="16",num_gpu_blocks="5"') + info('block_size="32",num_gpu_blocks="5"', '"1"'),
      "disagree on block_size",
    ],
  ])("is refused with %s", (_name, text, says) => {
    expect(problemsOf(text)).toMatchObject([{ field: FIELD, message: expect.stringContaining(says) }]);
  });

  it("may disagree where numGpuBlocks is told", () => {
    const text = info('block_size="16",num_gpu_blocks="5"') + info('block_size="16",num_gpu_blocks="6"', '"1"');
    expect(engineOf(text, { engine: { numGpuBlocks: 5000 } }).numGpuBlocks?.[0]).toBe(5000);
  });

  it("has a block size that vLLM's kernels take", () => {
    const text = info('block_size="17",num_gpu_blocks="27000"');
    expect(problemsOf(text)).toMatchObject([{ field: FIELD, reason: "BadArgument" }]);
  });

  it.each([{}, { path: "a", inline: "b" }, { url: "ftp://a" }])("must be in one place: %j", (metricsPage) => {
    const { simulation } = new Quickstart();
    simulation.spec.overrides = { engine: { metricsPage } };
    const found = parseSimulation(simulation, {});
    expect(found.ok ? [] : found.problems.map(({ field }) => field?.startsWith(FIELD))).toEqual([true]);
  });
});

const recorded = fileURLToPath(new URL("../../../shared/expositions/vllm/", import.meta.url));

describe.skipIf(!existsSync(recorded))(
  "a recorded page (../shared/expositions/vllm, skipped where it isn't there)",
  () => {
    it.each([
      ["vllm_v1_2026-05_live_h100_inferguard.prom", 20_539],
      ["vllm_v0.5_2024-08_kubeai.txt", 4574],
      ["vllm_v0.7_2025-01_aibrix_excerpt.txt", 81_767],
    ])("%s has %i blocks of 16", (file, blocks) => {
      const found = engineOf(readFileSync(`${recorded}${file}`, "utf8"));
      expect([found.numGpuBlocks, found.blockSize]).toEqual([own(blocks), own(16)]);
    });

    it("of names alone, and of another server, is refused", () => {
      for (const file of ["vllm_v0.26.0_families.txt", "lmcache_mp_2026-05_live_h100_inferguard.prom"])
        expect(problemsOf(readFileSync(`${recorded}${file}`, "utf8"))).toMatchObject([{ reason: "BadMetricsPage" }]);
    });
  },
);
