import type { Problem } from "../../model/problem.ts";
import { formula } from "../expr/formula.ts";
import { isValidFallback } from "./fallback.ts";
import { triggersOf } from "./hpa-of.ts";
import { FORMULA_FIELD, formulaNames } from "./scaled-object.ts";
import { hpaMinReplicas, type ScaledObjectSpec } from "./spec.ts";

const LABEL_LENGTH = 63;

/**
 * What KEDA refuses at admission or when it takes up an object, in its words.
 * Sources: kedacore/keda v2.20, apis/keda/v1alpha1: scaledobject_webhook.go (verifyReplicaCount, verifyTriggers,
 * verifyFallback, verifyName, verifyCPUMemoryScalers), scaledobject_types.go, scaletriggers_types.go.
 */
export const scaledObjectProblems = (spec: ScaledObjectSpec): readonly Problem[] => {
  const triggers = triggersOf(spec);
  return [
    ...replicaProblems(spec),
    ...listProblems(spec),
    ...(triggers.ok ? [] : triggers.problems),
    ...fallbackProblems(spec),
    ...modifierProblems(spec),
    ...nameProblems(spec),
  ];
};

const error = (field: string, message: string, fix?: string): Problem => ({
  severity: "error",
  reason: "InvalidScaledObject",
  field,
  message,
  ...(fix === undefined ? {} : { fix }),
});

const warning = (reason: string, field: string, message: string, fix?: string): Problem => ({
  severity: "warning",
  reason,
  field,
  message,
  ...(fix === undefined ? {} : { fix }),
});

const replicaProblems = (spec: ScaledObjectSpec): Problem[] => {
  const { maxReplicaCount, minReplicaCount, idleReplicaCount } = spec;
  const least = minReplicaCount === undefined ? 0 : hpaMinReplicas(spec);
  if (least > maxReplicaCount) {
    return [
      error("spec.minReplicaCount", `MinReplicaCount=${least} must be less than MaxReplicaCount=${maxReplicaCount}`),
    ];
  }
  if (idleReplicaCount === undefined || idleReplicaCount < least) return [];
  const message = `IdleReplicaCount=${idleReplicaCount} must be less than MinReplicaCount=${least}`;
  return [error("spec.idleReplicaCount", message)];
};

const isResource = ({ type }: { readonly type: string }): boolean => type === "cpu" || type === "memory";

const listProblems = ({ triggers, minReplicaCount = 0 }: ScaledObjectSpec): Problem[] => {
  if (triggers.length === 0) return [error("spec.triggers", "no triggers defined in the ScaledObject/ScaledJob")];
  const names = new Set<string>();
  const problems = triggers.flatMap(({ type, name, useCachedMetrics }, index): Problem[] => {
    const field = `spec.triggers[${index}]`;
    const twice = name !== undefined && names.has(name);
    if (name !== undefined) names.add(name);
    return [
      ...(useCachedMetrics && (type === "cpu" || type === "memory" || type === "cron")
        ? [
            error(
              `${field}.useCachedMetrics`,
              `property "useCachedMetrics" is not supported for ${JSON.stringify(type)} scaler`,
            ),
          ]
        : []),
      ...(twice
        ? [
            error(
              `${field}.name`,
              `triggerName ${JSON.stringify(name)} is defined multiple times in the ScaledObject/ScaledJob, but it must be unique`,
            ),
          ]
        : []),
    ];
  });
  if (!triggers.every(isResource) || minReplicaCount > 0) return problems;
  const message =
    "scaledobject has only cpu/memory triggers AND minReplica is 0 (scale to zero doesn't work in this case)";
  return [...problems, error("spec.minReplicaCount", message, "set it to 1 or more")];
};

const fallbackProblems = (spec: ScaledObjectSpec): Problem[] => {
  const { fallback, scalingModifiers, triggers } = spec;
  if (fallback === undefined) return [];
  if (scalingModifiers === undefined && triggers.every(isResource)) {
    const message =
      "at least one trigger (that is not cpu or memory) has to have the `AverageValue` type for the fallback to be enabled";
    return [error("spec.fallback", message)];
  }
  if (fallback.behavior === "scalingModifiers" && (scalingModifiers?.formula ?? "") === "") {
    const message = "scalingModifiers fallback behavior requires scalingModifiers.formula to be defined";
    return [error("spec.fallback.behavior", message)];
  }
  if (isValidFallback(spec)) return [];
  const message = `KEDA uses no fallback: the target ${JSON.stringify(scalingModifiers?.target)} is no whole number above 0`;
  return [warning("FallbackUnused", "spec.advanced.scalingModifiers.target", message, "write it without a fraction")];
};

const modifierProblems = ({ scalingModifiers, triggers }: ScaledObjectSpec): readonly Problem[] => {
  if (scalingModifiers === undefined) return [];
  const { formula: text, target, activationTarget } = scalingModifiers;
  const at = (name: string): string => `spec.advanced.scalingModifiers.${name}`;
  if (text === "") return [error(FORMULA_FIELD, "error ScalingModifiers.Formula is mandatory")];
  const compiled = formula(text, formulaNames(triggers), FORMULA_FIELD);
  return [
    ...(compiled.ok ? compiled.warnings : compiled.problems),
    ...(target === ""
      ? [error(at("target"), "formula is given but target is empty")]
      : isFloat(target) && Number(target) > 0
        ? []
        : [
            error(
              at("target"),
              "error converting target for scalingModifiers (string->float) to valid target",
              "write a number above 0",
            ),
          ]),
    ...(activationTarget === undefined || activationTarget === "" || isFloat(activationTarget)
      ? []
      : [error(at("activationTarget"), "scalingModifiers.ActivationTarget parsing error", "write a number")]),
    ...triggers.flatMap(({ type, name }, index) =>
      name !== undefined || type === "cpu" || type === "memory"
        ? []
        : [
            warning(
              "TriggerUnnamed",
              `spec.triggers[${index}].name`,
              "trigger name not given with compositeScaler: no formula can use it",
            ),
          ],
    ),
  ];
};

const isFloat = (text: string): boolean => /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text);

const nameProblems = ({ name, hpaName }: ScaledObjectSpec): Problem[] => {
  if (name.length > LABEL_LENGTH) {
    const message = `scaledobject name ${JSON.stringify(name)} is ${name.length} characters long; must be no more than ${LABEL_LENGTH} characters because it is used as the "scaledobject.keda.sh/name" label value`;
    return [error("metadata.name", message)];
  }
  if (hpaName.length <= LABEL_LENGTH) return [];
  const message = `HPA name ${JSON.stringify(hpaName)} derived from scaledobject is ${hpaName.length} characters long; must be no more than ${LABEL_LENGTH} characters`;
  const fix = "set spec.advanced.horizontalPodAutoscalerConfig.name to a shorter name or shorten the scaledobject name";
  return [error("metadata.name", message, fix)];
};
