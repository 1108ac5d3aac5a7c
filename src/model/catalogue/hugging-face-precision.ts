import { isMapping } from "../mapping.ts";
import type { ModelShape } from "../model-shape.ts";
import type { Problem } from "../problem.ts";
import type { Config } from "./hugging-face-reading.ts";

type Precision = Pick<ModelShape, "dtypeBytes" | "weightBytes" | "quantizedParts" | "scaleBytes" | "kvElementBytes"> & {
  readonly padHiddenTo?: number;
};

/** Width of a quantised weight, and what its scales and zero points add. */
interface Width {
  readonly weightBytes: number;
  readonly scaleBytes?: number;
}

/** `torch_dtype` or `dtype`, and `quantization_config` in each of its forms. vLLM serves float32 checkpoints in 16 bit. */
export const precisionOf = (id: string, config: Config, hasExperts: boolean, warnings: Problem[]): Precision => {
  const dtype = config.torch_dtype ?? config.dtype;
  if (dtype === undefined) {
    const message = `the config of ${id} has no dtype: 16-bit weights and activations are assumed`;
    warnings.push({ severity: "warning", reason: "AssumedDtype", message, fix: "add dtype" });
  }
  const dtypeBytes = 2;
  const said = [config.quantization_config, config.compression_config].find(isMapping);
  if (said === undefined) return { dtypeBytes, ...byName(id, dtypeBytes) };
  const method = String(said.quant_method ?? said.quant_algo ?? "").toLowerCase();
  const kv = kvElementOf(said);
  const width = widthOf(method, said);
  if (width === undefined) {
    const message = `the config of ${id} is quantised by ${method === "" ? "an unnamed method" : method}, which is not known here: counted as unquantised`;
    const fix = "set spec.overrides.model.weightBytes";
    warnings.push({ severity: "warning", reason: "UnknownQuantization", message, fix });
    return { dtypeBytes, weightBytes: dtypeBytes, ...kv };
  }
  const experts = hasExperts && leavesAttention(said);
  const pad = method === "mxfp4" && hasExperts ? { padHiddenTo: 256 } : {};
  return { dtypeBytes, ...width, quantizedParts: experts ? "experts" : "linear", ...kv, ...pad };
};

/** Of last resort: what the name says (`w4a16`, a word `fp8`). */
const byName = (id: string, dtypeBytes: number): Pick<Precision, "weightBytes" | "quantizedParts"> => {
  const name = id.toLowerCase();
  if (name.includes("w4a16")) return { weightBytes: 0.5, quantizedParts: "linear" };
  if (/(^|[^a-z0-9])fp8([^a-z0-9]|$)/.test(name)) return { weightBytes: 1, quantizedParts: "linear" };
  return { weightBytes: dtypeBytes };
};

const widthOf = (method: string, said: Config): Width | undefined => {
  switch (method) {
    case "fp8":
      return { weightBytes: 1, ...(Array.isArray(said.weight_block_size) ? { scaleBytes: 4 / blockOf(said) } : {}) };
    case "fbgemm_fp8":
    case "ptpc_fp8":
      return { weightBytes: 1 };
    case "compressed-tensors":
      return compressedWidth(said);
    case "awq":
    case "gptq":
    case "auto-round":
    case "gptq_marlin":
    case "awq_marlin":
      return groupedWidth(
        number(said.bits) ?? number(said.w_bit) ?? 4,
        number(said.group_size) ?? number(said.q_group_size),
        {
          zeros: said.zero_point === true || said.sym === false || method.startsWith("gptq"),
        },
      );
    case "mxfp4":
      return { weightBytes: 0.5 + 1 / 32 };
    case "modelopt":
    case "modelopt_fp4":
    case "nvfp4":
      return modeloptWidth(said, method);
    case "bitsandbytes":
      return { weightBytes: said.load_in_8bit === true ? 1 : 0.5 };
    default:
      return number(said.bits) === undefined ? undefined : { weightBytes: (number(said.bits) as number) / 8 };
  }
};

const number = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;

const blockOf = ({ weight_block_size: block }: Config): number =>
  (block as unknown[]).reduce((size: number, side) => size * (number(side) ?? 1), 1);

/** One 16-bit scale per group, and a zero point of the weights' width. */
const groupedWidth = (bits: number, group: number | undefined, { zeros }: { readonly zeros: boolean }): Width => {
  const weightBytes = bits / 8;
  return group === undefined ? { weightBytes } : { weightBytes, scaleBytes: (2 + (zeros ? weightBytes : 0)) / group };
};

/** The first group by name, as the reference simulator and vLLM's planner read it. */
const compressedWidth = ({ config_groups: groups, format }: Config): Width | undefined => {
  const [first] = isMapping(groups) ? Object.keys(groups).sort() : [];
  const group = isMapping(groups) && first !== undefined ? groups[first] : undefined;
  const weights = isMapping(group) && isMapping(group.weights) ? group.weights : undefined;
  const bits = number(weights?.num_bits);
  if (bits === undefined) return undefined;
  const size = number(weights?.group_size);
  // NVFP4: one byte per 16 values; MXFP4: one per 32.
  if (bits === 4 && weights?.type === "float") return { weightBytes: 0.5, scaleBytes: 1 / (size ?? 16) };
  if (typeof format === "string" && format.startsWith("nvfp4")) return { weightBytes: 0.5, scaleBytes: 1 / 16 };
  return groupedWidth(bits, size, { zeros: weights?.symmetric === false });
};

const modeloptWidth = (said: Config, method: string): Width => {
  const inner = isMapping(said.quantization) ? said.quantization : said;
  const algorithm = String(inner.quant_algo ?? (method === "modelopt" ? "FP8" : "NVFP4")).toUpperCase();
  return algorithm.includes("FP4") ? { weightBytes: 0.5, scaleBytes: 1 / 16 } : { weightBytes: 1 };
};

/** A checkpoint may bring scales for an 8-bit KV cache, which vLLM then takes. */
const kvElementOf = (said: Config): Pick<Precision, "kvElementBytes"> => {
  const inner = isMapping(said.quantization) ? said.quantization : said;
  const bits = isMapping(said.kv_cache_scheme) ? number(said.kv_cache_scheme.num_bits) : undefined;
  if (bits === 8 || String(inner.kv_cache_quant_algo).toUpperCase() === "FP8") return { kvElementBytes: 1 };
  return {};
};

/** Whether attention is among the modules that are left as they are. */
const leavesAttention = (said: Config): boolean =>
  [said.ignore, said.modules_to_not_convert, said.ignored_layers, said.exclude_modules]
    .filter((list): list is unknown[] => Array.isArray(list))
    .some((list) =>
      list.some((name) => /self_attn(\b|[.*])/.test(String(name)) && !/kv_b|indexer|norm/.test(String(name))),
    );
