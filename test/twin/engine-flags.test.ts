import { describe, expect, it } from "vitest";
import type { EngineConfig } from "../../src/engine/engine.ts";
import { describeProblem } from "../../src/model/problem.ts";
import type { MirrorParts } from "../../src/twin/mirror.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const D = "Deployment/inference/vllm-llama-8b";
const A = `${D}: spec.template.spec.containers[0].args`;

interface Said {
  readonly args?: readonly string[];
  readonly overrides?: Json;
  readonly model?: string;
  readonly gpus?: number;
  readonly image?: string;
  readonly parts?: Partial<MirrorParts>;
}

const mirrored = ({ args = [], overrides = {}, model, gpus, image, parts }: Said) => {
  const quickstart = new Quickstart();
  // Room for what is tested: those of the example stand for themselves.
  quickstart.container.args.push(...args);
  if (model !== undefined) quickstart.container.command[2] = model;
  if (gpus !== undefined) quickstart.container.resources.limits["nvidia.com/gpu"] = String(gpus);
  if (image !== undefined) quickstart.container.image = `vllm/vllm-openai:${image}`;
  quickstart.simulation.spec.overrides = overrides;
  return quickstart.mirror(parts);
};
const workloadOf = (said: Said) => {
  const result = mirrored(said);
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  const [workload] = result.value.scenario.workloads;
  if (workload === undefined) throw new Error("no workload");
  return { workload, warnings: result.warnings.map(({ reason, message }) => `${reason}: ${message}`) };
};
const engineOf = (said: Said): EngineConfig => workloadOf(said).workload.engine;
const errorsOf = (said: Said): readonly string[] => {
  const result = mirrored(said);
  return result.ok ? [] : result.problems.filter(({ severity }) => severity === "error").map(describeProblem);
};
/** Bytes of one block of Llama-3.1-8B. */
const BLOCK = 2097152;

it("a flag that the image's version of vLLM hasn't is told, where the image tells one", () => {
  const warningsFor = (image: string): readonly string[] =>
    workloadOf({ image, args: ["--async-scheduling"] }).warnings.filter((text) => text.startsWith("FlagOfOther"));
  // The quickstart's own --shutdown-timeout is newer as well.
  expect(warningsFor("v0.9.2").map((text) => text.match(/--\S+|came with [^;]+/g))).toEqual([
    ["--shutdown-timeout", "came with 0.18.0"],
    ["--async-scheduling", "came with 0.10.0"],
  ]);
  expect([warningsFor("latest"), warningsFor("v0.22.0")]).toEqual([[], []]);
});

