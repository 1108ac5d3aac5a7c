import { configProblems } from "../engine/config-problems.ts";
import { defaultMaxModelLen, engineDefaults } from "../engine/defaults.ts";
import type { EngineConfig } from "../engine/engine.ts";
import { kvCapacity } from "../engine/kv-capacity.ts";
import type { LatencyContext } from "../latency/latency-model.ts";
import { findGpu, findModel } from "../model/catalogue/index.ts";
import { catalogueModels } from "../model/catalogue/models.ts";
import type { Hardware } from "../model/hardware.ts";
import type { ModelShape, MoeShape } from "../model/model-shape.ts";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { ArchitectureFields } from "./measured-file.ts";
import type { ServerSaid } from "./measured-run.ts";

/** One measured server, resolved: what the engine and a latency model need. */
export interface Server {
  readonly context: LatencyContext;
  /** Of one engine. */
  readonly config: EngineConfig;
  /** Engines behind one front door, each with its own cache: ranks of a dense model. */
  readonly engines: number;
}

/**
 * vLLM's own settings where a file doesn't say. Data-parallel ranks of a dense model are engines of their own; those of a
 * mixture of experts wait for each other in every layer, so they are one engine with all their memory.
 */
export const serverOf = (said: ServerSaid, longestRequest: number): Result<Server> => {
  const warnings: Problem[] = [];
  const hardware = hardwareOf(said.gpu, warnings);
  if (hardware === undefined) return bad(...warnings);
  const shape = shapeOf(said, warnings);
  if (shape === undefined) return bad(...warnings);
  const lockstep = shape.moe !== undefined ? said.dp : 1;
  const engines = shape.moe !== undefined ? 1 : said.dp;
  const parallelism = { tp: said.tp, pp: 1, dp: lockstep, expertParallel: said.expertParallel };
  const longest = Math.max(said.maxModelLen ?? Math.min(defaultMaxModelLen(shape).value, 32_768), longestRequest);
  const version = said.version ?? "0.15.0";
  const defaults = engineDefaults({
    mode: "vllm",
    version,
    hardware,
    maxModelLen: longest,
    ...(said.maxNumSeqs === undefined ? {} : { maxNumSeqs: said.maxNumSeqs }),
    ...(said.maxNumBatchedTokens === undefined ? {} : { maxNumBatchedTokens: said.maxNumBatchedTokens }),
  });
  const blockSize = said.blockSize ?? 16;
  const maxNumSeqs = said.maxNumSeqs ?? defaults.maxNumSeqs.value;
  const maxNumBatchedTokens = said.maxNumBatchedTokens ?? defaults.maxNumBatchedTokens.value;
  const capacity =
    said.numGpuBlocks === undefined
      ? kvCapacity({
          mode: "vllm",
          shape,
          hardware,
          parallelism,
          gpuMemoryUtilization: said.gpuMemoryUtilization ?? defaults.gpuMemoryUtilization.value,
          blockSize,
          maxNumSeqs,
          maxNumBatchedTokens,
          version,
        })
      : undefined;
  if (capacity?.ok === false) return bad(...warnings, ...capacity.problems);
  const numGpuBlocks = (capacity?.value.blocks ?? (said.numGpuBlocks as number)) * lockstep;
  const config: EngineConfig = {
    mode: "vllm",
    maxNumSeqs: maxNumSeqs * lockstep,
    maxNumBatchedTokens: maxNumBatchedTokens * lockstep,
    maxModelLen: Math.min(longest, (numGpuBlocks - 1) * blockSize),
    blockSize,
    numGpuBlocks,
    prefixCaching: said.prefixCaching,
    chunkedPrefill: true,
    longPrefillTokenThreshold: 0,
    asyncScheduling: defaults.asyncScheduling.value,
  };
  const problems = configProblems(config);
  if (problems.length > 0) return bad(...warnings, ...problems);
  const { asyncScheduling } = config;
  return good({ context: { shape, hardware, parallelism, mode: "vllm", asyncScheduling }, config, engines }, warnings);
};

const hardwareOf = (name: string, problems: Problem[]): Hardware | undefined => {
  const found = findGpu(name.replaceAll("_", "-"));
  if (found.found) return found.hardware;
  const [first] = found.candidates;
  const guess = found.why === "ambiguous" && first !== undefined ? findGpu(first) : undefined;
  const message = guess?.found === true ? `${found.message}: taken for ${guess.hardware.id}` : found.message;
  problems.push({ severity: guess?.found === true ? "warning" : "error", reason: "UnknownGpu", message });
  return guess?.found === true ? guess.hardware : undefined;
};

/** Bytes of a quantised weight, by the words that are used for precisions; 4-bit floats carry their scales. */
const PRECISIONS: readonly (readonly [RegExp, number])[] = [
  [/int4|w4a16|w4|awq|gptq|4bit|4-bit/i, 0.5],
  [/fp4|mxfp4|nvfp4/i, 0.5625],
  [/fp8|int8|w8a8|8bit|8-bit/i, 1],
  [/16/i, 2],
  [/32/i, 4],
];

