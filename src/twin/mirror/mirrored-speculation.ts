import { kvBytesPerToken } from "../../engine/kv-layout.ts";
import { layerBytesPerGpu, weightBytesPerGpu } from "../../engine/model-memory.ts";
import { findModel } from "../../model/catalogue/index.ts";
import { type Known, known } from "../../model/known.ts";
import type { ModelShape, Parallelism } from "../../model/model-shape.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, type Ledger, overridden, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";

type EngineOverride = NonNullable<SimulationSpec["overrides"]["engine"]>;

export interface MirroredSpeculation {
  readonly method: string;
  readonly tokens: number;
  readonly acceptance: readonly number[];
  /** What the drafter takes of each GPU. */
  readonly draft: { readonly weightBytes: number; readonly kvBytesPerToken: number };
}

export interface SpeculationParts {
  readonly reading: WorkloadReading;
  readonly override: EngineOverride;
  readonly shape: ModelShape;
  readonly parallelism: Parallelism;
}

/**
 * Probability that a draft token is taken if all before it were, where nobody says. Assumptions near published figures,
 * which hang on traffic: DeepSeek-V3's report has 0.85 to 0.9 for its own head, EAGLE's and speculative sampling's papers
 * about 0.7 for chat; what is looked up in the prompt is taken as often as texts repeat.
 */
const TAKEN: readonly { readonly method: RegExp; readonly share: number }[] = [
  { method: /^(mtp|.*_mtp)$/, share: 0.85 },
  { method: /^(eagle3?|draft_model|dflash|medusa|mlp_speculator)$/, share: 0.7 },
  { method: /./, share: 0.5 },
];

/** Speculative decoding by --speculative-config, its shorter flags or overrides; undefined: there is none, or it is wrong. */
export const mirrorSpeculation = (
  parts: SpeculationParts,
  ledger: Ledger,
  path: string,
): MirroredSpeculation | undefined => {
  const { reading, override } = parts;
  const object = objectText(reading.ref);
  const said = saidOf(reading);
  const own = override.speculation;
  if (said === undefined && own?.tokens === undefined) return undefined;
  const config = said?.value ?? {};
  const model = typeof config.model === "string" ? config.model : undefined;
  const method = methodOf(config, model);
  const tokens =
    overridden(own?.tokens, "overrides.engine.speculation.tokens") ?? tokensOf(config, method, said as Known<unknown>);
  if (tokens === undefined || !Number.isSafeInteger(tokens.value) || tokens.value < 1) {
    const message =
      tokens === undefined
        ? `num_speculative_tokens must be given for ${method}`
        : `num_speculative_tokens must be greater than 0, not ${String(tokens.value)}`;
    const place = placeOf((tokens ?? (said as Known<unknown>)).from, object);
    return ledger.error({ reason: "BadArgument", ...place, message, fix: "set a whole number such as 3" });
  }
  ledger.use(`${path}.engine.speculation.method`, known(method, said?.from ?? tokens.from));
  ledger.use(`${path}.engine.speculation.tokens`, tokens);
  const acceptance = acceptanceOf(parts, method, tokens.value, ledger, path);
  const from = said?.from ?? tokens.from;
  return { method, tokens: tokens.value, acceptance, draft: draftOf(parts, { method, model, from }, ledger) };
};

/** One object of all spellings; the shorter flags win. */
const saidOf = ({ arguments: said }: WorkloadReading): Known<Readonly<Record<string, unknown>>> | undefined => {
  const whole = said.json("speculative-config");
  const fields = {
    method: said.text("spec-method"),
    model: said.text("spec-model") ?? said.text("speculative-model"),
    num_speculative_tokens: said.number("spec-tokens") ?? said.number("num-speculative-tokens"),
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const from = whole?.from ?? fields.method?.from ?? fields.model?.from ?? fields.num_speculative_tokens?.from;
  if (from === undefined) return undefined;
  return known({ ...whole?.value, ...Object.fromEntries(given.map(([name, value]) => [name, value?.value])) }, from);
};

/** As vLLM guesses it from the drafter's name (vllm/config/speculative.py). */
const methodOf = ({ method }: Readonly<Record<string, unknown>>, model: string | undefined): string => {
  if (typeof method === "string") return method;
  if (model === undefined) return "mtp";
  if (model === "ngram" || model === "[ngram]") return "ngram";
  const name = model.toLowerCase();
  if (name.includes("eagle3")) return "eagle3";
  return ["eagle", "medusa", "dflash"].find((one) => name.includes(one)) ?? "draft_model";
};

const tokensOf = (
  { num_speculative_tokens: tokens }: Readonly<Record<string, unknown>>,
  method: string,
  said: Known<unknown>,
): Known<number> | undefined => {
  if (tokens !== undefined) return known(Number(tokens), said.from);
  return method.endsWith("mtp") ? defaulted(1, "vLLM: as many as the model has prediction layers, 1") : undefined;
};

const acceptanceOf = (
  { reading, override }: SpeculationParts,
  method: string,
  tokens: number,
  ledger: Ledger,
  path: string,
): readonly number[] => {
  const said = override.speculation?.acceptance;
  const field = "overrides.engine.speculation.acceptance";
  const last = said?.at(-1);
  const share = TAKEN.find((one) => one.method.test(method))?.share ?? 0;
  if (last === undefined) {
    const message = `no spec tells how many draft tokens are accepted: ${share} per position is assumed for ${method}`;
    const fix = `set spec.${field} to vllm:spec_decode_num_accepted_tokens_per_pos over that of the position before`;
    ledger.warn({ reason: "AssumedAcceptance", object: objectText(reading.ref), message, fix });
  }
  return Array.from({ length: tokens }, (_, position) => {
    const value =
      overridden(said?.[position] ?? last, field) ?? defaulted(share, `assumed for ${method}; it hangs on the traffic`);
    return ledger.use(`${path}.engine.speculation.acceptance[${position}]`, value);
  });
};

interface Drafter {
  readonly method: string;
  readonly model: string | undefined;
  readonly from: Known<unknown>["from"];
}

/** A draft model has its own weights and KV; a head is about one layer of the model it serves; n-grams have none. */
const draftOf = (
  { reading, shape, parallelism }: SpeculationParts,
  { method, model, from }: Drafter,
  ledger: Ledger,
): MirroredSpeculation["draft"] => {
  const headBytes = layerBytesPerGpu(shape, parallelism);
  if (/^(ngram|ngram_gpu|suffix)$/.test(method)) return { weightBytes: 0, kvBytesPerToken: 0 };
  if (method !== "draft_model") {
    return { weightBytes: headBytes, kvBytesPerToken: kvBytesPerToken(shape, parallelism) / shape.layers };
  }
  const own = model === undefined ? undefined : findModel(model)?.shape;
  if (own !== undefined) {
    return {
      weightBytes: weightBytesPerGpu(own, parallelism),
      kvBytesPerToken: kvBytesPerToken(own, parallelism),
    };
  }
  const message = `the catalogue has no model ${model ?? ""}: the draft model's memory is not counted`;
  const fix = "set spec.overrides.engine.numGpuBlocks to what vLLM reports";
  ledger.warn({ reason: "NotModelled", ...placeOf(from, objectText(reading.ref)), message, fix });
  return { weightBytes: 0, kvBytesPerToken: 0 };
};