describe("flags that become settings", () => {
  it.each<Said & { name: string; engine: Partial<EngineConfig> }>([
    {
      name: "nothing said",
      engine: {
        schedulingPolicy: "fcfs",
        pipelineStages: 1,
        ranks: 1,
        lockstep: false,
        kvGroups: [{}],
        encoderBudget: 8192,
        encoderCacheTokens: 8192,
      },
    },
    { name: "priority", args: ["--scheduling-policy=priority"], engine: { schedulingPolicy: "priority" } },
    {
      name: "a policy of the reference simulator",
      overrides: { engine: { mode: "blis", schedulingPolicy: "sjf" } },
      engine: { schedulingPolicy: "sjf" },
    },
    {
      name: "bounds of the queue",
      args: ["--max-num-queued-reqs=64", "--max-num-queued-tokens=100k"],
      engine: { maxQueuedRequests: 64, maxQueuedTokens: 100_000 },
    },
    {
      name: "adapters: 16 ranks of 32 layers are 84 MB, over PCIe 5 and from a network disk",
      args: ["--enable-lora", "--max-loras=4", "--max-cpu-loras=8"],
      engine: { lora: { maxLoras: 4, maxCpuLoras: 8, gpuLoadMicros: 1311, diskLoadMicros: 270600 } },
    },
    {
      name: "adapters whose load times are given",
      args: ["--enable-lora"],
      overrides: { engine: { lora: { gpuLoad: "5ms", diskLoad: "2s" } } },
      engine: { lora: { maxLoras: 1, maxCpuLoras: 1, gpuLoadMicros: 5000, diskLoadMicros: 2_000_000 } },
    },
    {
      name: "KV in host memory, by its size",
      args: ["--kv-offloading-size=8"],
      engine: { offload: { hostBlocks: 4096, microsPerBlock: BLOCK / 64e3, latencyMicros: 1 } },
    },
    {
      name: "KV in host memory over two GPUs: the size is of both",
      args: ["--kv-offloading-size=8", "-tp=2"],
      gpus: 2,
      engine: { offload: { hostBlocks: 4096, microsPerBlock: BLOCK / 2 / 64e3, latencyMicros: 1 } },
    },
    {
      name: "KV in host memory, by a connector",
      args: [
        `--kv-transfer-config={"kv_connector": "OffloadingConnector", "kv_connector_extra_config": {"cpu_bytes_to_use": ${2 ** 33}}}`,
      ],
      engine: { offload: { hostBlocks: 4096, microsPerBlock: BLOCK / 64e3, latencyMicros: 1 } },
    },
    {
      name: "KV in host memory, by an older connector's blocks",
      args: [
        "--kv-transfer-config.kv_connector=OffloadingConnector",
        "--kv-transfer-config.kv_connector_extra_config.num_cpu_blocks=1000",
      ],
      engine: { offload: { hostBlocks: 1000, microsPerBlock: BLOCK / 64e3, latencyMicros: 1 } },
    },
    {
      name: "speculation, with acceptance given",
      args: ['--speculative-config={"method": "eagle3", "model": "acme/eagle", "num_speculative_tokens": 3}'],
      overrides: { engine: { speculation: { acceptance: [0.8, 0.6] } } },
      engine: { speculation: { tokens: 3, acceptance: [0.8, 0.6, 0.6] }, asyncScheduling: true },
    },
    {
      name: "speculation by n-grams, which hinders asynchronous scheduling",
      args: ['--speculative-config={"method": "ngram", "num_speculative_tokens": 2}'],
      engine: { speculation: { tokens: 2, acceptance: [0.5, 0.5] }, asyncScheduling: false },
    },
    {
      name: "speculation by the shorter flags",
      args: ["--spec-method=mtp", "--spec-tokens=1"],
      engine: { speculation: { tokens: 1, acceptance: [0.85] } },
    },
    {
      name: "data-parallel ranks of a model with experts",
      args: ["-dp=2", "--enable-expert-parallel"],
      model: "Qwen/Qwen3-30B-A3B",
      gpus: 2,
      engine: { ranks: 2, lockstep: true },
    },
    { name: "data-parallel ranks of a dense model", args: ["-dp=2"], gpus: 2, engine: { ranks: 2, lockstep: false } },
    { name: "pipeline stages", args: ["-pp=2"], gpus: 2, engine: { pipelineStages: 2, asyncScheduling: true } },
    {
      name: "pipeline stages of a version that can't be asynchronous with them",
      args: ["-pp=2"],
      gpus: 2,
      image: "v0.14.0",
      engine: { pipelineStages: 2, asyncScheduling: false },
    },
    { name: "the Ray executor", args: ["--distributed-executor-backend=ray"], engine: { asyncScheduling: false } },
    { name: "windows", model: "openai/gpt-oss-20b", engine: { kvGroups: [{}, { window: 128 }] } },
    {
      name: "windows held like full layers",
      model: "openai/gpt-oss-20b",
      args: ["--disable-hybrid-kv-cache-manager"],
      engine: { kvGroups: [{}] },
    },
    {
      name: "several prompts at once: 4 % of 16384 tokens",
      args: ["--max-num-partial-prefills=4"],
      image: "v0.30.0",
      engine: { longPrefillTokenThreshold: 655 },
    },
    {
      name: "several prompts at once, with a threshold",
      args: ["--max-num-partial-prefills=4", "--long-prefill-token-threshold=100"],
      image: "v0.30.0",
      engine: { longPrefillTokenThreshold: 100 },
    },
  ])("$name", ({ engine, ...said }) => expect(engineOf(said)).toMatchObject(engine));

  it("--performance-mode throughput doubles what is not set", () => {
    const args = ["--performance-mode=throughput"];
    const quickstart = new Quickstart();
    quickstart.container.args = ["--tensor-parallel-size=1", "--max-model-len=16384", ...args];
    quickstart.container.env = [];
    const result = quickstart.mirror();
    const engine = result.ok ? result.value.scenario.workloads[0]?.engine : undefined;
    expect([engine?.maxNumSeqs, engine?.maxNumBatchedTokens]).toEqual([2048, 16384]);
    expect(engineOf({ args }).maxNumBatchedTokens).toBe(8192);
  });

  it.each([
    { args: ["--enforce-eager"] },
    { args: ["--compilation-config.cudagraph_mode=NONE"] },
    { args: ['-cc={"cudagraph_mode": "none"}'] },
  ])("$args takes the CUDA graphs away, and their memory with them", ({ args }) => {
    const [eager, graphs] = [workloadOf({ args }).workload, workloadOf({}).workload];
    expect([eager.eager, graphs.eager]).toEqual([true, false]);
    expect(eager.engine.numGpuBlocks - graphs.engine.numGpuBlocks).toBe(205);
  });

  it.each([
    { name: "adapters", args: ["--enable-lora", "--max-loras=8", "--max-lora-rank=64"] },
    { name: "a draft model", args: ["--spec-model=meta-llama/Llama-3.2-1B-Instruct", "--spec-tokens=3"] },
    { name: "a draft head", args: ["--spec-method=eagle", "--spec-model=acme/eagle", "--spec-tokens=3"] },
    { name: "more sequences", args: ["--max-num-seqs=1024"] },
  ])("$name: fewer KV blocks", ({ args }) => {
    expect(engineOf({ args }).numGpuBlocks).toBeLessThan(engineOf({}).numGpuBlocks - 100);
  });

  it("the memory beside weights and KV can be given", () => {
    const gib = (overheadGiB: number) => engineOf({ overrides: { engine: { overheadGiB } } }).numGpuBlocks;
    expect(gib(1) - gib(3)).toBe(1024);
  });
});

