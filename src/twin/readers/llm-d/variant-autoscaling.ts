import { known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type VariantReading, variantReader } from "../../reader.ts";
import { ACCELERATOR_LABEL, costOf, scaleTargetOf } from "./managed-scaler.ts";

/**
 * Reads a VariantAutoscaling, `llmd.ai/v1alpha1`: deprecated for annotations on an HPA or ScaledObject, but deployed. Its bounds
 * came late (minReplicas 1, maxReplicas 2 by the CRD's defaults then); an object without them is taken to have none, as before
 * (llm-d WVA, b08b1c7 of February 2026, api/v1alpha1).
 */
export const variantAutoscaling = variantReader({
  kind: "VariantAutoscaling",
  group: "llmd.ai",
  summary: "a VariantAutoscaling, one of the workloads that serve a model (deprecated)",
  read: (manifest) => readVariant(manifest),
});

const readVariant = (manifest: Manifest): Result<VariantReading> => {
  const problems: Problem[] = [];
  const root = Field.root(manifest, problems);
  const spec = root.at("spec");
  const model = spec.at("modelID").text();
  const missing = (field: Field, fix: string): void => {
    problems.push({ severity: "error", reason: "BadVariant", ...field.place, message: "is required", fix });
  };
  if (model === undefined || model.value === "") missing(spec.at("modelID"), "name the model, as its series have it");
  const target = scaleTargetOf(spec.at("scaleTargetRef"));
  if (target === undefined) missing(spec.at("scaleTargetRef", "name"), "name the workload");
  const cost = costOf(spec.at("variantCost"), problems);
  const reading = {
    ref: refOf(manifest),
    model,
    cost: cost ?? known(10, { kind: "default", why: 'llm-d WVA: variantCost is "10.0"' }),
    accelerator: root.at("metadata", "labels", ACCELERATOR_LABEL).text(),
    minReplicas: spec.at("minReplicas").whole(),
    maxReplicas: spec.at("maxReplicas").whole(),
  };
  if (target === undefined || problems.some(({ severity }) => severity === "error")) return { ok: false, problems };
  const warning: Problem = {
    severity: "warning",
    reason: "Deprecated",
    ...root.at("kind").place,
    message: "VariantAutoscaling is deprecated",
    fix: "annotate its HorizontalPodAutoscaler or ScaledObject with llm-d.ai/managed, model-id and variant-cost",
  };
  return good({ ...reading, target }, [...problems, warning]);
};
