import { findModel, nearestModels, shapeOfConfig } from "../../model/catalogue/index.ts";
import { type Known, known, type Source } from "../../model/known.ts";
import type { ModelShape } from "../../model/model-shape.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, derived, type Ledger, overridden, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import type { ServerArguments } from "../readers/flags/server-arguments.ts";
import { withFigures } from "./model-figures.ts";

type ModelOverride = NonNullable<SimulationSpec["overrides"]["model"]>;

/** Figures that a spec may give, and that make a model where all of the first five are there. */
const REQUIRED = ["layers", "hidden", "heads", "intermediate", "vocab"] as const;
const FIGURES = [...REQUIRED, "kvHeads", "headDim", "maxPositionEmbeddings", "dtypeBytes", "weightBytes"] as const;
type Figure = (typeof FIGURES)[number];

export interface ModelParts {
  readonly reading: WorkloadReading;
  readonly override: ModelOverride;
  /** Text of the Hugging Face config.json that spec.overrides.model.config names. */
  readonly config: string | undefined;
}

/** The architecture of the served model: the catalogue's or its config's, single figures overridden, or all of it given. */
export const mirrorModel = (
  { reading, override, config }: ModelParts,
  ledger: Ledger,
  path: string,
): ModelShape | undefined => {
  const id = modelId(reading, override, ledger);
  if (id === undefined) return undefined;
  const match = config === undefined ? catalogued(id.value) : configured(id.value, config, ledger);
  if (match === undefined && config !== undefined) return undefined;
  const sources = new Map<Figure, Source>();
  const whole = match === undefined ? givenShape(id.value, override, sources) : matchedShape(match, override, sources);
  if (whole === undefined) return unknownModel(id, override, reading, ledger);
  const shape = withFigures(whole, override, ledger, path);
  const precise = withPrecision(shape, override, reading, ledger, sources);
  ledger.use(`${path}.model.id`, id);
  for (const figure of FIGURES) {
    const from = sources.get(figure);
    if (from !== undefined) ledger.use(`${path}.model.${figure}`, known(precise[figure], from));
  }
  return precise;
};

/** As overridden, else as vLLM is told; for a path, what was put there, the name it is served by, or the path's own last two parts. */
const modelId = (reading: WorkloadReading, override: ModelOverride, ledger: Ledger): Known<string> | undefined => {
  const said = overridden(override.id, "overrides.model.id");
  if (said !== undefined) return said;
  const object = objectText(reading.ref);
  const model = reading.arguments.text("model");
  if (model === undefined) {
    const fix = "name it after `vllm serve`, or set spec.overrides.model.id";
    return ledger.error({ reason: "NoModel", object, message: "nothing names the model that is served", fix });
  }
  if (!/^[./~]/.test(model.value)) return model;
  const put = reading.modelUri === undefined ? undefined : modelOfUri(reading.modelUri);
  if (put !== undefined) return put;
  const served = reading.arguments.firstText("served-model-name");
  if (served !== undefined && findModel(served.value) !== undefined) return served;
  const tail = model.value.replace(/\/+$/, "").split("/").slice(-2).join("/");
  if (findModel(tail) !== undefined) {
    const message = `${model.value} is a path; by its end the model is taken for ${tail}`;
    ledger.warn({
      reason: "GuessedModel",
      ...placeOf(model.from, object),
      message,
      fix: "set spec.overrides.model.id",
    });
    return known(tail, model.from);
  }
  return served ?? model;
};

/** `hf://org/name[:revision]` names the model; of other stores the end of the path may. */
const modelOfUri = ({ value, from }: Known<string>): Known<string> | undefined => {
  const [, scheme = "", rest = ""] = /^([a-z0-9]+):\/\/(.+)$/.exec(value) ?? [];
  const path = rest.replace(/\/+$/, "");
  if (scheme === "hf") return known(path.replace(/[:@].*$/, ""), from);
  const ends = [path.split("/").slice(-2).join("/"), path.split("/").at(-1) ?? ""].map((end) =>
    end.replace(/:[^/]*$/, ""),
  );
  const named = ends.find((end) => findModel(end) !== undefined);
  return named === undefined ? undefined : known(named, from);
};

interface Match {
  readonly shape: ModelShape;
  readonly from: Source;
}

const catalogued = (id: string): Match | undefined => {
  const match = findModel(id);
  if (match === undefined) return undefined;
  const { shape, entry, rule } = match;
  return { shape, from: { kind: "catalogue", entry: rule === "exact" ? entry : `${entry} (by ${rule})` } };
};

const CONFIG = "spec.overrides.model.config";

const configured = (id: string, text: string, ledger: Ledger): Match | undefined => {
  const read = shapeOfConfig(id, text, CONFIG);
  ledger.problems.push(...(read.ok ? read.warnings : read.problems).map((problem) => ({ ...problem, field: CONFIG })));
  return read.ok ? { shape: read.value, from: { kind: "override", field: CONFIG } } : undefined;
};