describe("what vLLM refuses is refused with its reason, at the field", () => {
  it.each<Said & { name: string; error: string }>([
    {
      name: "a scheduling policy",
      args: ["--scheduling-policy=sjf"],
      error: `${A}[10]: --scheduling-policy must be one of fcfs, priority, not sjf; set fcfs or priority`,
    },
    {
      name: "a policy that only the reference simulator has",
      overrides: { engine: { schedulingPolicy: "sjf" } },
      error:
        "spec.overrides.engine.schedulingPolicy: vLLM has no scheduling policy sjf; only the reference simulator (engine.mode: blis) has; set fcfs or priority",
    },
    {
      name: "an adapter's rank",
      args: ["--enable-lora", "--max-lora-rank=24"],
      error: `${A}[11]: max_lora_rank (24) must be one of 1, 8, 16, 32, 64, 128, 256, 320, 512; set one of these`,
    },
    {
      name: "no adapter",
      args: ["--enable-lora", "--max-loras=0"],
      error: `${A}[11]: max_loras (0) must be at least 1; set 1 or more`,
    },
    {
      name: "fewer adapters in host memory than on the GPU",
      args: ["--enable-lora", "--max-loras=4", "--max-cpu-loras=2"],
      error: `${A}[12]: max_cpu_loras (2) must be >= max_loras (4); set --max-cpu-loras to at least 4`,
    },
    {
      name: "no draft token",
      args: ["--spec-method=mtp", "--spec-tokens=0"],
      error: `${A}[10]: num_speculative_tokens must be greater than 0, not 0; set a whole number such as 3`,
    },
    {
      name: "a drafter without a number of tokens",
      args: ['--speculative-config={"method": "eagle", "model": "a/b"}'],
      error: `${A}[10]: num_speculative_tokens must be given for eagle; set a whole number such as 3`,
    },
    {
      name: "asynchronous scheduling with n-grams",
      args: ["--async-scheduling", "--spec-method=ngram", "--spec-tokens=2"],
      error: `${A}[10]: async scheduling is not supported with ngram speculation; leave --async-scheduling out`,
    },
    {
      name: "a block size",
      args: ["--block-size=24"],
      error: `${A}[10]: --block-size must be a multiple of 16, as vLLM's attention kernels take it, not 24; set 16, or leave it out`,
    },
    {
      name: "expert parallelism without experts",
      args: ["--enable-expert-parallel"],
      error: `${A}[1]: meta-llama/Llama-3.1-8B-Instruct has no experts: their number must be greater than 0 when expert parallelism is enabled; leave --enable-expert-parallel out`,
    },
    {
      name: "more pipeline stages than layers",
      args: ["-pp=33"],
      gpus: 33,
      error: `${A}[1]: 33 pipeline stages can't share 32 layers of meta-llama/Llama-3.1-8B-Instruct; set --pipeline-parallel-size to at most 32`,
    },
    {
      name: "a token budget below the sequences",
      args: ["--max-num-batched-tokens=32"],
      error: `${A}[10]: max_num_batched_tokens (32) is less than max_num_seqs (64); set --max-num-batched-tokens to at least 64, or --max-num-seqs to at most 32`,
    },
    {
      name: "a performance mode",
      args: ["--performance-mode=fast"],
      error: `${A}[10]: --performance-mode must be one of balanced, interactivity, throughput, not fast; set one of these`,
    },
    {
      name: "several prompts at once, by a version that can't",
      args: ["--max-num-partial-prefills=2"],
      error: `${A}[10]: Concurrent Partial Prefill is not supported by vLLM v0.22.0: it refuses to start; leave --max-num-partial-prefills out`,
    },
    {
      name: "more long prompts than prompts at once",
      args: ["--max-long-partial-prefills=2"],
      error: `${A}[10]: max_long_partial_prefills (2) must be less than or equal to max_num_partial_prefills (1); set at most 1`,
    },
    {
      name: "a bound that lets nothing in",
      args: ["--max-num-queued-reqs=0"],
      error: `${A}[10]: --max-num-queued-reqs must be at least 1; set 1 or more, or leave it out`,
    },
    {
      name: "an unknown place for KV",
      args: ["--kv-offloading-size=4", "--kv-offloading-backend=disk"],
      error: `${A}[11]: --kv-offloading-backend must be native or lmcache, not disk; set native`,
    },
  ])("$name", ({ error, ...said }) => expect(errorsOf(said)).toEqual([error]));
});

