import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { groupOf, type Manifest, refOf } from "../../manifest.ts";
import type { VariantReading } from "../../reader.ts";

export const ACCELERATOR_LABEL = "inference.optimization/acceleratorName";
const MANAGED = "llm-d.ai/managed";

/** Whether the Workload Variant Autoscaler looks after what this HPA or ScaledObject scales. */
export const isManagedScaler = ({ metadata }: Manifest): boolean => metadata.annotations?.[MANAGED] === "true";

/**
 * What an annotated HorizontalPodAutoscaler or ScaledObject tells llm-d's WVA: `llm-d.ai/model-id`, `llm-d.ai/variant-cost`, its
 * target and bounds (llm-d WVA, main of mid-2026, internal/annotations and VariantAutoscalingFromHPA,
 * VariantAutoscalingFromScaledObject). One with a cost that is no number is passed over there, and an error here.
 */
export const readManagedScaler = (manifest: Manifest): Result<VariantReading> => {
  const problems: Problem[] = [];
  const root = Field.root(manifest, problems);
  const spec = root.at("spec");
  const annotations = root.at("metadata", "annotations");
  const isHpa = manifest.kind === "HorizontalPodAutoscaler";
  const target = scaleTargetOf(spec.at("scaleTargetRef"));
  if (target === undefined) {
    const place = spec.at("scaleTargetRef", "name").place;
    problems.push({
      severity: "error",
      reason: "BadVariant",
      ...place,
      message: "is required",
      fix: "name the workload",
    });
  }
  const cost = costOf(annotations.at("llm-d.ai/variant-cost"), problems);
  const reading = {
    ref: refOf(manifest),
    model: annotations.at("llm-d.ai/model-id").text(),
    cost: cost ?? known(10, { kind: "default", why: 'llm-d WVA: llm-d.ai/variant-cost is "10.0"' }),
    accelerator: root.at("metadata", "labels", ACCELERATOR_LABEL).text(),
    minReplicas: isHpa
      ? (spec.at("minReplicas").whole() ?? known(1, { kind: "default", why: "Kubernetes: minReplicas is 1" }))
      : spec.at("minReplicaCount").whole(),
    maxReplicas: isHpa
      ? spec.at("maxReplicas").whole()
      : (spec.at("maxReplicaCount").whole() ?? known(100, { kind: "default", why: "KEDA: maxReplicaCount is 100" })),
  };
  if (target === undefined || problems.some(({ severity }) => severity === "error")) return { ok: false, problems };
  return good({ ...reading, target }, problems);
};

/** Kind Deployment and group apps where nothing is said. */
export const scaleTargetOf = (ref: Field): VariantReading["target"] | undefined => {
  const name = ref.at("name").text();
  if (name === undefined || name.value === "") return undefined;
  const group = groupOf(ref.at("apiVersion").text()?.value ?? "apps/v1");
  return known({ group, kind: ref.at("kind").text()?.value ?? "Deployment", name: name.value }, name.from);
};

export const costOf = (field: Field, problems: Problem[]): Known<number> | undefined => {
  const text = field.text();
  if (text === undefined || text.value === "") return undefined;
  const cost = Number(text.value);
  if (text.value.trim() !== "" && Number.isFinite(cost) && cost >= 0) return known(cost, text.from);
  const message = `must be a number of at least 0 as text, not ${JSON.stringify(text.value)}`;
  problems.push({ severity: "error", reason: "BadVariant", ...field.place, message, fix: 'write "10.0"' });
};
