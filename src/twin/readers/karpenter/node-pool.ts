import { durationSeconds } from "../../../model/duration.ts";
import { known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type NodePoolReading, nodePoolReader } from "../../reader.ts";
import { GPU_RESOURCES } from "../pod/gpu.ts";
import { readRequirement, readTaints } from "../pod/placement.ts";

/**
 * Reads Karpenter's NodePool, karpenter.sh/v1: labels, taints and limits of the nodes that it asks for, and when it gives
 * them back. Which machines they are its cloud decides. Source: pkg/apis/v1/nodepool.go, kubernetes-sigs/karpenter v1.9.
 */
export const nodePool = nodePoolReader({
  kind: "NodePool",
  group: "karpenter.sh",
  summary: "a NodePool of Karpenter, which asks for nodes",
  read: (manifest) => readNodePool(manifest),
});

const readNodePool = (manifest: Manifest): Result<NodePoolReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const template = spec.at("template");
  const requirements = template.at("spec", "requirements").items().flatMap(readRequirement);
  // A requirement that leaves one value is a label of every node.
  const fixed = requirements.flatMap(({ key, operator, values }) =>
    operator === "In" && values.length === 1 ? [[key, values[0] as string] as const] : [],
  );
  const limit = (name: string) => {
    const field = spec.at("limits", name);
    const value = Number(field.raw);
    return field.present && Number.isSafeInteger(value) && value >= 0 ? known(value, field.from) : undefined;
  };
  const disruption = spec.at("disruption");
  const after = disruption.at("consolidateAfter").text();
  const reading: NodePoolReading = {
    ref: refOf(manifest),
    labels: {
      ...Object.fromEntries(fixed),
      ...template.at("metadata", "labels").texts(),
      "karpenter.sh/nodepool": manifest.metadata.name,
    },
    taints: readTaints(template.at("spec", "taints")),
    weight: spec.at("weight").whole(),
    gpuLimit: GPU_RESOURCES.map(limit).find((one) => one !== undefined),
    nodeLimit: limit("nodes"),
    consolidateAfterSeconds:
      after === undefined
        ? undefined
        : known(after.value === "Never" ? undefined : durationSeconds(after.value), after.from),
    whenEmptyOnly: disruption.at("consolidationPolicy").raw === "WhenEmpty",
  };
  return problems.some(({ severity }) => severity === "error") ? { ok: false, problems } : good(reading, problems);
};