describe("KV below host memory", () => {
  const offloading = (extra: string): string =>
    `--kv-transfer-config={"kv_connector": "OffloadingConnector", "kv_connector_extra_config": {${extra}}}`;
  const LMCACHE = `--kv-transfer-config={"kv_connector": "LMCacheConnectorV1", "kv_role": "kv_both"}`;

  it.each<Said & { name: string; env?: Json; volume?: Json; tier: unknown; store: unknown; blocks?: number }>([
    {
      name: "vllm's fs tier without a volume: each replica's own",
      args: [
        offloading(
          '"spec_name": "TieringOffloadingSpec", "cpu_bytes_to_use": 8589934592, "secondary_tiers": [{"type": "fs", "root_dir": "/kv"}]',
        ),
      ],
      tier: { blocksPerChunk: 1, reads: true, writes: true },
      store: {
        name: "/kv of vllm-llama-8b",
        shared: false,
        latencyMicros: 100,
        readGBs: 7,
        writeGBs: 7,
        replicaGBs: 7,
      },
      blocks: 4096,
    },
    {
      name: "llm-d's fs backend on a claim: shared, 256 tokens a file",
      args: [offloading('"spec_name": "SharedStorageOffloadingSpec", "shared_storage_path": "/kv/cache"')],
      volume: { persistentVolumeClaim: { claimName: "kv" } },
      tier: { blocksPerChunk: 16 },
      store: { name: "/kv/cache", shared: true, latencyMicros: 50, readGBs: 25 },
    },
    {
      name: "LMCache's remote store, below 5 GiB of host memory",
      args: [LMCACHE],
      env: { LMCACHE_REMOTE_URL: "lm://cache:65432" },
      tier: { blocksPerChunk: 16, reads: true, writes: true },
      store: { name: "lm://cache:65432", shared: true },
      blocks: 2560,
    },
    {
      name: "LMCache's disk, without host memory",
      args: [LMCACHE.replace("kv_both", "kv_consumer")],
      env: {
        LMCACHE_LOCAL_CPU: "False",
        LMCACHE_LOCAL_DISK: "file:///d",
        LMCACHE_MAX_LOCAL_DISK_SIZE: "20",
        LMCACHE_CHUNK_SIZE: "128",
      },
      tier: { blocksPerChunk: 8, reads: true, writes: false },
      store: { name: "file:///d of vllm-llama-8b", shared: false, capacityBytes: 20 * 2 ** 30 },
    },
    {
      name: "an override alone",
      overrides: { engine: { tier: { capacityGiB: 100, readGBs: 3, latency: "2ms", chunkTokens: 64 } } },
      tier: { blocksPerChunk: 4 },
      store: {
        name: "override",
        shared: true,
        capacityBytes: 100 * 2 ** 30,
        readGBs: 3,
        writeGBs: 25,
        latencyMicros: 2000,
      },
    },
  ])("$name", ({ args = [], env = {}, volume, overrides = {}, tier, store, blocks }) => {
    const quickstart = new Quickstart();
    quickstart.container.args.push(...args);
    quickstart.container.env = Object.entries(env).map(([name, value]) => ({ name, value }));
    if (volume !== undefined) {
      quickstart.container.volumeMounts = [{ name: "kv", mountPath: "/kv" }];
      quickstart.pod.volumes = [{ name: "kv", ...volume }];
    }
    quickstart.simulation.spec.overrides = overrides;
    const result = quickstart.mirror();
    if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
    const { workloads, kvStores } = result.value.scenario;
    expect(workloads[0]?.engine.tier).toMatchObject(tier as object);
    expect(kvStores).toMatchObject([store]);
    expect(workloads[0]?.kvTier?.store).toBe(kvStores?.[0]?.name);
    expect(workloads[0]?.engine.offload?.hostBlocks).toBe(blocks);
  });

  it("chunks that are not whole blocks are refused", () => {
    expect(errorsOf({ overrides: { engine: { tier: { chunkTokens: 100 } } } })).toEqual([
      "spec.overrides.engine.tier.chunkTokens: chunks of 100 tokens are not whole KV blocks of 16; set a multiple of 16",
    ]);
  });
});