const matchedShape = ({ shape, from }: Match, override: ModelOverride, sources: Map<Figure, Source>): ModelShape => {
  const figures = Object.fromEntries(
    FIGURES.map((figure) => {
      const said = overridden(override[figure], `overrides.model.${figure}`);
      sources.set(figure, said?.from ?? from);
      return [figure, said?.value ?? shape[figure]];
    }),
  ) as Record<Figure, number>;
  return { ...shape, ...figures, headDimExplicit: shape.headDimExplicit || override.headDim !== undefined };
};

/** Fields left out are as Hugging Face configs without them: as many KV heads as heads, hidden / heads, 16 bit. */
const givenShape = (id: string, override: ModelOverride, sources: Map<Figure, Source>): ModelShape | undefined => {
  if (REQUIRED.some((figure) => override[figure] === undefined)) return undefined;
  const figure = (name: Figure, otherwise: Known<number>): number => {
    const { value, from } = overridden(override[name], `overrides.model.${name}`) ?? otherwise;
    sources.set(name, from);
    return value;
  };
  const needed = (name: (typeof REQUIRED)[number]): number => {
    sources.set(name, { kind: "override", field: `spec.overrides.model.${name}` });
    return override[name] as number;
  };
  const [layers, hidden, heads, intermediate, vocab] = REQUIRED.map(needed) as [number, number, number, number, number];
  const dtypeBytes = figure("dtypeBytes", defaulted(2, "16-bit weights and activations"));
  return {
    id,
    layers,
    hidden,
    heads,
    intermediate,
    vocab,
    kvHeads: figure("kvHeads", derived(heads, "as many as attention heads")),
    headDim: figure("headDim", derived(Math.floor(hidden / heads), "hidden / heads")),
    headDimExplicit: override.headDim !== undefined,
    maxPositionEmbeddings: figure("maxPositionEmbeddings", defaulted(2048, "Hugging Face's for Llama configs")),
    dtypeBytes,
    weightBytes: figure("weightBytes", derived(dtypeBytes, "no quantisation")),
    source: "spec.overrides.model",
  };
};

const unknownModel = (
  id: Known<string>,
  override: ModelOverride,
  reading: WorkloadReading,
  ledger: Ledger,
): undefined => {
  const near = nearestModels(id.value, 3).join(", ");
  const missing = REQUIRED.filter((figure) => override[figure] === undefined);
  ledger.error({
    reason: "UnknownModel",
    ...placeOf(id.from, objectText(reading.ref)),
    message: `the catalogue has no model ${id.value}; the nearest are ${near}`,
    fix: `set spec.overrides.model.id to a known model, or give its architecture in spec.overrides.model, or its config.json in spec.overrides.model.config (missing: ${missing.join(", ")})`,
  });
};

/** Weight formats that vLLM makes itself of a 16-bit checkpoint, and their bytes. */
const MADE_AT_LOAD: Readonly<Record<string, number>> = { fp8: 1, bitsandbytes: 0.5 };

/** What --dtype and --quantization make of the checkpoint's precision. */
const withPrecision = (
  shape: ModelShape,
  override: ModelOverride,
  reading: WorkloadReading,
  ledger: Ledger,
  sources: Map<Figure, Source>,
): ModelShape =>
  withQuantization(withDtype(shape, override, reading.arguments, sources), override, reading, ledger, sources);

const withDtype = (
  shape: ModelShape,
  override: ModelOverride,
  said: ServerArguments,
  sources: Map<Figure, Source>,
): ModelShape => {
  const dtype = said.text("dtype");
  if (dtype === undefined || override.dtypeBytes !== undefined || !/^float(32)?$/.test(dtype.value)) return shape;
  sources.set("dtypeBytes", dtype.from);
  const quantised = shape.weightBytes !== shape.dtypeBytes || override.weightBytes !== undefined;
  if (!quantised) sources.set("weightBytes", dtype.from);
  return { ...shape, dtypeBytes: 4, weightBytes: quantised ? shape.weightBytes : 4 };
};

const withQuantization = (
  shape: ModelShape,
  override: ModelOverride,
  reading: WorkloadReading,
  ledger: Ledger,
  sources: Map<Figure, Source>,
): ModelShape => {
  const said = reading.arguments.text("quantization");
  if (said === undefined || override.weightBytes !== undefined || shape.weightBytes < shape.dtypeBytes) return shape;
  const bytes = MADE_AT_LOAD[said.value];
  if (bytes !== undefined) {
    sources.set("weightBytes", said.from);
    return { ...shape, weightBytes: bytes, quantizedParts: "linear" };
  }
  const message = `--quantization ${said.value}: the catalogue has ${shape.id} unquantised; it is simulated so`;
  const fix = "set spec.overrides.model.weightBytes, such as 0.5 for 4-bit weights";
  ledger.warn({ reason: "NotModelled", ...placeOf(said.from, objectText(reading.ref)), message, fix });
  return shape;
};