const shapeOf = (said: ServerSaid, problems: Problem[]): ModelShape | undefined => {
  const known = findModel(said.model)?.shape ?? unquantisedOf(said.model);
  const shape = known ?? (said.architecture === undefined ? undefined : givenShape(said.model, said.architecture));
  if (shape === undefined) {
    const message = `the catalogue has no model ${said.model}, and the file doesn't give its architecture`;
    problems.push({ severity: "error", reason: "UnknownModel", message, fix: "add it to the file's models" });
    return undefined;
  }
  if (said.precision === undefined) return shape;
  const bytes = PRECISIONS.find(([words]) => words.test(said.precision as string))?.[1];
  if (bytes === undefined) {
    const message = `precision ${said.precision} isn't known: taken as the model's own`;
    problems.push({ severity: "warning", reason: "UnknownPrecision", message });
    return shape;
  }
  // A checkpoint of the catalogue that is quantised as said knows better which of its parts are.
  if (bytes >= shape.dtypeBytes || Math.abs(shape.weightBytes - bytes) < 0.1) return shape;
  return { ...shape, weightBytes: bytes, quantizedParts: "linear" };
};

/** The model of which a name with a precision at its end is a quantised copy, whoever made it. */
const unquantisedOf = (id: string): ModelShape | undefined => {
  const tail = id
    .slice(id.lastIndexOf("/") + 1)
    .replace(/[-.](FP8|NVFP4|AWQ|GPTQ|INT[48]|W\dA\d+|dynamic|quantized).*$/i, "");
  return catalogueModels.find(({ shape }) => shape.id.endsWith(`/${tail}`))?.shape;
};

/** Names of a field in configs and in files like ours. */
const FIELDS = {
  experts: ["experts", "num_experts", "num_local_experts", "n_routed_experts"],
  expertsPerToken: ["experts_per_token", "num_experts_per_tok", "top_k"],
  expertWidth: ["moe_intermediate", "moe_intermediate_size", "expert_intermediate"],
  sharedWidth: ["shared_intermediate", "shared_expert_intermediate", "shared_expert_intermediate_size"],
  sharedExperts: ["shared_experts", "n_shared_experts"],
  denseWidth: ["intermediate_dense_mlp", "intermediate_size_mlp", "dense_intermediate"],
  denseFirst: ["first_k_dense_replace", "dense_layers_first"],
  step: ["moe_layer_step", "interleave_moe_layer_step"],
  window: ["sliding_window"],
  kvLoraRank: ["kv_lora_rank"],
  qLoraRank: ["q_lora_rank"],
  rope: ["qk_rope_head_dim"],
  nope: ["qk_nope_head_dim"],
  value: ["v_head_dim"],
} as const;

/** A model that no catalogue knows, by the architecture fields of the file. */
const givenShape = (id: string, fields: ArchitectureFields): ModelShape => {
  const read = (name: keyof typeof FIELDS): number | undefined => {
    const value = FIELDS[name].map((key) => fields[key]).find((found) => typeof found === "number");
    return typeof value === "number" ? value : undefined;
  };
  const bytes = /32/.test(fields.config_dtype ?? "") ? 4 : 2;
  const headDim = fields.head_dim ?? Math.floor(fields.hidden / fields.heads);
  const intermediate = fields.intermediate ?? 0;
  const experts = read("experts") ?? 0;
  const expertWidth = read("expertWidth");
  const width = expertWidth ?? intermediate;
  const moe: MoeShape | undefined =
    experts < 2
      ? undefined
      : {
          experts,
          expertsPerToken: read("expertsPerToken") ?? 1,
          expertIntermediate: width,
          expertIntermediateOwn: expertWidth !== undefined,
          sharedIntermediate: read("sharedWidth") ?? (read("sharedExperts") ?? 0) * width,
          denseLayersFirst: read("denseFirst") ?? 0,
          interleaveStep: read("step") ?? 0,
          denseIntermediate: read("denseWidth") ?? 0,
        };
  const [kvLoraRank, rope, nope, value] = [read("kvLoraRank"), read("rope"), read("nope"), read("value")];
  const qLoraRank = read("qLoraRank");
  const window = read("window");
  return {
    id,
    layers: fields.layers,
    hidden: fields.hidden,
    heads: fields.heads,
    kvHeads: fields.kv_heads ?? fields.heads,
    headDim,
    headDimExplicit: headDim !== Math.floor(fields.hidden / fields.heads),
    intermediate,
    vocab: fields.vocab,
    maxPositionEmbeddings: 32_768,
    dtypeBytes: bytes,
    weightBytes: bytes,
    ...(moe === undefined ? {} : { moe }),
    ...(kvLoraRank === undefined || rope === undefined || nope === undefined || value === undefined
      ? {}
      : {
          mla: {
            kvLoraRank,
            qkRopeHeadDim: rope,
            qkNopeHeadDim: nope,
            vHeadDim: value,
            ...(qLoraRank === undefined ? {} : { qLoraRank }),
          },
        }),
    ...(window === undefined ? {} : { slidingWindow: window }),
    source: "the measured file's models",
  };
};