describe("vLLM exports what an offloading connector moves", () => {
  const connector = (name: string, extra = `"cpu_bytes_to_use": ${2 ** 33}`): string =>
    `--kv-transfer-config={"kv_connector": "${name}", "kv_connector_extra_config": {${extra}}}`;
  const tiers = `"spec_name": "TieringOffloadingSpec", "cpu_bytes_to_use": ${2 ** 33}, "secondary_tiers": [{"type": "fs"}]`;

  it.each<Said & { name: string; exported: unknown }>([
    { name: "its own", args: [connector("OffloadingConnector")], exported: { gpus: 1, bytesPerBlock: BLOCK } },
    {
      name: "by its size, over two GPUs",
      args: ["--kv-offloading-size=8", "-tp=2"],
      gpus: 2,
      exported: { gpus: 2, bytesPerBlock: BLOCK / 2 },
    },
    {
      name: "with a tier below",
      args: [connector("OffloadingConnector", tiers)],
      exported: { gpus: 1, bytesPerBlock: BLOCK, tier: "1:fs" },
    },
    { name: "not the simple one", args: [connector("SimpleCPUOffloadConnector")], exported: undefined },
    { name: "not LMCache", args: [connector("LMCacheConnectorV1", "")], exported: undefined },
    {
      name: "not LMCache by its flag",
      args: ["--kv-offloading-size=8", "--kv-offloading-backend=lmcache"],
      exported: undefined,
    },
  ])("$name", ({ exported, ...said }) => {
    const { offload } = engineOf(said);
    expect(offload?.hostBlocks).toBeGreaterThan(0);
    expect(offload?.connector).toEqual(exported);
  });
});

describe("what is assumed or not simulated is said", () => {
  it.each<Said & { name: string; warning: RegExp }>([
    {
      name: "acceptance",
      args: ["--spec-method=mtp"],
      warning:
        /AssumedAcceptance: no spec tells how many draft tokens are accepted: 0.85 per position is assumed for mtp/,
    },
    {
      name: "a draft model that no catalogue knows",
      args: ["--spec-model=acme/tiny", "--spec-tokens=3"],
      warning: /NotModelled: the catalogue has no model acme\/tiny: the draft model's memory is not counted/,
    },
    {
      name: "disaggregation",
      args: ['--kv-transfer-config={"kv_connector": "P2pNcclConnector", "kv_role": "kv_both"}'],
      warning: /NotModelled: --kv-transfer-config: P2pNcclConnector is not modelled/,
    },
    ...[
      { setting: "eviction_policy", value: "arc" },
      { setting: "store_threshold", value: 2 },
      { setting: "offload_prompt_only", value: false },
      { setting: "blocks_per_chunk", value: 4 },
    ].map(({ setting, value }) => ({
      name: `what host memory would keep otherwise: ${setting}`,
      args: [
        `--kv-transfer-config=${JSON.stringify({
          kv_connector: "OffloadingConnector",
          kv_connector_extra_config: { cpu_bytes_to_use: 2 ** 33, [setting]: value },
        })}`,
      ],
      warning: new RegExp(
        `NotModelled: --kv-transfer-config: ${setting} ${JSON.stringify(value)} is not modelled: host`,
      ),
    })),
    {
      name: "compilation",
      args: ["--compilation-config.mode=0"],
      warning: /NotModelled: --compilation-config changes performance and is not modelled but for cudagraph_mode/,
    },
    { name: "all-to-all", args: ["--all2all-backend=pplx"], warning: /NotModelled: --all2all-backend changes/ },
  ])("$name", ({ warning, ...said }) => {
    expect(workloadOf(said).warnings).toContainEqual(expect.stringMatching(warning));
  });
});

const CONFIG = {
  num_hidden_layers: 16,
  hidden_size: 4096,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14336,
  vocab_size: 128256,
  max_position_embeddings: 32768,
  dtype: "bfloat16",
  tie_word_embeddings: false,
};

describe("models and GPUs of one's own", () => {
  it("a model by its config.json, single figures overridden", () => {
    const overrides = { model: { id: "acme/half", vocab: 64_000, config: { path: "config.json" } } };
    const { workload } = workloadOf({ overrides, parts: { modelConfig: JSON.stringify(CONFIG) } });
    expect(workload.shape).toMatchObject({ id: "acme/half", layers: 16, vocab: 64_000, kvHeads: 8 });
    expect(workload.engine.numGpuBlocks).toBeGreaterThan(2 * 28_949);
  });

  it("a config without a needed field names it", () => {
    const overrides = { model: { config: { path: "config.json" } } };
    const modelConfig = JSON.stringify({ ...CONFIG, hidden_size: undefined });
    expect(errorsOf({ overrides, parts: { modelConfig } })).toEqual([
      "spec.overrides.model.config: the config of meta-llama/Llama-3.1-8B-Instruct lacks hidden_size; add hidden_size",
    ]);
  });

  it("a model inline: experts and windows", () => {
    const model = {
      id: "acme/moe",
      layers: 24,
      hidden: 2048,
      heads: 16,
      kvHeads: 4,
      intermediate: 8192,
      vocab: 32_000,
      maxPositionEmbeddings: 32_768,
      tieWordEmbeddings: true,
      slidingWindow: 512,
      slidingLayers: 20,
      moe: { experts: 64, expertsPerToken: 4, expertIntermediate: 1024 },
    };
    const { workload } = workloadOf({ overrides: { model } });
    expect(workload.shape).toMatchObject({
      moe: { experts: 64, expertIntermediate: 1024, sharedIntermediate: 0, denseLayersFirst: 0 },
      layerKinds: { sliding_attention: 20, full_attention: 4 },
      tieWordEmbeddings: true,
    });
    expect(workload.engine.kvGroups).toEqual([{}, ...Array(5).fill({ window: 512 })]);
  });

  it("a GPU by its figures", () => {
    const hardware = { gpu: "RTX-4090", bf16Tflops: 165.2, memoryGiB: 24, memoryBandwidthTBs: 1.008 };
    const { workload } = workloadOf({ overrides: { hardware }, args: ["--max-model-len=4096"] });
    expect(workload.hardware).toMatchObject({ ...{ id: "RTX-4090" }, bf16Tflops: 165.2, memoryGiB: 24 });
    expect(workload.engine.numGpuBlocks).toBeLessThan(3000);
  });

  it("a known GPU with other figures", () => {
    const { workload } = workloadOf({ overrides: { hardware: { gpu: "H100", memoryGiB: 94 } } });
    expect(workload.hardware).toMatchObject({ id: "H100-SXM", memoryGiB: 94, bf16Tflops: 989.5 });
    expect(workload.hardware.visibleMiB).toBeUndefined();
    expect(workload.engine.numGpuBlocks).toBeGreaterThan(34_000);
  });

  it("a GPU that lacks figures names them", () => {
    expect(errorsOf({ overrides: { hardware: { gpu: "RTX-5090", memoryGiB: 24 } } })).toEqual([
      "spec.overrides.hardware.gpu: GPU type RTX-5090 isn't known, and bf16Tflops, memoryBandwidthTBs is not given; set spec.overrides.hardware.bf16Tflops",
    ]);
  });
});
